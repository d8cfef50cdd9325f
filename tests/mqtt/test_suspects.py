"""Who is to blame where connections end: messages by name, and a broker that ends the connection under some of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.mqtt import suspects as suspects_module
from shomare_mqtt.mqtt.failures import DisconnectedError, HangsUpError, NotConnectedError, PublishRefusedError
from shomare_mqtt.mqtt.packets import Ending
from shomare_mqtt.mqtt.suspects import STRIKES, End, Suspects
from tests.patience import PATIENCE, let_pass

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HUNG_UP = Ending("it hung up", by_broker=True)
AWAY = Ending("the broker no longer answers")


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspects_module, "QUIET", 0.01)


class Wire:
    """A connection that carries messages until told how it ends; `under_way` is what was sent and not acknowledged."""

    def __init__(self, suspects: Suspects) -> None:
        self._suspects = suspects
        self._acknowledgements: dict[str, asyncio.Future[None]] = {}
        self.changed = asyncio.Condition()
        suspects.connected()

    @property
    def under_way(self) -> set[str]:
        return set(self._acknowledgements)

    def send(self, topic: str) -> asyncio.Task[None]:
        return asyncio.create_task(self._suspects.send(topic, self._publisher(topic)))

    def _publisher(self, topic: str) -> Callable[[], Awaitable[None]]:
        async def publish() -> None:
            self._acknowledgements[topic] = asyncio.get_running_loop().create_future()
            async with self.changed:
                self.changed.notify_all()
            await self._acknowledgements[topic]

        return publish

    async def sent(self, *topics: str) -> None:
        """Returns once these are under way, and nothing else."""
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(lambda: self.under_way == set(topics))

    def answer(self, topic: str, refusal: Exception | None = None) -> None:
        future = self._acknowledgements.pop(topic)
        if refusal is None:
            future.set_result(None)
        else:
            future.set_exception(refusal)

    def end(self, ending: Ending = HUNG_UP) -> None:
        """The connection ends, and the next one stands at once."""
        self._suspects.ended(ending)
        for future in self._acknowledgements.values():
            future.set_exception(DisconnectedError("gone"))
        self._acknowledgements.clear()
        self._suspects.connected()


async def outcome(task: asyncio.Task[None]) -> type[BaseException] | None:
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait((task,))
    error = task.exception()
    return None if error is None else type(error)


async def blamed(wire: Wire, topic: str) -> HangsUpError:
    """Sends something again and again, the connection ending each time, until it is to blame; how it was told."""
    for _ in range(STRIKES):
        task = wire.send(topic)
        await wire.sent(topic)
        wire.end()
        await asyncio.wait((task,))
    error = task.exception()
    assert isinstance(error, HangsUpError)
    return error


async def test_it_goes_together_until_the_connection_ends_and_then_each_alone() -> None:
    wire = Wire(Suspects())
    first = [wire.send(topic) for topic in "abc"]
    await wire.sent("a", "b", "c")
    wire.end()
    assert [await outcome(task) for task in first] == [DisconnectedError] * 3
    again = [wire.send(topic) for topic in "abcd"]
    for topic in "abc":
        await wire.sent(topic)
        wire.answer(topic)
    await wire.sent("d")
    later = wire.send("a")  # which nothing speaks against any more
    await wire.sent("a", "d")
    wire.answer("a")
    wire.answer("d")
    assert [await outcome(task) for task in (*again, later)] == [None] * 5


async def test_only_what_ended_three_connections_alone_is_to_blame() -> None:
    wire = Wire(Suspects())
    other = wire.send("other")
    first = wire.send("culprit")
    await wire.sent("other", "culprit")
    wire.end()  # beside another: that counts for nobody
    assert [await outcome(task) for task in (other, first)] == [DisconnectedError] * 2
    for strike in range(1, STRIKES + 1):
        culprit = wire.send("culprit")
        await wire.sent("culprit")
        wire.end()
        assert await outcome(culprit) is (HangsUpError if strike == STRIKES else DisconnectedError)


async def test_what_ended_one_alone_comes_last_and_only_once_the_connection_has_stood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire = Wire(Suspects())
    first = wire.send("culprit")
    await wire.sent("culprit")
    monkeypatch.setattr(suspects_module, "QUIET", 3600.0)
    wire.end()
    await outcome(first)
    culprit, innocent = wire.send("culprit"), wire.send("innocent")
    await wire.sent("innocent")
    wire.answer("innocent")
    assert await outcome(innocent) is None
    wire.end()  # another client takes it from us: that is nobody's fault
    assert await outcome(culprit) is NotConnectedError
    monkeypatch.setattr(suspects_module, "QUIET", 0.01)
    culprit = wire.send("culprit")
    await wire.sent("culprit")
    wire.answer("culprit")
    assert await outcome(culprit) is None


@pytest.mark.parametrize(
    "ending",
    [AWAY, Ending("the connection broke: No route to host"), Ending("shutting down", reason=0x8B, by_broker=True)],
)
async def test_a_connection_that_ends_for_another_reason_is_nobodys_fault(ending: Ending) -> None:
    suspects = Suspects()
    wire = Wire(suspects)
    for _ in range(2 * STRIKES):
        task = wire.send("a")
        await wire.sent("a")
        wire.end(ending)
        assert await outcome(task) is DisconnectedError
        assert suspects.last_end is End.BUSY


async def test_a_reason_that_is_about_messages_counts() -> None:
    suspects = Suspects()
    wire = Wire(suspects)
    task = wire.send("a")
    await wire.sent("a")
    wire.end(Ending("retain not supported", reason=0x9A, by_broker=True))
    await outcome(task)
    ends = [suspects.last_end]
    task = wire.send("a")
    await wire.sent("a")
    wire.end()
    await outcome(task)
    ends.append(suspects.last_end)
    wire.end()
    assert [*ends, suspects.last_end] == [End.ALONE, End.TRIAL, End.IDLE]


async def test_the_next_message_on_the_topic_is_tried_once_and_then_none_for_a_while() -> None:
    suspects = Suspects()
    wire = Wire(suspects)
    assert not (await blamed(wire, "a")).closed
    task = wire.send("a")
    await wire.sent("a")
    wire.end()
    assert await outcome(task) is HangsUpError
    closed = wire.send("a")
    assert await outcome(closed) is HangsUpError
    error = closed.exception()
    assert isinstance(error, HangsUpError)
    assert error.closed > suspects_module.CLOSED / 2
    wire.end()  # for another reason: the broker may have been set up anew
    task = wire.send("a")
    await wire.sent("a")
    wire.answer("a")
    assert await outcome(task) is None


async def test_it_is_told_whether_the_broker_took_anything_else_meanwhile() -> None:
    wire = Wire(Suspects())
    assert not (await blamed(wire, "a")).others_carried
    task = wire.send("b")
    await wire.sent("b")
    wire.end()
    await outcome(task)
    task = wire.send("c")
    await wire.sent("c")
    wire.answer("c")
    await outcome(task)
    task = wire.send("b")
    await wire.sent("b")
    wire.end()
    await outcome(task)
    task = wire.send("b")
    await wire.sent("b")
    wire.end()
    await outcome(task)
    error = task.exception()
    assert isinstance(error, HangsUpError)
    assert error.others_carried


async def test_a_suspect_waits_until_nothing_else_is_under_way() -> None:
    wire = Wire(Suspects())
    together = [wire.send(topic) for topic in "ab"]
    await wire.sent("a", "b")
    wire.end()
    await asyncio.wait(together)
    innocent = wire.send("innocent")
    await wire.sent("innocent")
    suspect, later = wire.send("a"), wire.send("later")
    for _ in range(10):
        await asyncio.sleep(0)
    assert wire.under_way == {"innocent"}
    wire.answer("innocent")
    await wire.sent("a")
    wire.answer("a")
    await wire.sent("later")
    wire.answer("later")
    assert [await outcome(task) for task in (innocent, suspect, later)] == [None] * 3


async def test_a_suspect_goes_in_the_end_though_there_is_always_something_under_way() -> None:
    wire = Wire(Suspects())
    first = wire.send("suspect")
    await wire.sent("suspect")
    wire.end()
    await outcome(first)
    before = wire.send("0")
    await wire.sent("0")
    suspect = wire.send("suspect")
    for number in range(1, 4):
        later = wire.send(str(number))
        await wire.sent(str(number - 1), str(number))
        wire.answer(str(number - 1))
        assert await outcome(before) is None
        before = later
    let_pass(suspects_module.OVERTAKEN)
    last = wire.send("last")
    wire.answer("3")
    await wire.sent("suspect")
    wire.answer("suspect")
    await wire.sent("last")
    wire.answer("last")
    assert [await outcome(task) for task in (before, suspect, last)] == [None] * 3


async def test_what_is_refused_in_words_ends_no_connection() -> None:
    wire = Wire(Suspects())
    for _ in range(STRIKES - 1):
        task = wire.send("a")
        await wire.sent("a")
        wire.end()
        await outcome(task)
    task = wire.send("a")
    await wire.sent("a")
    wire.answer("a", PublishRefusedError("not authorised", 0x87))
    assert await outcome(task) is PublishRefusedError
    task = wire.send("a")
    await wire.sent("a")
    wire.end()
    assert await outcome(task) is DisconnectedError


async def test_who_gives_up_waiting_holds_up_nobody() -> None:
    wire = Wire(Suspects())
    together = [wire.send(topic) for topic in "ab"]
    await wire.sent("a", "b")
    wire.end()
    await asyncio.wait(together)
    first, waiting, last = wire.send("a"), wire.send("b"), wire.send("c")
    await wire.sent("a")
    waiting.cancel()
    await asyncio.wait((waiting,))
    wire.answer("a")
    await wire.sent("c")
    wire.answer("c")
    assert [await outcome(task) for task in (first, last)] == [None, None]


async def test_suspicions_do_not_add_up_over_the_years(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspects_module, "_MOST", 10)
    suspects = Suspects()
    wire = Wire(suspects)
    for number in range(20):
        task = wire.send(f"orders/{number}")
        await wire.sent(f"orders/{number}")
        wire.end()
        await outcome(task)
    assert len(suspects._suspicions) == 10
