"""The sentences of `bridge/problem`: one for whatever can stand there, for people, within 255 characters."""

from __future__ import annotations

import re

import pytest

from shomare_mqtt.core import problem_words as words
from shomare_mqtt.core.market import provider_state
from shomare_mqtt.errors import ErrorCode

COMMANDS = ("buy", "cancel", "resolve", "defaults/country/set", "buying/set", "query/prices", "stranger")
DETAIL = "max_spend_per_day: 98,000 IRT of 100,000 IRT is spent, and this costs 22,000 IRT; nothing was bought"
LONG = "a name that nobody ever gave to anything " * 20


@pytest.mark.parametrize("code", ErrorCode)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_code_has_a_sentence_for_every_command(command: str, code: ErrorCode) -> None:
    said = words.refused(command, code, DETAIL)
    assert re.fullmatch(r"[A-Z][^{}]*[^.]\.", said), said
    assert words.fitting(said) == said, "it is whole"
    assert len(said) <= words.LONGEST == 255
    assert "nothing was bought;" not in said


def test_of_a_cancel_that_may_have_been_carried_out_nothing_is_said_for_certain() -> None:
    for code in (ErrorCode.INTERNAL_ERROR, ErrorCode.PROVIDER_TIMEOUT, ErrorCode.MALFORMED_ANSWER):
        assert words.refused("cancel", code, "").startswith("It is not known whether")


@pytest.mark.parametrize("code", ErrorCode)
def test_however_much_a_message_says_it_fits_and_ends_after_a_word(code: ErrorCode) -> None:
    said = words.fitting(words.refused("buy", code, LONG))
    assert len(said) <= 255
    if said.endswith("…"):
        assert words.refused("buy", code, LONG).startswith(f"{said[:-1]} ")


def test_a_word_without_an_end_is_cut() -> None:
    assert words.fitting("x" * 300) == f"{'x' * 254}…"


def test_lines_become_one() -> None:
    assert words.fitting("one\n two") == "one two"


@pytest.mark.parametrize(
    ("command", "message", "said"),
    [
        (
            "buy",
            "country: is missing, and there is no default",
            "Nothing was bought: no country is chosen. Choose one and press Buy again.",
        ),
        (
            "defaults/application/set",
            "application: is missing, and why",
            "The choice was not changed: no application is chosen. Choose one and try it again.",
        ),
        (
            "resolve",
            "phone: is missing",
            (
                "The order was not settled: the number is missing. Give both, the id first, as your numbers on the "
                "provider's site show them."
            ),
        ),
    ],
)
def test_what_is_missing_is_named(command: str, message: str, said: str) -> None:
    assert words.refused(command, ErrorCode.INVALID_COMMAND, message) == said


@pytest.mark.parametrize("code", [ErrorCode.DUPLICATE_COMMAND, ErrorCode.INTERNAL_ERROR])
def test_nothing_was_bought_is_said_only_where_it_is_certain(code: ErrorCode) -> None:
    """Of two presses the first may have been carried out; of a fault of ours nobody knows what came before it."""
    assert "othing was bought" not in words.refused("buy", code, "")


def test_the_limit_the_names_and_the_plugin_are_named() -> None:
    limit = "max_open_orders: 20 orders open, 20 are allowed"
    assert f"your limit {limit}. " in words.refused("buy", ErrorCode.LIMIT_REACHED, f"{limit}; nothing was bought")
    near = "country: the provider's list holds no 'Rusia'; the nearest are Russia (7)"
    told = "Nothing was bought: the provider's list of countries holds no 'Rusia'; the nearest are Russia (7). "
    assert words.refused("buy", ErrorCode.UNKNOWN_NAME, near).startswith(told)
    several = "operator: 'Any' is the name of several: Any (1), Any (2); use an id"
    told = "Nothing was bought: 'Any' is the name of several: Any (1), Any (2); use an id. "
    assert words.refused("buy", ErrorCode.AMBIGUOUS_NAME, several).startswith(told)
    off = words.refused("buy", ErrorCode.BUYING_PAUSED, "the switch buying is off; nothing was bought")
    assert off == "Nothing was bought: the switch buying is off. Once that is over, press Buy again."
    said = words.refused("buy", ErrorCode.VETOED, "plugin night: too late; nothing was bought")
    assert "(plugin night: too late)" in said


@pytest.mark.parametrize("code", sorted(set(ErrorCode) - words._WITH_DETAIL))
def test_what_the_provider_says_itself_is_repeated_nowhere(code: ErrorCode) -> None:
    for command in COMMANDS:
        assert "48213" not in words.refused(command, code, "your code is 48213")


def test_every_state_of_the_provider_but_online_has_one() -> None:
    assert set(words.PROVIDER) == set(provider_state._WORDS) - {"online"}


@pytest.mark.parametrize(
    "said",
    [
        *(f"{each}." for each in words.PROVIDER.values()),
        f"{words.JOURNAL_RESTORED}.",
        *(
            words.unknown("Telegram (Russia)", money, charged, is_settled=settled)
            for money in ("2,200 IRT", None)
            for charged in ("2,200 IRT", None)
            for settled in (False, True)
        ),
        words.nothing_paid("Telegram (Russia)"),
        *(words.not_refunded("Telegram (Russia)", "2,200 IRT", is_refused=no) for no in (False, True)),
        words.not_refunded("Telegram (Russia)", None, is_refused=True),
        words.above_limit("Telegram (Russia)", "2,200 IRT", "2,000 IRT"),
        words.no_id("Telegram (Russia)"),
    ],
)
def test_the_others_are_whole_sentences_too(said: str) -> None:
    assert words.fitting(said) == said
    assert re.fullmatch(r"[A-Z][^{}]*\.", said), said
