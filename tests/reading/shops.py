"""The whole shops among the tables: one provider's answers to each endpoint that only reads, with what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import CatalogKind, Endpoint
from shomare_mqtt.provider.client import LISTS
from tests.reading.table import tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.reading.table import Case

ENDPOINTS = {
    "profile": Endpoint.PROFILE,
    **{kind.value: LISTS[kind] for kind in CatalogKind},
    "prices": Endpoint.PRICES,
    "price": Endpoint.PRICE,
}


@dataclass(frozen=True)
class Shop:
    """One file under `answers/shops`. `answers` by endpoint, `wanted` by kind; `asked`: a country's id, and so on.

    `unit`: that of its money, where it has fractions.
    """

    name: str
    answers: Mapping[str, bytes]
    asked: tuple[str, str, str]
    unit: str | None
    wanted: Mapping[str, dict[str, Any]]


def shops() -> Iterator[Shop]:
    """Every whole shop; a file that leaves an endpoint out raises KeyError."""
    by_file: dict[str, list[Case]] = {}
    for case in tables():
        if case.file.startswith("shops/"):
            by_file.setdefault(case.file, []).append(case)
    for file, cases in by_file.items():
        first = {kind: case for case in reversed(cases) for kind in case.wanted}
        context = first["price"].calls[0].context("price")
        known = context.known
        yield Shop(
            file.removeprefix("shops/"),
            {endpoint.value: first[kind].calls[0].raw.body for kind, endpoint in ENDPOINTS.items()},
            (known.country or "", known.operator or "", known.application or ""),
            context.unit,
            {kind: first[kind].wanted[kind] for kind in ENDPOINTS},
        )
