"""Random layouts of one truth: whatever names, envelopes and decoys a list has, nothing wrong is read out of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shomare_mqtt.model import CatalogEntry, CatalogKind, Known
from shomare_mqtt.provider.reading import read_catalog, read_price, read_prices
from tests.reading.contexts import NOTHING
from tests.reading.readings import answer

quick = settings(max_examples=300, deadline=None)
NAMES = {
    "applications": [
        ("Telegram", "تلگرام", "tg"),
        ("WhatsApp", "واتساپ", "wa"),
        ("Google", "گوگل", "go"),
        ("Other", "سایر", "ot"),
    ],
    "countries": [("Russia", "روسیه", "rus"), ("Iran", "ایران", "irn"), ("England", "انگلیس", "gbr")],
    "operators": [("MTS", "ام تی اس", "mts"), ("Beeline", "بیلاین", "beeline"), ("Any", "خودکار", "any")],
}
APPLICATION_NAMES = ("application_id", "app_id", "service", "app", "product", "id", "code", "AppID", "service_code")
PRICE_NAMES = (
    "price",
    "cost",
    "amount",
    "Price",
    "sell_price",
    "finalPrice",
    "price_toman",
    "sum",
    "قیمت",
    "price_final",
)
STOCK_NAMES = ("count", "qty", "quantity", "stock", "available", "numbers", "تعداد", "remaining", "total", "number")
ENVELOPES = ("data", "result", "list", "items", "response")
MARKS: tuple[dict[str, Any], ...] = (
    {},
    {"status": True},
    {"status": True, "code": 200, "message": "OK"},
    {"success": 1, "user": {"id": 4, "name": "Ali", "balance": 5, "amount": 7}},
)


def entries(kind: str, random: Random) -> tuple[CatalogEntry, ...]:
    """A list with random ids, which overlap with those of the other lists."""
    ids = random.sample(range(random.choice([6, 60, 3000])), len(NAMES[kind]))
    return tuple(CatalogEntry(str(i), n[0], n) for i, n in zip(ids, NAMES[kind], strict=True))


def figures(random: Random) -> dict[str, Any]:
    """What else a row may say: figures near a price or a stock, and none of them."""
    said = {
        "time": "00:20:00",
        "repeat": 1,
        "rate": round(random.random() * 100, 1),
        "success_rate": random.randrange(100),
        "old_price": random.randrange(1, 9),
        "max_price": 9999999,
        "call_price": random.randrange(1, 9),
        "discount": random.randrange(1, 9),
        "sold": random.randrange(99),
        "active": 1,
        "is_active": True,
        "category_id": random.randrange(1, 5),
        "sort": random.randrange(30),
        "history": [{"date": "2026-01-01", "price": 1}],
    }
    return {name: said[name] for name in random.sample(list(said), random.randint(0, 4))}


def written(number: int, random: Random) -> Any:
    """A number as a provider may write it."""
    persian = f"{number:,}".translate(str.maketrans("0123456789,", "۰۱۲۳۴۵۶۷۸۹٬"))
    return random.choice([number, str(number), f"{number:,}", persian])


class Layout:
    """One provider's way to lay out its prices, and the truth that is in it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.lists = {kind: entries(kind, random) for kind in NAMES}
        self.known = Known(
            countries=self.lists["countries"],
            operators=self.lists["operators"],
            applications=self.lists["applications"],
        )
        self.country, self.operator = self.lists["countries"][0], self.lists["operators"][0]
        self.truth = {e.id: self.offer() for e in self.lists["applications"]}
        self.names = {
            "id": random.choice(APPLICATION_NAMES),
            "price": random.choice(PRICE_NAMES),
            "stock": random.choice(STOCK_NAMES),
        }
        self.row_ids = iter(random.sample(range(1, 400), 100)) if random.random() < 0.4 else None

    def offer(self) -> tuple[int, int]:
        return self.random.randrange(10, 90000) * 10, self.random.choice([0, 1, 5, 120, 43575])

    def row(self, entry: CatalogEntry, *, true: bool, named: bool = True, **more: Any) -> dict[str, Any]:
        price, stock = self.truth[entry.id] if true else self.offer()
        own: dict[str, Any] = {"id": next(self.row_ids)} if self.row_ids and self.names["id"] != "id" else {}
        if named:
            own[self.names["id"]] = self.random.choice([entry.id, int(entry.id)])
        said = [
            (self.names["price"], written(price, self.random)),
            (self.names["stock"], written(stock, self.random)),
            *figures(self.random).items(),
            *more.items(),
        ]
        self.random.shuffle(said)
        return own | dict(said)

    def value(self) -> Any:
        shapes = (self.rows, self.rows_of_all_operators, self.keyed, self.by_country_and_operator, self.in_categories)
        value: Any = self.random.choice(shapes)()
        for _ in range(self.random.randint(0, 2)):
            value = {self.random.choice(ENVELOPES): value}
        is_collection = isinstance(value, dict) and any(k.isdigit() for k in value)
        return value if isinstance(value, list) or is_collection else {**self.random.choice(MARKS), **value}

    def rows(self) -> Any:
        return [self.row(e, true=True) for e in self.lists["applications"]]

    def rows_of_all_operators(self) -> Any:
        return [
            self.row(e, true=o is self.operator, operator_id=o.id)
            for e in self.lists["applications"]
            for o in self.lists["operators"]
        ]

    def keyed(self) -> Any:
        by_name = self.random.random() < 0.5
        return {
            e.names[2] if by_name else e.id: self.row(e, true=True, named=False) for e in self.lists["applications"]
        }

    def by_country_and_operator(self) -> Any:
        return {
            c.id: {
                o.id: {
                    e.id: self.row(e, true=(c, o) == (self.country, self.operator), named=False)
                    for e in self.lists["applications"]
                }
                for o in self.lists["operators"]
            }
            for c in self.lists["countries"]
        }

    def in_categories(self) -> Any:
        return [
            {"id": i + 1, "name": f"category {i}", "items": [self.row(e, true=True)]}
            for i, e in enumerate(self.lists["applications"])
        ]


