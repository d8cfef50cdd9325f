"""The simulator's HTTP server, and the handles that tests hold."""

from __future__ import annotations

import time
from dataclasses import fields, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

from shomare_mqtt.provider.simulator import control, statefile
from shomare_mqtt.provider.simulator.catalog import Catalog
from shomare_mqtt.provider.simulator.dialects import DIALECTS, Dialect
from shomare_mqtt.provider.simulator.endpoints import Desk
from shomare_mqtt.provider.simulator.front import Front
from shomare_mqtt.provider.simulator.ledger import LIVE, Ledger, Message, Purchase, State
from shomare_mqtt.provider.simulator.options import FIXED, SimulatorOptions
from shomare_mqtt.provider.simulator.report import describe, describe_purchase
from shomare_mqtt.provider.simulator.timebase import TimeBase

if TYPE_CHECKING:
    from collections import Counter, deque
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from shomare_mqtt.provider.simulator.faults import Faults

_GRACE = 1.0  # seconds that answers being written get when the server stops


class Simulator:
    """A provider on loopback. `async with Simulator(options) as sim:` starts and stops it.

    It may be stopped and started again, also on the same port: the ledger stays. `calls` counts requests by endpoint,
    `requests` holds the last 1000. What it knows to be true stands in `state()`; answers may lie when faults are set.
    Raises ValueError for a dialect that does not exist and a state file that cannot be read.
    """

    def __init__(
        self, options: SimulatorOptions | None = None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._options_at_start = options or SimulatorOptions()
        self._time = TimeBase(monotonic)
        self._front = Front(self._new_desk())
        self._runner: web.AppRunner | None = None
        self.host, self.port = "127.0.0.1", 0
        if self.options.state_file is not None:
            statefile.load(self.options.state_file, self._desk.ledger, self._desk.catalog, self._time)

    # --- life ---

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one. Raises OSError where the port is taken."""
        self._front.stopping.clear()
        path = self.options.state_file
        self._front.file = statefile.StateFile(path) if path is not None else None
        app = web.Application()
        control.add_routes(app, self)
        app.router.add_route("*", "/{tail:.*}", self._front.handle)
        # Without handler_cancellation a handler that hangs would outlive its client.
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_GRACE)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner, self.host, self.port = runner, host, runner.addresses[0][1]
        await self.save()

    async def stop(self) -> None:
        """Let go of hanging calls, finish what is being carried out, and close. Safe to call twice."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        self._front.stop()
        await runner.cleanup()
        await self._front.finish()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def root_url(self) -> str:
        """`http://127.0.0.1:PORT`, under which `/_sim/…` stands."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def base_url(self) -> str:
        """What goes into `provider.base_url`: `http://127.0.0.1:PORT/api`."""
        return f"{self.root_url}/api"

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

    def set_stock(self, country: str, operator: str, application: str, count: int) -> None:
        """The stock of one product."""
        self._desk.catalog.changed_stock[str(country), str(operator), str(application)] = int(count)
        self._desk.ledger.version += 1

    def option(self, **changes: Any) -> SimulatorOptions:
        """Change options while running. Raises ValueError for a wrong name or value."""
        changeable = {f.name for f in fields(SimulatorOptions)} - FIXED
        if wrong := changes.keys() - changeable:
            raise ValueError(f"{', '.join(sorted(wrong))}: not an option that can be changed")
        changed = replace(self.options, **changes)
        self._desk.dialect = _dialect(changed)
        self._desk.options = changed
        return changed

    def reset(self) -> None:
        """Everything as it was at the start, and nothing from the state file."""
        version = self._desk.ledger.version
        self._front.reset(self._new_desk())
        self._desk.ledger.version = version + 1

    def describe_purchase(self, purchase: str) -> dict[str, Any]:
        """One purchase as it stands in `state()`. Raises KeyError."""
        return describe_purchase(self.purchases[str(purchase)], self._time)

    async def save(self) -> None:
        """Returns once the state file, where there is one, holds what is true now."""
        await self._front.save()

    def _new_desk(self) -> Desk:
        options = self._options_at_start
        ledger = Ledger(options.balance, self._time.monotonic)
        return Desk(options, _dialect(options), ledger, Catalog.of(options), self._time)


def _dialect(options: SimulatorOptions) -> Dialect:
    if options.dialect not in DIALECTS:
        raise ValueError(f"there is no dialect {options.dialect!r}; there are {', '.join(DIALECTS)}")
    return DIALECTS[options.dialect]
