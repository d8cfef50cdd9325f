"""How a field is said: its place, how sure that is, and the line that chooses another."""

from __future__ import annotations

import tomllib

import pytest

from shomare_mqtt.core.masking import Mask
from shomare_mqtt.doctor.fields import line, of_fields
from shomare_mqtt.doctor.finding import Finding, State
from shomare_mqtt.model import Found, Sureness

TOKEN = "tok-5f0c1e7a9b2d"


def finding(found: Found, **by_hand: str) -> Finding:
    (only,) = of_fields([found], {name.replace("_", "."): text for name, text in by_hand.items()}, Mask((TOKEN,)))
    return only


def test_a_sure_field() -> None:
    said = finding(Found("countries.id", "id", Sureness.SURE, why="its name"))
    assert (said.state, said.text, said.advice) == (State.GOOD, "read at `id` (sure: its name)", "")


def test_a_doubtful_one_names_every_line() -> None:
    said = finding(Found("profile.balance", "a.credit", Sureness.DOUBTFUL, ("b.credit",)))
    assert said.state is State.UNKNOWN
    assert said.text == "read at `a.credit` (doubtful); it could be `b.credit`"
    assert '"profile.balance" = "a.credit" or "profile.balance" = "b.credit" under [provider.fields]' in said.advice


def test_one_set_by_hand() -> None:
    there = finding(Found("price.price", "data.x", Sureness.BY_HAND, why="set by hand"), price_price="data.x")
    assert (there.state, there.text) == (State.GOOD, "read at `data.x` (set by hand)")
    gone = finding(Found("price.price", None, Sureness.MISSING, why="set by hand: data.y"), price_price="data.y")
    assert gone.state is State.BAD
    assert "set by hand as `data.y`, where this answer has nothing" in gone.text


@pytest.mark.parametrize(
    ("field", "state"),
    [("profile.balance", State.BAD), ("profile.currency", State.GOOD), ("prices.count", State.UNKNOWN)],
)
def test_a_missing_one(field: str, state: State) -> None:
    assert finding(Found(field, None, Sureness.MISSING)).state is state


def test_a_missing_one_names_what_it_may_be() -> None:
    said = finding(Found("prices.price", None, Sureness.MISSING, ("to_pay", f"{TOKEN}.x")))
    assert said.advice == 'if the answer has it: "prices.price" = "to_pay" under [provider.fields]'


def test_one_that_stands_at_no_one_place() -> None:
    sure = finding(Found("countries.name", None, Sureness.SURE, why="its key"))
    assert (sure.state, sure.text) == (State.GOOD, "read, though at no one place (sure, its key)")
    assert finding(Found("prices", None, Sureness.DOUBTFUL)).state is State.UNKNOWN


def test_a_place_without_what_may_be_a_value() -> None:
    said = finding(Found("buy.phone", f'data."79313226657".{TOKEN.replace("-", "_")}', Sureness.SURE))
    assert "79313226657" not in said.text
    assert 'data."<number>"' in said.text


@pytest.mark.parametrize("place", ["data.id", '"کد"', 'a."it\'s"', '"a\\"b"', "@", "orders[?ok].id | [0]"])
def test_each_line_is_toml(place: str) -> None:
    assert tomllib.loads(line("countries.id", place)) == {"countries.id": place}


@pytest.mark.parametrize("other", ['data."7"."3".cost', f"data.{TOKEN.replace('-', '_')}"])
def test_no_line_names_a_place_by_what_stands_for_a_value(other: str) -> None:
    sure = finding(Found("price.price", 'data."7"."3".price', Sureness.SURE, (other, "data.cost")))
    assert sure.advice == 'if that is wrong: "price.price" = "data.cost" under [provider.fields]'
    doubtful = finding(Found("price.price", 'data."7"."3".price', Sureness.DOUBTFUL, (other,)))
    assert doubtful.advice == 'say which it is: "price.price" = "…" under [provider.fields]'
    assert finding(Found("price.price", "data.price", Sureness.SURE, (other,))).advice == ""
