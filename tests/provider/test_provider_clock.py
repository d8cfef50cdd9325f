"""How long a number lives is reckoned between the provider's own times, whatever our clock says (contract, Answers)."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from shomare_mqtt.model import Known, Priority, Product
from shomare_mqtt.provider.client import DOUBT, Client
from shomare_mqtt.provider.limiter import Limiter
from shomare_mqtt.provider.reading import Context, RawAnswer, read_buy, read_check
from shomare_mqtt.provider.transport import _kept_date

from .fakes import QuickClock, allowed
from .servers import Server, says, serving, settings
from .test_client import Memory

if TYPE_CHECKING:
    from collections.abc import Mapping

TRUE = datetime(2026, 1, 1, tzinfo=UTC)
"""The provider's clock when it answers."""
LIFE = 1200.0
SKEWS = [-3600.0, -120.0, -5.0, 0.0, 5.0, 120.0, 3600.0]
TEHRAN, PHONE = ZoneInfo("Asia/Tehran"), "+79313226657"


def naive(moment: datetime, hours: float = 3.5) -> str:
    return (moment + timedelta(hours=hours)).strftime("%Y-%m-%d %H:%M:%S")


def iso(moment: datetime) -> str:
    return moment.isoformat()


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def bought(fields: Mapping[str, Any], *, skew: float, date: datetime | None) -> float | None:
    """What is left of a new number, read by a machine whose clock is ahead by `skew`."""
    body = {"status": True, "data": {"id": 74001, "number": PHONE, **fields}}
    answer = RawAnswer(200, json.dumps(body).encode(), date=date)
    return read_buy(answer, Context(TRUE + timedelta(seconds=skew), TEHRAN, Known(country="7"), date=date)).lifetime


def checked(fields: Mapping[str, Any], *, skew: float, date: datetime | None, age: float | None) -> float | None:
    body = {"status": True, "data": {"id": 74001, "status": "waiting", "sms": None, **fields}}
    answer = RawAnswer(200, json.dumps(body).encode(), date=date)
    known = Known(purchase="74001", age=age)
    return read_check(answer, Context(TRUE + timedelta(seconds=skew), TEHRAN, known, date=date)).lifetime


END = TRUE + timedelta(seconds=LIFE)
WRITTEN = [iso(END), iso(END.astimezone(ZoneInfo("America/New_York"))), naive(END), milliseconds(END)]


@pytest.mark.parametrize("skew", SKEWS)
@pytest.mark.parametrize("end", WRITTEN, ids=["UTC", "another zone", "no zone", "since 1970"])
def test_by_the_answers_date(skew: float, end: Any) -> None:
    assert bought({"expires_at": end}, skew=skew, date=TRUE) == LIFE
    assert checked({"expires_at": end}, skew=skew, date=TRUE, age=None) == LIFE


@pytest.mark.parametrize("skew", SKEWS)
@pytest.mark.parametrize("date", [None, TRUE, TRUE - timedelta(hours=5), TRUE + timedelta(hours=5)])
def test_by_when_it_was_bought(skew: float, date: datetime | None) -> None:
    """Both stand in the answer: no clock is needed, and one that is hours off is not believed."""
    assert bought({"created_at": iso(TRUE), "expires_at": iso(END)}, skew=skew, date=date) == LIFE


@pytest.mark.parametrize("skew", SKEWS)
def test_by_its_age_in_a_check(skew: float) -> None:
    made = TRUE - timedelta(seconds=300)
    fields: dict[str, Any] = {"created_at": iso(made), "expires_at": iso(made + timedelta(seconds=LIFE))}
    assert checked(fields, skew=skew, date=None, age=300.0) == LIFE - 300
    fields = {"created_at": iso(made), "lifetime": 1200}
    assert checked(fields, skew=skew, date=None, age=300.0) == LIFE - 300
    assert checked(fields, skew=skew, date=TRUE, age=300.0) == LIFE - 300


@pytest.mark.parametrize("skew", SKEWS)
@pytest.mark.parametrize("zone", [0.0, 3.0, 4.5], ids=["UTC", "Istanbul", "Kabul"])
def test_by_times_of_a_zone_that_nobody_names(skew: float, zone: float) -> None:
    """Read as Tehran's both are wrong by the same."""
    fields = {"created_at": naive(TRUE, zone), "expires_at": naive(END, zone)}
    assert bought(fields, skew=skew, date=TRUE) == LIFE


def test_a_zone_behind_ours_that_nobody_names_says_nothing() -> None:
    assert bought({"expires_at": naive(END, 0.0)}, skew=0.0, date=TRUE) is None


def test_a_creation_of_long_before_is_not_the_purchases() -> None:
    """The number's own, say, that was sold before."""
    fields = {"created_at": iso(TRUE - timedelta(days=3)), "expires_at": iso(END)}
    assert bought(fields, skew=-3600.0, date=TRUE) == LIFE


