"""Whom the daemon shows its figures to, as `doctor` says it."""

from __future__ import annotations

import pytest

from shomare_mqtt.doctor.finding import State
from shomare_mqtt.doctor.metrics import of_metrics
from tests.doctor.places import settings


def test_nothing_is_said_where_there_are_none() -> None:
    assert list(of_metrics(settings())) == []


@pytest.mark.parametrize(("host", "state"), [("::1", State.GOOD), ("0.0.0.0", State.UNKNOWN)])
def test_who_reaches_them(host: str, state: State) -> None:
    (found,) = of_metrics(settings(metrics={"enabled": True, "host": host, "port": 9470}))
    assert (found.name, found.state, "9470" in found.text) == ("metrics", state, True)
    assert bool(found.advice) is (state is State.UNKNOWN)
