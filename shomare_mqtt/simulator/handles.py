"""The handles that tests hold: what is true at the pretended provider, and what is to be changed there."""

from __future__ import annotations

import time
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shomare_mqtt.simulator import statefile, written
from shomare_mqtt.simulator.catalog import Catalog
from shomare_mqtt.simulator.dialects import DIALECTS, Dialect
from shomare_mqtt.simulator.endpoints import Desk
from shomare_mqtt.simulator.front import Front
from shomare_mqtt.simulator.ledger import LIVE, Ledger, Message, Purchase, State
from shomare_mqtt.simulator.options import FIXED, SimulatorOptions
from shomare_mqtt.simulator.report import describe, describe_purchase
from shomare_mqtt.simulator.timebase import TimeBase

if TYPE_CHECKING:
    from collections import Counter, deque
    from collections.abc import Callable, Iterable

    from shomare_mqtt.simulator.faults import Faults


class Handles:
    """The provider without its address. `calls` counts requests by endpoint, `requests` holds the last 1000.

    What it knows to be true stands in `state()`; answers may lie when faults are set. Raises ValueError for a dialect
    that does not exist or whose file is wrong, and for a state file that cannot be read.
    """

    def __init__(
        self, options: SimulatorOptions | None = None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._options_at_start = options or SimulatorOptions()
        self._time = TimeBase(monotonic)
        self._front = Front(self._new_desk())
        if self.options.state_file is not None:
            statefile.load(self.options.state_file, self._desk.ledger, self._desk.catalog, self._time)

    # --- what is true ---

    @property
    def calls(self) -> Counter[str]:
        """Requests that reached an endpoint's address, by endpoint."""
        return self._front.calls

    @property
    def requests(self) -> deque[dict[str, Any]]:
        """The last 1000 requests."""
        return self._front.requests

    @property
    def hanging(self) -> int:
        """Calls that hang at this moment."""
        return self._front.hanging

    @property
    def faults(self) -> Faults:
        """What is to go wrong, and in `done` what went wrong."""
        return self._front.faults

    @property
    def _desk(self) -> Desk:
        return self._front.desk

    @property
    def options(self) -> SimulatorOptions:
        """The options as they are now."""
        return self._desk.options

    @property
    def balance(self) -> Decimal:
        """What the wallet really holds, booked or not."""
        return self._desk.ledger.balance

    @property
    def purchases(self) -> dict[str, Purchase]:
        """Every purchase that was really made, oldest first, as it stands now."""
        return {bought.purchase: bought for bought in self._desk.purchases()}

    def state(self) -> dict[str, Any]:
        """The content of `GET /_sim/state`."""
        return describe(self._front)

    async def wait_until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until the condition holds; it is looked at after each step of each request. Raises TimeoutError."""
        await self._front.wait_until(condition, seconds)

    # --- what a test changes; each has its /_sim/ endpoint ---

    def fault(self, endpoint: str, kind: str, times: int | None = 1, **args: Any) -> None:
        """The next `times` complete calls of an endpoint (`*`: of any) fail. See faults.Fault. Raises ValueError."""
        self.faults.add(endpoint, kind, times, **args)

    def fault_mix(
        self,
        probability: float,
        kinds: Iterable[str] = (),
        endpoints: Iterable[str] | None = None,
        seed: int = 1,
        **args: Any,
    ) -> None:
        """From now on any call fails with this probability; 0 ends it. Raises ValueError."""
        self.faults.set_mix(probability, list(kinds), list(endpoints) if endpoints else None, seed, **args)

    def clear_faults(self) -> None:
        """Nothing fails any more."""
        self.faults.clear()

    def deliver_sms(self, purchase: str, text: str | None = None, code: str | None = None) -> Message:
        """An SMS comes now; without a text it is `Code: <code>`. Raises KeyError for an unknown purchase."""
        bought = self._desk.ledger.purchases[str(purchase)]
        said = text if text is not None else f"Code: {code}" if code else "Welcome."
        return self._desk.ledger.deliver(bought, said, code, self.options)

    def set_balance(self, balance: Decimal | int | str) -> None:
        """Another balance. Raises ArithmeticError or ValueError for what is no finite number."""
        changed = Decimal(str(balance))
        if not changed.is_finite():
            raise ValueError("a balance must be a finite number")
        self._desk.ledger.set_balance(changed)

    def block(self, *, blocked: bool = True) -> None:
        """The provider blocks the account: 401 with code -1."""
        self._desk.ledger.blocked = blocked
        self._desk.ledger.version += 1

    def end(self, purchase: str, state: str) -> None:
        """The provider ends a purchase: `cancelled`, `banned`, `expired`, `finished`. Raises KeyError, ValueError."""
        bought = self._desk.ledger.purchases[str(purchase)]
        ended = State("timeout" if state == "expired" else state)
        if ended in LIVE:
            raise ValueError(f"{state} is no end")
        self._desk.ledger.end(bought, ended, self.options)

    def buy(self, country: str, operator: str, application: str) -> Purchase:
        """Somebody buys a number on the provider's site. Raises ValueError where it is not to be had."""
        product = {"country": str(country), "operator": str(operator), "application": str(application)}
        bought = self._desk.sell(product)
        bought.by_hand = True
        return bought

    def cancel(self, purchase: str) -> None:
        """Somebody cancels a number on the provider's site. Raises KeyError, ValueError where that is refused."""
        bought = self._desk.ledger.purchases[str(purchase)]
        self._desk.ledger.cancel(bought, self.options)
        bought.ended_by_hand = True

    def set_stock(self, country: str, operator: str, application: str | None = None, count: int = 0) -> None:
        """The stock of one product, or of each application there. As it stands, the place is sold out."""
        applications = list(self._desk.catalog.applications) if application is None else [str(application)]
        for each in applications:
            self._desk.catalog.changed_stock[str(country), str(operator), each] = int(count)
        self._desk.ledger.version += 1

    def option(self, **changes: Any) -> SimulatorOptions:
        """Change options while running. Raises ValueError for a wrong name or value."""
        changeable = {f.name for f in fields(SimulatorOptions)} - FIXED
        if wrong := changes.keys() - changeable:
            raise ValueError(f"{', '.join(sorted(wrong))}: not an option that can be changed")
        changed = replace(self.options, **changes)
        if "dialect" in changes:
            self._desk.dialect = _dialect(changed, self._desk.catalog)
        self._desk.options = changed
        return changed

    def reset(self) -> None:
        """Everything as it was at the start, and nothing from the state file."""
        version = self._desk.ledger.version
        self._front.reset(self._new_desk())
        self._desk.ledger.version = version + 1

    def describe_purchase(self, purchase: str) -> dict[str, Any]:
        """One purchase as it stands in `state()`. Raises KeyError."""
        return describe_purchase(self.purchases[str(purchase)], self._desk)

    async def save(self) -> None:
        """Returns once the state file, where there is one, holds what is true now."""
        await self._front.save()

    def _new_desk(self) -> Desk:
        options = self._options_at_start
        ledger = Ledger(options.balance, self._time.monotonic)
        catalog = Catalog.of(options)
        return Desk(options, _dialect(options, catalog), ledger, catalog, self._time)


def _dialect(options: SimulatorOptions, catalog: Catalog) -> Dialect:
    """The dialect of a name, or in a file. Raises ValueError."""
    if options.dialect.endswith(written.ENDING):
        return written.read(Path(options.dialect), catalog)
    if options.dialect not in DIALECTS:
        names = f"{', '.join(DIALECTS)}, and files that end in {written.ENDING}"
        raise ValueError(f"there is no dialect {options.dialect!r}; there are {names}")
    return DIALECTS[options.dialect]
