"""Time on a machine whose wall clock cannot be trusted: a Raspberry Pi has no clock battery."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_TOLERANCE = 1.0
"""Seconds that a wall clock may go back, as time servers make it, without being called wrong."""
_WITHIN = 60.0
"""Seconds by which the wall clock and the provider's may differ, for the one to vouch for the other."""
_ABOUT = 3600.0
"""Seconds by which a server's clock may be wrong, and hardly a machine's that the kernel calls synchronised."""
_DATE_COMES = 60.0
"""Seconds of running after which a provider that can say what time it is has said so."""
_LONG_ENOUGH = 600.0
"""Seconds of running after which a wall clock is taken as it is, though nobody vouches for it."""
_LOOKED_AT = 1.0
"""Seconds for which what the kernel says of its clock is taken as it was said: each transaction asks."""
_SET_SINCE = 0.1
"""Seconds by which the wall clock jumped where somebody set it, or the machine slept: what was said is of before."""
_SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
_MORE_THAN_TIMEX, _TIME_ERROR = 512, 5
_LONGEST_DOWN = 30 * 86400.0
"""Seconds between two boots beyond which the wall clock, and not the time, is taken to have jumped."""


class Clock(Protocol):
    """Time. `boot_time` goes on while the machine sleeps and begins anew with each `boot_id`."""

    boot_id: str

    def now(self) -> datetime:
        """The wall clock, in UTC; it may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump, within this process."""
        ...

    def boot_time(self) -> float:
        """Seconds since this machine booted; comparable between processes of one boot."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; returns at once for zero or less."""
        ...


class MachineClock(Clock, Protocol):
    """A clock that can say how good its wall clock is."""

    def is_synchronised(self) -> bool:
        """Whether the machine says that its wall clock follows a time server; False where it cannot say."""
        ...


