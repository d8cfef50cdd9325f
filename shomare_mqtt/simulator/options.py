"""What can be set of the simulator."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path  # noqa: TC003 - pydantic reads the annotation
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class SimulatorOptions:
    """The simulator's settings; times in seconds, money in Toman. Wrong values raise pydantic's ValidationError.

    `sms_delay`, `sms_count`, `sms_interval`, `code` and `lifetime` hold for numbers bought after they were set; the
    rest holds at once. `code` None: random codes, the same for one `seed` and purchase. `cancel_min_age`: how old a
    number must be before it may be cancelled. `book_delay`: seconds until a purchase or a refund shows in the balance;
    `refund_delay`: the same for a refund alone, where that is longer. `refund_on_timeout`: whether a number that timed
    out without an SMS is paid back by itself. `stock`: of each product at least (`set_stock` for single ones).
    `sold_out`: percent of the places (a country with an operator) where nothing is to be had; which, the `seed` tells.
    `state_file`: where the ledger outlives the process. `clock_offset`: by how much the provider's clock, in its
    answers and their `Date`, is ahead of this machine's. `gone_status`: the HTTP status of a `cancel` of what was
    cancelled before; 404 stands in the API page, others are met.
    """

    token: str = "demo-token"  # noqa: S105 - no secret: whoever starts the simulator is told it
    balance: Decimal = Decimal(1_000_000)
    dialect: str = "path"
    sms_delay: NonNegative = 2.0
    sms_count: Share = 1
    sms_interval: NonNegative = 2.0
    code: str | None = None
    seed: int = 1
    lifetime: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1200.0
    latency: NonNegative = 0.0
    cancel_min_age: NonNegative = 0.0
    book_delay: NonNegative = 0.0
    refund_delay: NonNegative = 0.0
    refund_on_timeout: bool = False
    gone_status: Annotated[int, Field(ge=400, le=499)] = 404
    clock_offset: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    stock: Share = 500
    countries: Annotated[int, Field(ge=1, le=500)] = 8
    operators: Annotated[int, Field(ge=1, le=50)] = 5
    applications: Annotated[int, Field(ge=1, le=5000)] = 10
    sold_out: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 0.0
    state_file: Path | None = None


FIXED = frozenset({"countries", "operators", "applications", "sold_out", "state_file", "seed", "balance", "stock"})
"""Options that cannot be changed while the simulator runs (balance and stock have endpoints of their own)."""
