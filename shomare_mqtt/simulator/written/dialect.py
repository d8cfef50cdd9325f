"""A dialect made from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import Endpoint
from shomare_mqtt.simulator.dialects.shape import Dialect, Names
from shomare_mqtt.simulator.ledger import State
from shomare_mqtt.simulator.written.attributes import LISTS, OF_A_PURCHASES_ID, entries
from shomare_mqtt.simulator.written.document import read_document
from shomare_mqtt.simulator.written.filters import shown
from shomare_mqtt.simulator.written.mistakes import WrongFileError
from shomare_mqtt.simulator.written.placeholders import Scope, Words
from shomare_mqtt.simulator.written.scene import Scene
from shomare_mqtt.simulator.written.templates import loops_over_sms, rendering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from decimal import Decimal
    from pathlib import Path

    from shomare_mqtt.simulator.catalog import Catalog, Offer
    from shomare_mqtt.simulator.dialects.shape import Listing, PurchaseView, Refusal
    from shomare_mqtt.simulator.written.document import Document
    from shomare_mqtt.simulator.written.templates import Render

ENDING = ".json"
"""What tells a file from the name of a dialect that is built in."""

_LOWEST, _HIGHEST = 200, 599
_PURCHASE = frozenset({*LISTS, "purchase", "balance"})
_SAID_IN = {
    Endpoint.PROFILE: frozenset({"balance"}),
    Endpoint.COUNTRIES: frozenset[str](),
    Endpoint.OPERATORS: frozenset[str](),
    Endpoint.APPLICATIONS: frozenset[str](),
    Endpoint.PRICES: frozenset({"country", "operator"}),
    Endpoint.PRICE: frozenset(LISTS),
    Endpoint.BUY: _PURCHASE,
    Endpoint.CHECK: _PURCHASE,
    Endpoint.CANCEL: _PURCHASE,
}
"""The fields of Scene that have a value in each answer."""


def read(path: Path, catalog: Catalog) -> Dialect:
    """The dialect in a file, for what the catalogue holds. Raises WrongFileError: one line, the place in it."""
    try:
        return _made(str(path), read_document(path), catalog)
    except WrongFileError as error:
        raise WrongFileError(str(path), str(error)) from None


def _made(name: str, document: Document, catalog: Catalog) -> Dialect:
    words = Words(document.attributes.model_dump(), {state: state.value for state in State} | document.states)
    answers = _Answers(catalog, words, document)
    return Dialect(
        name=name,
        about=document.about,
        parameters=document.parameters,
        buy=document.buy,
        names=Names(**document.names.model_dump()),
        profile=answers.profile,
        listing=answers.listing,
        prices=answers.prices,
        price=answers.price,
        bought=lambda view: answers.of_purchase(Endpoint.BUY, view),
        checked=lambda view: answers.of_purchase(Endpoint.CHECK, view),
        cancelled=lambda view: answers.of_purchase(Endpoint.CANCEL, view),
        refused=answers.refused,
        newest_only=not loops_over_sms(document.answers.check),
        statuses=dict(_statuses(document.http)),
        wanted=_wanted(document.wants.model_dump(), words, catalog),
        any_place=document.any_place,
    )


class _Answers:
    """The renderers of a Dialect."""

    def __init__(self, catalog: Catalog, words: Words, document: Document) -> None:
        self._catalog = catalog
        written = document.answers.model_dump()
        self._render: dict[Endpoint, Render] = {
            endpoint: rendering(written[endpoint], f"answers.{endpoint}", Scope(words, known))
            for endpoint, known in _SAID_IN.items()
        }
        self._refused = rendering(written["refused"], "answers.refused", Scope(words, frozenset({"refusal"})))

    def profile(self, balance: Decimal) -> Any:
        return self._render[Endpoint.PROFILE](Scene(self._catalog, balance=balance))

    def listing(self, listing: Listing) -> Any:
        return self._render[listing.kind.endpoint](Scene(self._catalog))

    def prices(self, offers: tuple[Offer, ...]) -> Any:
        place = offers[0]
        return self._render[Endpoint.PRICES](Scene(self._catalog, place.country, place.operator))

    def price(self, offer: Offer) -> Any:
        return self._render[Endpoint.PRICE](Scene(self._catalog, offer.country, offer.operator, offer.application))

    def of_purchase(self, endpoint: Endpoint, view: PurchaseView) -> Any:
        catalog = self._catalog
        country, operator = catalog.countries[view.country], catalog.operators[view.operator]
        product = (country, operator, catalog.applications[view.application])
        return self._render[endpoint](Scene(catalog, *product, purchase=view, balance=view.balance))

    def refused(self, refusal: Refusal) -> Any:
        return self._refused(Scene(self._catalog, refusal=refusal))


def _wanted(wants: dict[str, str], words: Words, catalog: Catalog) -> Callable[[str, str], str | None]:
    """What turns the simulator's own ids into those that the endpoints take. Raises WrongFileError."""
    for kind in LISTS:
        if not words.knows(kind, wants[kind]):
            raise WrongFileError(f"wants.{kind}", f"there is no attribute {wants[kind]!r}")
    if wants["purchase"] not in OF_A_PURCHASES_ID:
        raise WrongFileError("wants.purchase", f"must be one of {', '.join(OF_A_PURCHASES_ID)}")
    scene = Scene(catalog)

    def wanted(kind: str, own: str) -> str | None:
        if kind == "purchase":
            return shown(OF_A_PURCHASES_ID[wants[kind]](own))
        return shown(words.of_entry(scene, kind, entries(catalog, kind)[own], wants[kind])) or None

    return wanted


def _statuses(http: dict[str, Any]) -> Iterator[tuple[tuple[Endpoint, State | None], int]]:
    """The HTTP status of each answer, in each state of a purchase, that has one of its own. Raises WrongFileError."""
    for name, value in http.items():
        if name not in set(Endpoint):
            raise WrongFileError(f"http.{name}", f"there is no such endpoint; there are {', '.join(Endpoint)}")
        by_state = value if isinstance(value, dict) else dict.fromkeys((None, *State), value)
        for state, status in by_state.items():
            place = f"http.{name}.{state}" if isinstance(value, dict) else f"http.{name}"
            if state is not None and state not in set(State):
                raise WrongFileError(place, f"there is no such state; there are {', '.join(State)}")
            if not isinstance(status, int) or not _LOWEST <= status <= _HIGHEST:
                raise WrongFileError(place, f"must be a status from {_LOWEST} to {_HIGHEST}")
            yield (Endpoint(name), None if state is None else State(state)), int(status)
