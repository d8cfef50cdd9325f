"""One plugin at work: its threads, its time limits, and what becomes of it where it fails."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shomare_mqtt.plugin.api import Retry, Veto
from shomare_mqtt.plugin.error_text import describe
from shomare_mqtt.plugin.worker import HookFailedError, HookHungError, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from shomare_mqtt.plugin.api import Api
    from shomare_mqtt.plugin.health import PluginHealth
    from shomare_mqtt.plugin.loading import Loaded

_INTERRUPTS = 10


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds that each kind of hook has and that a call is kept for repeating; how many calls may wait (a count)."""

    startup: float = 10
    shutdown: float = 5
    decide: float = 1
    observe: float = 30
    keep: float = 7200
    waiting: int = 1000


class Runner:
    """Calls the hooks of one plugin. `on_exception` gets what a hook raised, for the tests of a plugin's author."""

    def __init__(
        self,
        loaded: Loaded,
        health: PluginHealth,
        limits: TimeLimits,
        on_exception: Callable[[str, BaseException], None] | None = None,
    ) -> None:
        self.loaded = loaded
        self.health = health
        self._limits = limits
        self._on_exception = on_exception
        self._workers: dict[str, Worker] = {}
        self._deciding = asyncio.Lock()
        self._making = threading.Lock()

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.loaded.name

    def has(self, hook: str) -> bool:
        """Whether the plugin implements the hook."""
        return hook in self.loaded.hooks

    def observer(self) -> Worker:
        """The thread of observing hooks and tasks, made when first needed."""
        return self._worker("observe")

    async def startup(self, api: Api) -> None:
        """Calls `shomare_startup`; a plugin that fails there is left out, since nobody knows what it lacks."""
        if self.has("shomare_startup"):
            given = {"api": api}
            try:
                await self._call(self.observer(), "shomare_startup", given, self._limits.startup)
            except HookFailedError as error:
                await self._leave_out(self.observer(), self._message("shomare_startup", error, given))

    async def decide(self, hook: str, **given: Any) -> Any:
        """What a deciding hook returned, or the Veto it raised. Raises HookFailedError with a text, said already.

        One at a time, so that the time limit begins when the hook does.
        """
        async with self._deciding:
            if self.health.left_out:
                raise HookFailedError(f"plugin {self.name} is left out until the daemon is restarted")
            worker = self._worker("decide")
            try:
                result = await self._call(worker, hook, given, self._limits.decide)
            except HookFailedError as error:
                if isinstance(error.__cause__, Veto):
                    return error.__cause__
                await self._failed(worker, hook, error, given)
                raise HookFailedError(self._message(hook, error, given)) from None
        self.health.succeeded(hook)
        return result

    def odd(self, hook: str, what: str) -> str:
        """Says that a hook returned something that it cannot mean; gives the message."""
        message = f"plugin {self.name}: {hook} returned {what}"
        self.health.failed(hook, message)
        return message

    async def observe(self, hook: str, given: dict[str, Any]) -> Retry | None:
        """Calls an observing hook; a Retry where it asks for that. Failures are said here."""
        worker = self.observer()
        try:
            await self._call(worker, hook, given, self._limits.observe)
        except HookFailedError as error:
            await self._failed(worker, hook, error, given)
            return error.__cause__ if isinstance(error.__cause__, Retry) else None
        self.health.succeeded(hook)
        return None

    async def stop(self) -> None:
        """Calls `shomare_shutdown` and ends the threads; those of a plugin that was left out end as they can."""
        if self.health.left_out:
            return
        if self.has("shomare_shutdown"):
            try:
                await self._call(self.observer(), "shomare_shutdown", {}, self._limits.shutdown)
            except HookFailedError as error:
                self.health.failed("shomare_shutdown", self._message("shomare_shutdown", error, {}))
        await asyncio.gather(*(worker.stop(self._limits.shutdown) for worker in self._workers.values()))

    async def _call(self, worker: Worker, hook: str, given: dict[str, Any], limit: float) -> Any:
        try:
            return await worker.call(self.loaded.hooks[hook], given, limit)
        except HookFailedError as error:
            if self._on_exception:
                self._on_exception(self.name, error.__cause__ or error)
            raise

    async def _failed(self, worker: Worker, hook: str, error: HookFailedError, given: dict[str, Any]) -> None:
        message = self._message(hook, error, given)
        if isinstance(error, HookHungError):
            await self._leave_out(worker, message)
        else:
            self.health.failed(hook, message)

    async def _leave_out(self, stuck: Worker, message: str) -> None:
        self.health.leave_out(message)
        for _ in range(_INTERRUPTS):
            if stuck.interrupt(self.loaded.home):
                break
            await asyncio.sleep(0.01)
        for worker in self._workers.values():
            worker.abandon()

    def _message(self, hook: str, error: HookFailedError, given: dict[str, Any]) -> str:
        told = error.__cause__ if type(error) is HookFailedError else error
        return f"plugin {self.name}: {hook} {describe(told, self.loaded.home, tuple(given.values()))}"

    def _worker(self, kind: str) -> Worker:
        with self._making:  # a deciding hook may start a task from its own thread
            worker = self._workers.get(kind)
            if worker is None:
                worker = self._workers[kind] = Worker(f"plugin-{self.name}", self.escaped)
                worker.start()
        return worker

    def escaped(self, error: BaseException | None) -> None:
        """A task or a thread of the plugin, or something that it left on its event loop, raised; in any thread."""
        if error is not None and self._on_exception:
            self._on_exception(self.name, error)
        self.health.failed("task", f"plugin {self.name}: a task or thread of it {describe(error, self.loaded.home)}")
