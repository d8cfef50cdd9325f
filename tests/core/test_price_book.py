"""What is kept of prices for offers: all of it, and in little memory."""

from __future__ import annotations

import gc
import random
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shomare_mqtt.core.market.price_book import Offer, PriceBook
from shomare_mqtt.model import Price

NOW = datetime(2026, 12, 1, tzinfo=UTC)
LARGEST = 15 * 1024 * 1024
"""Bytes that 200 countries, 10 operators and 500 applications may take."""

prices = (
    st.none() | st.decimals(min_value=0, max_value=10**6, places=2) | st.decimals(allow_nan=False, allow_infinity=False)
)
counts = st.none() | st.integers(min_value=0, max_value=2**32 - 2)
pages = st.dictionaries(st.sampled_from("abcdefghij"), st.tuples(prices, counts))
places = st.tuples(st.sampled_from("123"), st.sampled_from("12"))


def listed(page: dict[str, tuple[Decimal | None, int | None]]) -> list[Price]:
    return [Price(application, price, count) for application, (price, count) in page.items()]


@given(st.lists(st.tuples(places, pages), max_size=6))
def test_it_tells_of_each_place_what_was_read_there_last(
    read: list[tuple[tuple[str, str], dict[str, tuple[Decimal | None, int | None]]]],
) -> None:
    book, last = PriceBook(), {}
    for number, (place, page) in enumerate(read):
        book.put(place, listed(page), float(number), NOW)
        last[place] = (float(number), page)
    for place, (read_at, page) in last.items():
        assert (book.read_at(place), book.updated_at(place)) == (read_at, NOW)
        for application in "abcdefghijk":
            price, count = page.get(application, (None, None))
            assert book.offer(place, application) == (None if price is None else Offer(price, count))
    assert len(book) == sum(price is not None for _, page in last.values() for price, _ in page.values())
    assert book.read_at(("9", "9")) is None
    assert book.offer(("9", "9"), "a") is None


@pytest.mark.parametrize("price", ["2200", "0", "0.05", "1e3", "999999999999", "1e12", "0.0000001", "-5", "1e-40"])
def test_a_price_is_the_same_to_the_last_digit(price: str) -> None:
    book = PriceBook()
    book.put(("1", "1"), [Price("a", Decimal(price), 1), Price("b", Decimal("12.5"), None)], 0.0, NOW)
    assert book.offer(("1", "1"), "a") == Offer(Decimal(price), 1)
    assert book.offer(("1", "1"), "b") == Offer(Decimal("12.5"), None)


@pytest.mark.parametrize(("told", "kept"), [(0, 0), (255, 255), (65_535, 65_535), (10**12, 2**32 - 2), (-3, 0)])
def test_a_stock_beyond_all_measure_is_a_large_one(told: int, kept: int) -> None:
    book = PriceBook()
    book.put(("1", "1"), [Price("a", Decimal(1), told)], 0.0, NOW)
    assert book.offer(("1", "1"), "a") == Offer(Decimal(1), kept)


def test_what_is_too_much_drops_what_was_read_first() -> None:
    book = PriceBook(most=5)
    for number in range(4):
        book.put((str(number), "1"), [Price("a", Decimal(1), 1), Price("b", Decimal(2), 1)], 0.0, NOW)
    assert [book.read_at((str(number), "1")) is None for number in range(4)] == [True, True, False, False]
    book.put(("5", "1"), [Price(str(each), Decimal(1), 1) for each in range(9)], 0.0, NOW)
    assert len(book) == 9, "one place is held, whatever its size"


def test_a_provider_that_makes_up_applications_begins_it_anew() -> None:
    book = PriceBook()
    for number in range(70):
        made_up = [Price(f"{number}-{each}", Decimal(each), 1) for each in range(1000)]
        book.put(("1", str(number)), made_up, 0.0, NOW)
    assert book.read_at(("1", "0")) is None
    assert len(book) < 0xFFFF
    assert book.offer(("1", "69"), "69-999") == Offer(Decimal(999), 1)


@pytest.mark.parametrize("cents", [0, 2])
def test_a_million_prices_take_little_memory(cents: int) -> None:
    """Prices and stock up to ten million and a hundred thousand, and each place has other applications."""
    chance = random.Random(4711)
    book = PriceBook()
    for number in range(2000):
        if number % 20 == 0:
            rows = [
                Price(str(each), Decimal(chance.randrange(10**7)).scaleb(-cents), chance.randrange(100_000))
                for each in chance.sample(range(550), 500)
            ]
        book.put((str(number // 10), str(number % 10)), rows, 0.0, NOW)
    assert len(book) == 1_000_000
    assert 8 * len(book) <= bytes_of(book) <= LARGEST


def bytes_of(whole: object) -> int:
    """What an object takes, with all that hangs on it but types."""
    seen: dict[int, object] = {}
    left = [whole]
    while left:
        each = left.pop()
        if id(each) not in seen and not isinstance(each, type):
            seen[id(each)] = each
            left += gc.get_referents(each)
    return sum(map(sys.getsizeof, seen.values()))
