"""Connections that keep ending within seconds: when to ask for another daemon, when to suspect another client."""

from __future__ import annotations

from shomare_mqtt.mqtt.rivals import LASTING, MORE_LIVES, SHORT_LIVES, STABLE, ShortLives
from shomare_mqtt.mqtt.suspects import End


def times(lives: ShortLives, end: End, count: int, life: float = 0.1) -> list[bool]:
    return [lives.ended(life, end, reason_given=False) for _ in range(count)]


def test_three_that_ended_without_anything_under_way() -> None:
    lives = ShortLives()
    assert times(lives, End.IDLE, SHORT_LIVES) == [False, False, True]
    assert lives.suspect()
    assert lives.suspected


def test_it_is_said_once_and_asked_for_seldom_after_that() -> None:
    lives = ShortLives()
    times(lives, End.IDLE, SHORT_LIVES)
    lives.suspect()
    assert times(lives, End.IDLE, MORE_LIVES) == [False] * (MORE_LIVES - 1) + [True]
    assert not lives.suspect()
    times(lives, End.IDLE, 1, life=LASTING)
    assert not lives.suspected
    times(lives, End.IDLE, SHORT_LIVES)
    assert lives.suspect(), "it is another one by now"


def test_with_a_message_under_way_only_another_daemon_is_asked_for() -> None:
    for end in (End.BUSY, End.ALONE):
        lives = ShortLives()
        assert times(lives, end, SHORT_LIVES) == [False, False, True]
        assert not lives.suspect()


def test_what_a_message_explains_counts_for_nothing() -> None:
    assert not any(times(ShortLives(), End.TRIAL, 10 * SHORT_LIVES))


def test_a_reason_a_stable_connection_and_a_broker_that_is_away_end_the_counting() -> None:
    for life, reason_given in ((STABLE, False), (0.1, True)):
        lives = ShortLives()
        times(lives, End.IDLE, SHORT_LIVES - 1)
        assert not lives.ended(life, End.IDLE, reason_given=reason_given)
        assert not any(times(lives, End.IDLE, SHORT_LIVES - 1))
        lives.start_anew()
        assert not any(times(lives, End.IDLE, SHORT_LIVES - 1))
