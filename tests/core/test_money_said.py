"""Money as people read it, wherever a sentence or a table shows it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shomare_mqtt.core.render import money_said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Decimal(2200), "2,200 IRT"),
        (Decimal("1E+3"), "1,000 IRT"),
        (Decimal("12.50"), "12.5 IRT"),
        (Decimal("0.00"), "0 IRT"),
        (Decimal(-1000000), "-1,000,000 IRT"),
        (1500, "1,500 IRT"),
        (0.1, "0.1 IRT"),
        (Decimal("1E+9999999"), "1E+9999999 IRT"),
        (Decimal("Infinity"), "Infinity IRT"),
    ],
)
def test_money_has_thousands_apart_no_idle_zeros_and_its_unit(value: Decimal | float, said: str) -> None:
    assert money_said(value, "IRT") == said
