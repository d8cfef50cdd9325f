"""What an answer that nothing could be read in says of `provider.base_url`: mostly a slip in it, and which one."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shomare_mqtt.errors import ErrorCode, ProviderPageError

if TYPE_CHECKING:
    from shomare_mqtt.errors import ProviderError

_USUAL_END = "/api"


def wrong_address(address: str, error: ProviderError) -> tuple[str, str] | None:
    """What is probably wrong with the address, as it may be shown, and what to do.

    None where the error tells nothing of it.
    """
    http = error.upstream.http if error.upstream else 0
    if error.code is ErrorCode.UNKNOWN_ENDPOINT:
        what = f"{address} answers, and knows none of the provider's addresses (HTTP {http} each time)"
    elif error.code is not ErrorCode.MALFORMED_ANSWER or isinstance(error, ProviderPageError):
        return None
    elif 300 <= http < 400:  # noqa: PLR2004 - HTTP's redirects
        return f"{address} leads elsewhere (HTTP {http})", "set provider.base_url to the address that it leads to"
    elif 200 <= http < 300 and not _ends_as_usual(address):  # noqa: PLR2004 - HTTP's successes
        what = f"{address} answers with something else than the provider's data (HTTP {http})"
    else:
        return None
    if _ends_as_usual(address):
        return what, "check provider.base_url"
    return what, f"provider.base_url probably lacks {_USUAL_END} at its end"


def _ends_as_usual(address: str) -> bool:
    return urlsplit(address).path.rstrip("/").endswith(_USUAL_END)
