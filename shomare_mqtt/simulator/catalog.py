"""What the simulated provider sells: countries, operators, applications, their prices and stock."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shomare_mqtt.simulator.options import SimulatorOptions

Place = tuple[str, str]
"""A country and an operator."""
Key = tuple[str, str, str]
"""Country, operator and application of a product."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A country, operator or application.

    `figure`: a country's price level in percent, an operator's surcharge, an application's base price. `dialling`: a
    country's dialling code.
    """

    id: str
    name: str
    persian: str
    figure: int = 0
    dialling: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """Price and stock of one product."""

    country: Entry
    operator: Entry
    application: Entry
    price: Decimal
    count: int

    @property
    def key(self) -> Key:
        """The ids of the product."""
        return self.country.id, self.operator.id, self.application.id


# Ids differ from dialling codes, two countries share one, and 62 is one country's id and another's dialling code: a
# reader that takes one for the other is found out.
COUNTRIES = (
    Entry("7", "Russia", "روسیه", 100, "7"),
    Entry("2", "Kazakhstan", "قزاقستان", 110, "7"),
    Entry("6", "Indonesia", "اندونزی", 60, "62"),
    Entry("16", "United Kingdom", "انگلستان", 130, "44"),
    Entry("22", "India", "هند", 70, "91"),
    Entry("43", "Germany", "آلمان", 260, "49"),
    Entry("57", "Iran", "ایران", 180, "98"),
    Entry("62", "Turkey", "ترکیه", 150, "90"),
)
OPERATORS = (
    Entry("1", "MTS", "ام‌تی‌اس", 0),
    Entry("2", "Beeline", "بی‌لاین", 150),
    Entry("3", "MegaFon", "مگافون", 90),
    Entry("4", "Virtual", "مجازی", 40),
    Entry("any", "Any operator", "هر اپراتوری", 20),
)
APPLICATIONS = (
    Entry("3", "Telegram", "تلگرام", 2200),
    Entry("1", "WhatsApp", "واتساپ", 3100),
    Entry("2", "Instagram", "اینستاگرام", 1500),
    Entry("4", "Google", "گوگل", 1800),
    Entry("5", "Viber", "وایبر", 1200),
    Entry("6", "Discord", "دیسکورد", 900),
    Entry("7", "Facebook", "فیسبوک", 1100),
    Entry("8", "OpenAI", "اوپن‌ای‌آی", 1700),
    Entry("9", "TikTok", "تیک‌تاک", 1300),
    Entry("10", "Other", "سایر", 700),
)
OUT_OF_STOCK: Key = ("7", "1", "9")
"""The product that is never there unless `set_stock` brings some."""


def _made_up(number: int, kind: str, persian: str, figure: int) -> Entry:
    return Entry(str(1000 + number), f"{kind} {number}", f"{persian} {number}", figure, f"8{number:03d}")


def _countries(size: int) -> tuple[Entry, ...]:
    more = (_made_up(n, "Country", "کشور", 60 + n % 90) for n in range(len(COUNTRIES), size))
    return (*COUNTRIES, *more)[:size]


def _operators(size: int) -> tuple[Entry, ...]:
    more = (_made_up(n, "Operator", "اپراتور", n * 13 % 200) for n in range(len(OPERATORS), size))
    return (*OPERATORS, *more)[:size]


def _applications(size: int) -> tuple[Entry, ...]:
    more = (_made_up(n, "Application", "برنامه", 500 + n * 37 % 3000) for n in range(len(APPLICATIONS), size))
    return (*APPLICATIONS, *more)[:size]


@dataclass(slots=True)
class Catalog:
    """The lists, and the stock as it is now. `changed_stock` holds what differs from the first stock.

    `sold_out`: places where there is no first stock.
    """

    countries: dict[str, Entry]
    operators: dict[str, Entry]
    applications: dict[str, Entry]
    first_stock: int
    sold_out: frozenset[Place] = frozenset()
    changed_stock: dict[Key, int] = field(default_factory=dict)

    @classmethod
    def of(cls, options: SimulatorOptions) -> Catalog:
        """The catalogue of the size that the options ask for."""
        countries, operators = _countries(options.countries), _operators(options.operators)
        places = [(country.id, operator.id) for country in countries for operator in operators]
        chance = Random(f"{options.seed}:sold out")  # noqa: S311 - repeatable on purpose
        return cls(
            {e.id: e for e in countries},
            {e.id: e for e in operators},
            {e.id: e for e in _applications(options.applications)},
            options.stock,
            frozenset(chance.sample(places, round(len(places) * options.sold_out / 100))),
        )

    def offer(self, key: Key) -> Offer | None:
        """Price and stock of a product; None where an id does not exist."""
        country, operator = self.countries.get(key[0]), self.operators.get(key[1])
        application = self.applications.get(key[2])
        if country is None or operator is None or application is None:
            return None
        price = application.figure * country.figure // 100 + operator.figure
        return Offer(country, operator, application, Decimal(price), self._count(key, price))

    def offers(self, country: str, operator: str) -> tuple[Offer, ...] | None:
        """Every application there; None where the country or the operator does not exist."""
        if country not in self.countries or operator not in self.operators:
            return None
        found = (self.offer((country, operator, application)) for application in self.applications)
        return tuple(offer for offer in found if offer is not None)

    def take(self, offer: Offer) -> None:
        """One number less in stock."""
        self.changed_stock[offer.key] = offer.count - 1

    def _count(self, key: Key, price: int) -> int:
        if key in self.changed_stock:
            return self.changed_stock[key]
        if key == OUT_OF_STOCK or key[:2] in self.sold_out or not self.first_stock:
            return 0
        return self.first_stock + price % 97  # so that not all products say the same number