@pytest.mark.parametrize("wrong", [-5 * 3600.0, 5 * 3600.0])
def test_a_date_that_is_hours_off(wrong: float) -> None:
    """A number that would live for hours by it, and for minutes by our clock, lives for minutes."""
    assert bought({"expires_at": iso(END)}, skew=-3.0, date=TRUE + timedelta(seconds=wrong)) == LIFE + 3


def test_a_number_that_lives_for_days() -> None:
    end = iso(TRUE + timedelta(days=3))
    assert bought({"expires_at": end}, skew=600.0, date=TRUE) == 3 * 86400


def test_a_check_of_a_number_that_is_over() -> None:
    assert checked({"expires_at": iso(TRUE - timedelta(seconds=3))}, skew=-5.0, date=TRUE, age=None) == 0.0
    assert checked({"expires_at": iso(TRUE - timedelta(hours=3))}, skew=-5.0, date=TRUE, age=None) is None


def test_a_time_of_day() -> None:
    at = (END.astimezone(TEHRAN)).strftime("%H:%M:%S")
    assert bought({"expires_at": at}, skew=-120.0, date=TRUE) == LIFE
    apart = {"date": END.astimezone(TEHRAN).strftime("%Y-%m-%d"), "time": at}
    assert bought(apart, skew=-120.0, date=TRUE) == LIFE


# --- over HTTP ------------------------------------------------------------------------------------------------------


async def left_of_a_new_number(headers: str) -> float | None:
    """Our clock is five seconds behind the provider's."""
    body = {"status": True, "data": {"id": 74001, "number": PHONE, "expires_at": iso(END + timedelta(seconds=5))}}
    async with serving(says(200, body, headers)) as server:
        return await _bought_from(server)


async def _bought_from(server: Server) -> float | None:
    clock = QuickClock()
    client = Client(
        settings(server.url, parameters="path", buy="form"),
        "tok",
        clock=clock,
        limiter=Limiter(0, clock),
        memory=Memory(),
        logger=logging.getLogger("t"),
    )
    async with client:
        return (await client.buy(Product("7", "1", "3"), known=Known(), permit=allowed)).lifetime


def dated(moment: datetime, more: str = "") -> str:
    return f"Date: {format_datetime(moment, usegmt=True)}\r\n{more}"


async def test_a_date_names_no_fractions_of_a_second() -> None:
    """It may be nearly a second later than it says: what is left errs towards giving back in time."""
    assert await left_of_a_new_number(dated(TRUE + timedelta(seconds=5))) == LIFE - 1


async def test_an_answer_that_a_cache_kept() -> None:
    old = TRUE - timedelta(seconds=595)
    assert await left_of_a_new_number(dated(old, "Age: 600\r\n")) == LIFE - 1


async def test_without_a_date_there_is_a_margin() -> None:
    assert await left_of_a_new_number("") == LIFE + 5 - DOUBT.total_seconds()
    assert await left_of_a_new_number("Date: yesterday\r\n") == LIFE + 5 - DOUBT.total_seconds()


@pytest.mark.parametrize(
    ("headers", "date"),
    [
        ({"Date": "Thu, 01 Jan 2026 00:00:00 GMT"}, TRUE),
        ({"Date": "Thu, 01 Jan 2026 00:00:00 -0000"}, TRUE),
        ({"Date": "Thu, 01 Jan 2026 00:00:00 GMT", "Age": "60"}, TRUE + timedelta(seconds=60)),
        ({"Date": "Thu, 01 Jan 2026 00:00:00 GMT", "Age": "old"}, TRUE),
        ({"Date": "Thu, 31 Dec 9999 23:59:59 GMT", "Age": "60"}, None),
        ({"Age": "60"}, None),
        ({"Date": ""}, None),
    ],
)
def test_dates_of_all_kinds(headers: Mapping[str, str], date: datetime | None) -> None:
    assert _kept_date(headers) == date


async def test_a_moment_to_wait_for_is_the_providers_too() -> None:
    """`Retry-After` as a date, from a clock that is an hour ahead of ours."""
    later = TRUE + timedelta(hours=1)
    headers = dated(later, f"Retry-After: {format_datetime(later + timedelta(seconds=30), usegmt=True)}\r\n")
    async with serving(says(429, {}, headers)) as server:
        clock = QuickClock()
        client = Client(
            settings(server.url, parameters="path"),
            "tok",
            clock=clock,
            limiter=Limiter(0, clock),
            memory=Memory(),
            logger=logging.getLogger("t"),
        )
        async with client:
            with pytest.raises(Exception) as caught:  # noqa: PT011 - what is in it is looked at
                await client.check("74001", known=Known(), priority=Priority.POLL)
    assert caught.value.retry_after == 30  # type: ignore[attr-defined]
