"""A plugin's thread with an event loop of its own: whatever blocks there, blocks nobody else.

A hook that hangs, in a coroutine too, cannot be cut off on the daemon's event loop; here it is left alone. The thread
is a daemon thread, so a hook that never returns cannot hold up the end of the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import sys
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession, ClientTimeout

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from shomare_mqtt.plugin.loading import Hook

_GRACE = 0.5
"""Seconds that a coroutine has to end after it was cancelled, and that a thread has to end."""
_TASKS = 100
_HTTP_TIMEOUT = 30.0


class HookFailedError(Exception):
    """The hook raised; `__cause__` is what, and it may hold a code: never log its text."""


class HookTimeoutError(HookFailedError):
    """An async hook did not end in time and was cut off; the plugin can go on."""


class HookHungError(HookFailedError):
    """The hook holds its thread and cannot be cut off."""


class StoppedError(BaseException):
    """Raised inside a thread that was given up, as from outside."""


class Worker:
    """One thread of one plugin. `escaped` is told of what raised outside of a hook, in that thread."""

    def __init__(self, name: str, escaped: Callable[[BaseException | None], None]) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda _loop, context: escaped(context.get("exception")))
        self._escaped = escaped
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._tasks: set[asyncio.Task[object]] = set()
        self._reserved = 0
        self._lock = threading.Lock()
        self._stopping = False
        self._over = False
        self._session: ClientSession | None = None
        self._ended: Future[None] = Future()
        self._ended.set_running_or_notify_cancel()  # so that nobody who waits for it can cancel it

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    async def call(self, hook: Hook, given: dict[str, Any], limit: float) -> Any:
        """What the hook returned. Raises HookFailedError or a subclass of it, and nothing else."""
        done: Future[Any] = Future()
        self._soon(self._begin, hook, given, limit, done)
        try:
            async with asyncio.timeout(limit if hook.decides else limit + _GRACE):
                return await asyncio.wrap_future(done)
        except TimeoutError:
            if done.done() and not done.cancelled():  # in time, but seen late, since the daemon was busy
                return done.result()
            raise HookHungError from None

    def spawn(self, coroutine: Coroutine[Any, Any, object]) -> bool:
        """Runs a coroutine until it ends; False, and closed, where too many run or the thread is given up."""
        with self._lock:
            taken = self._reserved < _TASKS and not self._stopping
            self._reserved += taken
        if not taken:
            coroutine.close()
            return False
        self._soon(self._spawn, coroutine)
        return True

    def session(self) -> ClientSession:
        """The plugin's HTTP session. Raises RuntimeError outside of this thread's event loop."""
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError("api.http is for async hooks and tasks of api.create_task")
        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=_HTTP_TIMEOUT))
        return self._session

    def abandon(self) -> None:
        """Cancels what runs and ends the thread as soon as it can."""
        self._stopping = True
        self._soon(self._wind_down)

    async def stop(self, limit: float) -> bool:
        """As `abandon`, and waits for it; False where the thread does not end in time, and is left alone."""
        self.abandon()
        try:
            async with asyncio.timeout(limit):
                await asyncio.wrap_future(self._ended)
        except TimeoutError:
            return False
        return True

    def interrupt(self, home: str) -> bool:
        """Raises StoppedError in the thread, where the plugin's own code (under `home`) runs at this moment.

        It ends a busy loop, which would take half the processor until the restart. Nowhere else, since an exception in
        the middle of logging, say, would leave the log's lock taken for ever.
        """
        thread = self._thread.ident
        frame = sys._current_frames().get(thread) if thread else None  # noqa: SLF001 - the documented way
        if thread is None or frame is None or not frame.f_code.co_filename.startswith(home):
            return False
        try:
            import ctypes  # noqa: PLC0415 - needed where a hook hangs; may not load without executable memory
        except (ImportError, MemoryError):
            return False
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(StoppedError))
        return True

    def _soon(self, function: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the daemon stops
            self._loop.call_soon_threadsafe(function, *arguments)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self._over:
            try:
                self._loop.run_forever()
            except BaseException as error:  # noqa: BLE001 - a task's SystemExit comes through here
                self._escaped(error)
        self._loop.close()
        self._ended.set_result(None)

    def _begin(self, hook: Hook, given: dict[str, Any], limit: float, done: Future[Any]) -> None:
        if not done.set_running_or_notify_cancel():
            return
        try:
            result = hook.bound(given)()
        except BaseException as error:  # noqa: BLE001 - a stranger's code, sys.exit included
            _fail(done, error)
            return
        if inspect.iscoroutine(result) and not hook.decides:
            self._keep(self._loop.create_task(_finish(result, limit, done)))
            return
        if inspect.iscoroutine(result):
            result.close()
        done.set_result(result)

    def _spawn(self, coroutine: Coroutine[Any, Any, object]) -> None:
        task = self._loop.create_task(self._supervised(coroutine))
        self._keep(task)
        task.add_done_callback(self._release)

    def _keep(self, task: asyncio.Task[object]) -> None:
        """The event loop itself holds tasks only weakly."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _release(self, _task: asyncio.Task[object]) -> None:
        with self._lock:
            self._reserved -= 1

    async def _supervised(self, coroutine: Coroutine[Any, Any, object]) -> None:
        try:
            await coroutine
        except BaseException as error:  # noqa: BLE001 - a stranger's code, sys.exit included
            if not self._stopping:
                self._escaped(error)

    def _wind_down(self) -> None:
        self._keep(self._loop.create_task(self._end()))

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_GRACE)
        if self._session is not None:
            await self._session.close()
        self._loop.call_soon(self._close)

    def _close(self) -> None:
        self._over = True
        self._loop.stop()


async def _finish(coroutine: Coroutine[Any, Any, Any], limit: float, done: Future[Any]) -> None:
    try:
        async with asyncio.timeout(limit) as cut:
            result = await coroutine
    except BaseException as error:  # noqa: BLE001 - a stranger's code, sys.exit included
        _fail(done, error, HookTimeoutError() if cut.expired() else None)
    else:
        done.set_result(result)


def _fail(done: Future[Any], error: BaseException, failed: HookFailedError | None = None) -> None:
    failed = failed or HookFailedError()
    failed.__cause__ = error
    done.set_exception(failed)
