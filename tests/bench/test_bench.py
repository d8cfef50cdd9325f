"""That `make bench` can measure: all that it asks is asked a few times. How fast that was, no test says."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.bench import load, queries, reference
from tests.bench.houses import NODELAY
from tests.bench.limit import http_calls
from tests.bench.load import Plan, Result
from tests.bench.queries import CASES, LIMIT, OURS, SCRIPT, Found, Street
from tests.bench.table import Figure, Row, ratio, reaches, rendered, within
from tests.programs import LEFT_OUT, program

if TYPE_CHECKING:
    from collections.abc import Iterator

FEW = 20


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    program("mosquitto")
    with ExitStack() as stack:
        yield Street(stack, NODELAY)


@pytest.mark.mosquitto
@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("who", [OURS, SCRIPT, LIMIT])
def test_each_answers_what_it_is_asked(street: Street, who: str, qos: int) -> None:
    if who == SCRIPT and not reference.is_there():
        pytest.skip(f"{LEFT_OUT}aiomqtt")
    before = street.stub.counts().get("pricebyproduct", 0)

    result = street.ask(who, Plan(count=FEW, window=4, qos=qos))

    assert (result.answers, result.errors, result.unanswered) == (FEW, 0, 0)
    assert 0 < result.p50 <= result.p99
    assert result.cpu > 0
    asked = street.stub.counts().get("pricebyproduct", 0) - before
    assert asked == (0 if who == LIMIT else FEW)


@pytest.mark.mosquitto
def test_a_refusal_is_told_from_an_answer(street: Street) -> None:
    result = street.ask(OURS, Plan(query="nothing-like-this", count=3))

    assert (result.answers, result.errors) == (3, 3)


@pytest.mark.mosquitto
@pytest.mark.parametrize("left_out", [0, 2])
def test_what_is_not_answered_is_counted_unless_it_is_left_out(street: Street, left_out: int) -> None:
    plan = Plan(port=street.broker.port, base="nobody", count=3, leave_out=left_out, window=10, silence=0.2)

    result = load.run(plan)

    assert (result.answers, result.unanswered) == (0, 3)


@pytest.mark.mosquitto
def test_the_stub_takes_the_time_that_it_is_told_to(street: Street) -> None:
    street.stub.delay(20)
    try:
        assert http_calls(street.stub.port, 0)[0] > 0.019
    finally:
        street.stub.delay(0)


@pytest.mark.mosquitto
def test_the_stub_lets_one_call_hang(street: Street) -> None:
    street.stub.hang("check", 60)  # another endpoint's
    street.stub.hang("profile", 0.05)

    assert http_calls(street.stub.port, 0)[-1] > 0.049


def test_a_row_for_each_target_of_the_queries() -> None:
    found = Found()
    for case in (*(case.name for case in CASES), "hanging", "burst"):
        for who, p50 in ((OURS, 0.002), (SCRIPT, 0.001)):
            found.add(case, who, Result(100, 0, 7, p50, 3 * p50, 1 / p50, p50 / 2, 0.1))

    rows = queries.table(found)

    met = {row.name: row.met for row in rows}
    assert met["query p50, nodelay broker, QoS 0"] is False  # twice the script's
    assert met["query p99, nodelay broker, QoS 0"] is True  # three times its own p50
    assert met["query p50, API 20 ms, stock broker, QoS 0"] is True
    assert met["answers/s, window 16, QoS 1"] is False
    assert met["answers/s, API 20 ms, window 16, QoS 0"] is False
    assert met["5,000 at once, QoS 1, stock broker: never answered"] is True


def test_refusals_are_said_beside_the_figure() -> None:
    found = Found()
    found.add("stock 0", OURS, Result(100, 3, 0, 0.002, 0.004, 500, 0.001, 0.1))

    row = found.row("stock 0", "query p50", "ms", lambda result: result.p50)

    assert row.note == "3 of 100 answers of shomare were refusals"


def test_the_table_begins_with_the_ratios() -> None:
    three = Figure((3.0, 2.0, 2.5))
    lines = rendered([
        Row("query p50", "ms", three, Figure((2.0,)), Figure((0.5, 0.5)), "≤ 1.3 × script", met=True),
        Row("CPU a query", "µs", None, note="not measured"),
        Row("answers/s", "1/s", Figure((1234.5,)), met=False),
    ])  # fmt: skip

    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert cells[2] == [
        "query p50", "1.25", "5.00", "≤ 1.3 × script", "met", "2.5", "2", "0.5", "40% / - / 0%", "ms"
    ]  # fmt: skip
    assert cells[3] == ["CPU a query", *[""] * 8, "µs"]
    assert cells[4][4:6] == ["**not met**", "1,234"]
    assert len({len(line) for line in lines[:5]}) == 1
    assert lines[-1] == "- CPU a query: not measured"


def test_a_ratio_compares_what_was_measured_in_the_same_round() -> None:
    quiet_then_busy, script = Figure((2.0, 2.0, 20.0)), Figure((1.0, 1.0, 10.0))

    assert ratio(quiet_then_busy, script) == 2
    assert ratio(Figure((3.0,)), script) == 3
    assert within(quiet_then_busy, 2, script) is True
    assert reaches(quiet_then_busy, 2.1, script) is False
    assert within(quiet_then_busy, 1, None) is None
    assert ratio(quiet_then_busy, Figure((0.0, 1.0, 1.0))) is None