@quick
@given(st.randoms(use_true_random=False))
def test_prices(random: Random) -> None:
    layout = Layout(random)
    known = replace(layout.known, country=layout.country.id, operator=layout.operator.id)
    given_answer = answer(layout.value())
    read = read_prices(layout.country.id, layout.operator.id, given_answer, replace(NOTHING, known=known))
    truth = {own: (Decimal(price), stock) for own, (price, stock) in layout.truth.items()}
    assert {p.application: (p.price, p.count) for p in read.prices} == truth
    own = layout.lists["applications"][0].id
    one = read_price(own, given_answer, replace(NOTHING, known=replace(known, application=own)))
    assert (one.price, one.count) == truth[own]


ID_NAMES = {
    "countries": ("id", "country_id", "CountryID", "_id", "value", "key"),
    "operators": ("id", "operator_id", "OperatorID", "server_id", "code", "_id"),
    "applications": ("id", "app_id", "AppID", "service_id", "_id", "pk", "key"),
}


@quick
@given(st.randoms(use_true_random=False), st.sampled_from(list(CatalogKind)))
def test_lists(random: Random, kind: CatalogKind) -> None:
    truth = entries(kind.value, random)
    id_name, name_name = random.choice(ID_NAMES[kind.value]), random.choice(["name", "title", "label", "display_name"])
    noise = {"prefix": "+7", "dial_code": "7", "sort": 3, "image_id": 9, "user_id": 5, "count": 12, "tags": ["a", "b"]}

    def entry(known: CatalogEntry, *, named: bool = True) -> dict[str, Any]:
        more = {n: noise[n] for n in random.sample(list(noise), random.randint(0, 3))}
        return more | {name_name: known.name} | ({id_name: random.choice([known.id, int(known.id)])} if named else {})

    value: Any = random.choice(
        [
            [entry(e) for e in truth],
            [{kind.field: entry(e)} for e in truth],
            {e.id: entry(e, named=False) for e in truth},
            {e.id: e.name for e in truth},
            {e.name: e.id for e in truth},
            [{"id": i + 1, "title": f"group {i}", "items": [entry(e)]} for i, e in enumerate(truth)],
            [[e.id, e.name, e.names[1]] for e in truth],
        ]
    )
    for _ in range(random.randint(0, 2)):
        value = {random.choice((*ENVELOPES, kind.value)): value}
    read = read_catalog(kind, answer(value), NOTHING)
    assert {e.id: e.name for e in read.entries} == {e.id: e.name for e in truth}


def test_prices_of_last_week_shift_no_column() -> None:
    """A price in a price has its country one step farther out: it must not have a say in where the country stands."""
    layout = Layout(Random(1060))
    known = replace(layout.known, country=layout.country.id, operator=layout.operator.id)
    rows = layout.by_country_and_operator()
    for operators in rows.values():
        for row in (row for applications in operators.values() for row in applications.values()):
            row["history"] = [{"date": "2026-01-01", "price": 1}]
    read = read_prices(layout.country.id, layout.operator.id, answer(rows), replace(NOTHING, known=known))
    assert {p.application: p.price for p in read.prices} == {i: Decimal(p) for i, (p, _) in layout.truth.items()}