class SystemClock:
    """The machine's clocks."""

    def __init__(self) -> None:
        self.boot_id = _boot_id()
        self._boot_clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
        self._is_synchronised, self._look_at, self._said_of = False, float("-inf"), 0.0

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never jump, within this process."""
        return time.monotonic()

    def boot_time(self) -> float:
        """Seconds since this machine booted."""
        return time.clock_gettime(self._boot_clock)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(max(0.0, seconds))

    def is_synchronised(self) -> bool:
        """By systemd-timesyncd, which a sandbox (`ProtectClock=`) lets us ask, or by the kernel.

        The kernel comes second: what asks it is 0.4 MB, and most machines need not load it.
        """
        now = time.monotonic()
        ahead = time.time() - now
        if now >= self._look_at or abs(ahead - self._said_of) > _SET_SINCE:
            self._is_synchronised, self._look_at, self._said_of = False, now + _LOOKED_AT, ahead
            with suppress(OSError):
                self._is_synchronised = _SYNCHRONISED.exists() or _kernel_is_synchronised()
        return self._is_synchronised


def _kernel_is_synchronised() -> bool:
    """By adjtimex(2), which whoever only reads may call: a state from 0 to 4, 5 for unsynchronised, -1 for an error."""
    state = _state_of_clock()
    return state is not None and 0 <= state() < _TIME_ERROR


@cache
def _state_of_clock() -> Callable[[], int] | None:
    """A function that calls it, None where there is none; made once, since each transaction asks."""
    try:
        import ctypes  # noqa: PLC0415 - where memory cannot be made executable it may not load

        adjtimex = ctypes.PyDLL(None).adjtimex  # so short a call is not worth letting another thread go on meanwhile
        buffer = ctypes.create_string_buffer
    except (ImportError, MemoryError, AttributeError):  # the last: no Linux
        return None
    return lambda: int(adjtimex(buffer(_MORE_THAN_TIMEX)))


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


class Anchor(NamedTuple):
    """One moment in steady seconds, in a machine's boot time and by its wall clock, as kept in the journal.

    `newest` is the newest time that the wall clock ever showed; `vouched`, whether somebody vouched for `wall`.
    """

    boot_id: str
    boot_time: float
    steady: float
    wall: datetime
    newest: datetime
    vouched: bool = True

    def to_text(self) -> str:
        """As stored."""
        wall, newest = self.wall.isoformat(), self.newest.isoformat()
        return json.dumps([self.boot_id, self.boot_time, self.steady, wall, newest, self.vouched])

    @classmethod
    def from_text(cls, text: str) -> Anchor:
        """As it was stored."""
        boot_id, boot_time, steady, wall, newest, *vouched = json.loads(text)
        moments = (datetime.fromisoformat(wall), datetime.fromisoformat(newest))
        return cls(str(boot_id), float(boot_time), float(steady), *moments, *map(bool, vouched))


class SteadyTime:
    """Seconds that go on evenly, over jumps of the wall clock and over restarts.

    Within one boot they follow the machine's boot time, whatever the wall clock does, and while the machine sleeps: a
    number's time goes on then. Over a reboot they go on by as much as the wall clock did since the last writing, once
    it can be believed with that, but never back, not by what no daemon is down for, and not once a `mark` was set in
    this boot: a clock that woke up in the past or in the future delays deadlines, and brings none forward.

    Who vouches for the wall clock is the kernel (synchronised), or the provider's `Date` (within a minute).
    """

    def __init__(self, clock: MachineClock, anchor: Anchor | None) -> None:
        self._clock = clock
        self._newest_wall = anchor.newest if anchor else clock.now()
        self._offset = _resumed(clock, anchor) - clock.boot_time()
        self._began = clock.boot_time()
        self._is_marked = False
        self._rebooted_from = anchor if anchor and not _is_of(anchor, clock) else None
        self._provider_ahead: float | None = None
        self._behind_since: float | None = None
        self._look()
        self._kept, self._kept_vouched = self._difference(), True

    def now(self) -> float:
        """Steady seconds."""
        return self._clock.boot_time() + self._offset

    def mark(self) -> float:
        """This moment, for a purchase that is reckoned from it.

        From here on no time off is added: that would count as time that the number lived, and end it early.
        """
        self._is_marked = True
        return self.now()

    def wall(self) -> datetime:
        """The wall clock, remembered as the newest time that the journal may hold."""
        now = self._clock.now()
        self._newest_wall = max(self._newest_wall, now)
        return now

    def civil(self) -> datetime:
        """The time to reckon days by: the provider's, where that is known and nobody vouches for the wall clock."""
        if self._provider_ahead is None or self._is_vouched():
            return self._clock.now()
        return datetime.fromtimestamp(self._clock.boot_time() + self._provider_ahead, UTC)

    def left_until(self, moment: datetime) -> float | None:
        """Seconds from now until a moment, negative where it is over; None while nobody vouches for the wall clock."""
        if not self._is_known():
            return None
        return (moment - self.civil()).total_seconds()

    def knows_day(self) -> bool:
        """Whether days may be reckoned by `civil`; soon after a start a clock that nobody vouches for is not enough."""
        return self._is_known() or self._clock.boot_time() - self._began >= _LONG_ENOUGH

    def on_date(self, date: datetime) -> None:
        """The provider's clock shows this moment."""
        self._provider_ahead = date.timestamp() - self._clock.boot_time()  # which counts while the machine sleeps
        self._look()

    def wall_is_behind(self) -> bool:
        """Whether the wall clock is earlier than the newest time in the journal: nobody can tell what is late.

        Once it is vouched for, or was so for ten minutes, the newest time is taken back to it (contract, Commands).
        """
        self._look()
        return self._is_behind()

    def age(self, steady: float, wall: datetime) -> float | None:
        """Seconds since a moment; None where nobody can tell, since it is not known how long the machine was off."""
        if self._rebooted_from is None:
            return self.now() - steady
        if not (self._is_vouched() and self._rebooted_from.vouched):
            return None
        by_wall = (self._clock.now() - wall).total_seconds()
        return max(self.now() - steady, by_wall) if by_wall >= 0 else None

    def was_set(self) -> bool:
        """Whether somebody set the wall clock since the last anchor, or vouches for it only now: another is due."""
        self._look()
        newly_vouched = not self._kept_vouched and self._is_vouched()
        return newly_vouched or abs(self._difference() - self._kept) > _TOLERANCE

    def anchor(self) -> Anchor:
        """This moment, to be kept for the next start."""
        self._look()
        self._kept, self._kept_vouched = self._difference(), self._is_vouched()
        wall, boot_time = self.wall(), self._clock.boot_time()
        return Anchor(self._clock.boot_id, boot_time, self.now(), wall, self._newest_wall, self._kept_vouched)

    def _look(self) -> None:
        """See whether somebody vouches for the wall clock by now, and what follows from it."""
        before = self._rebooted_from
        if before is not None and before.vouched and not self._is_marked and self._tells_time_off():
            running = self._clock.boot_time() - self._began
            down = (self._clock.now() - before.wall).total_seconds() - running
            if 0 < down <= _LONGEST_DOWN:
                self._offset += down
                self._rebooted_from = None
        if not self._is_behind():
            self._behind_since = None
            return
        if self._behind_since is None:
            self._behind_since = self._clock.monotonic()
        if self._is_vouched() or self._clock.monotonic() - self._behind_since >= _LONG_ENOUGH:
            self._newest_wall = self._clock.now()
            self._behind_since = None

    def _is_behind(self) -> bool:
        return (self._newest_wall - self._clock.now()).total_seconds() > _TOLERANCE

    def _tells_time_off(self) -> bool:
        """Whether the wall clock can be believed with how long the machine was off: what was added stays.

        The kernel may say too soon that it is synchronised: the provider's clock has to show about the same, if any.
        """
        if self._provider_ahead is None:
            return self._clock.is_synchronised() and self._clock.boot_time() - self._began >= _DATE_COMES
        return self._agrees(_WITHIN) or (self._clock.is_synchronised() and self._agrees(_ABOUT))

    def _agrees(self, within: float) -> bool:
        """Whether the provider's clock, where that is known, shows the same but for so many seconds."""
        ahead = self._clock.now().timestamp() - self._clock.boot_time()
        return self._provider_ahead is not None and abs(ahead - self._provider_ahead) <= within

    def _is_known(self) -> bool:
        """Whether `civil` is more than what a clock shows that nobody vouches for."""
        return self._provider_ahead is not None or self._is_vouched()

    def _is_vouched(self) -> bool:
        return self._agrees(_WITHIN) or self._clock.is_synchronised()

    def _difference(self) -> float:
        return self._clock.now().timestamp() - self.now()


def _is_of(anchor: Anchor, clock: MachineClock) -> bool:
    """Whether an anchor is of this boot."""
    return bool(anchor.boot_id) and anchor.boot_id == clock.boot_id


def _resumed(clock: MachineClock, anchor: Anchor | None) -> float:
    """Steady seconds at the start of a process, what a reboot took not counted."""
    if anchor is None:
        return clock.now().timestamp()
    return anchor.steady + (max(0.0, clock.boot_time() - anchor.boot_time) if _is_of(anchor, clock) else 0.0)
