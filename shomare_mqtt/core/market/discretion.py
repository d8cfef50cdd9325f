"""What an error of the provider may say, and to whom: the one place that decides (contract, Events).

The provider's own words may repeat the token, which is masked, and those about a number its SMS, in any form
(`KXQP-ZW`, `48/21/3`, a word). These stand in `ProviderError.told` from here on, which the answer to a command
alone repeats: log, topics, events, orders and plugins get the error itself, which is in words of ours.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from shomare_mqtt.errors import ProviderError, ProviderRefusedError, Upstream
from shomare_mqtt.model import OF_A_NUMBER, Catalog, CatalogEntry, Price, PriceList, Profile

if TYPE_CHECKING:
    from shomare_mqtt.core.masking import Mask
    from shomare_mqtt.model import Endpoint

T = TypeVar("T")

_DOCUMENTED = frozenset({-1, 401, 402, 403, 404, 405, 500})
"""What `code` may be where a call failed (provider page); every other may be an SMS's."""
_WHERE = "what it says itself may quote an SMS and stands only in answers to `cancel` and `query/check`"


def make_fit(error: ProviderError, endpoint: Endpoint, mask: Mask) -> None:
    """Leave in an error what may be told to all; `told` keeps the rest."""
    upstream = error.upstream
    if upstream is not None and upstream.code is not None:
        upstream = replace(upstream, code=mask.value(upstream.code))
    message = mask.text(error.message)
    if upstream is None or (endpoint not in OF_A_NUMBER and error.plain is None):
        _say(error, message, upstream)
        return
    error.told = ProviderError(error.code, message, upstream)
    plain = error.plain or f"{in_short(error, endpoint)}."
    hint = f"{plain.removesuffix('.')}; {_WHERE}." if plain != message and endpoint in OF_A_NUMBER else plain
    _say(error, hint, Upstream(upstream.http, _documented(upstream)))


def in_short(error: ProviderError, endpoint: Endpoint) -> str:
    """That a call failed, in words of ours alone."""
    said = "refused" if isinstance(error, ProviderRefusedError) else "did not properly answer"
    http = f", HTTP {error.upstream.http}" if error.upstream else ""
    return f"the provider {said} the {endpoint} ({error.code}{http})"


def masked(found: T, mask: Mask) -> T:
    """What was read of an answer, its names and other words masked: lists are retained, and show all else that is said.

    Ids stay, since they are sent back; so do SMS, which are handed on as they came.
    """
    shown: Any = found
    match found:
        case Price():
            name = _name(found.application_name, mask)
            shown = found if name == found.application_name else replace(found, application_name=name)
        case Profile():
            shown = replace(found, currency=_name(found.currency, mask), extra=mask.value(dict(found.extra)))
        case Catalog():
            shown = replace(found, entries=_entries(found.entries, mask))
        case PriceList():
            shown = replace(found, prices=_prices(found.prices, mask))
    return cast("T", shown)


def _entries(entries: tuple[CatalogEntry, ...], mask: Mask) -> tuple[CatalogEntry, ...]:
    """A list's entries: looked at together, since all of a long list one by one takes its time."""
    said = [[entry.name, list(entry.names), dict(entry.extra)] for entry in entries]
    if (shown := mask.value(said)) is said:
        return entries
    pairs = zip(entries, shown, strict=True)
    return tuple(CatalogEntry(e.id, name, tuple(names), extra) for e, (name, names, extra) in pairs)


def _prices(prices: tuple[Price, ...], mask: Mask) -> tuple[Price, ...]:
    said = [price.application_name for price in prices]
    return prices if mask.value(said) is said else tuple(masked(price, mask) for price in prices)


def _name(name: str | None, mask: Mask) -> str | None:
    return name and mask.name(name)


def _documented(upstream: Upstream) -> int | str | None:
    return upstream.code if upstream.code in _DOCUMENTED | {upstream.http} else None


def _say(error: ProviderError, message: str, upstream: Upstream | None) -> None:
    error.message, error.upstream = message, upstream
    error.args = (message,)
