"""The outbox in the journal: in order, bounded, and never without an SMS."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.core.records import Arrival, Batch, MessageKind, OutboxRow, Posting
from shomare_mqtt.journal import commands, store, unsent
from shomare_mqtt.journal.store import Journal
from shomare_mqtt.model import Incoming, Message
from tests.commits import commits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ANSWER, EVENT, SMS = MessageKind.ANSWER, MessageKind.EVENT, MessageKind.SMS


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = Journal(tmp_path, SystemClock())
    await journal.open()
    yield journal
    await journal.close()


async def post(journal: Journal, *kinds: MessageKind) -> list[int]:
    """Rows of new messages."""
    before = [row.row for row in await journal.outbox(0, 1000)]
    await journal.commit(Batch(postings=[Posting(kind, Message("event/sms", b"old")) for kind in kinds]))
    return [row.row for row in await journal.outbox(max(before, default=0), 1000)]


async def waiting(journal: Journal) -> list[tuple[int, MessageKind, bytes]]:
    return [(row.row, row.kind, row.message.payload) for row in await journal.outbox(0, 1000)]


async def test_another_payload_takes_the_place_of_one(journal: Journal) -> None:
    first, second = await post(journal, ANSWER, ANSWER)
    await journal.replace_answer(first, b"smaller")
    assert await waiting(journal) == [(first, ANSWER, b"smaller"), (second, ANSWER, b"old")]


async def test_what_is_set_aside_is_given_up_but_an_sms_comes_back_at_the_next_start(
    journal: Journal, tmp_path: Path
) -> None:
    answer, sms, event = await post(journal, ANSWER, SMS, EVENT)
    for row in (answer, sms, event):
        await journal.set_aside(row)
    assert await waiting(journal) == []
    assert await journal.outbox_length() == 0
    await journal.close()
    again = Journal(tmp_path, SystemClock())
    await again.open()
    assert await waiting(again) == [(sms, SMS, b"old")]
    await again.close()


async def test_what_is_to_be_kept_is_taken_back_whatever_it_is(journal: Journal) -> None:
    answer, event = await post(journal, ANSWER, EVENT)
    await journal.set_aside(answer, keep=True)
    await journal.set_aside(event)
    assert await waiting(journal) == []
    assert await journal.take_back_aside() == 1
    assert await waiting(journal) == [(answer, ANSWER, b"old")]


async def test_beyond_its_size_the_oldest_are_dropped_but_no_sms(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "OUTBOX_MOST", 3)
    rows = await post(journal, SMS, ANSWER, EVENT, ANSWER, EVENT, SMS)
    assert await journal.forget(86400) == 2
    assert [row for row, _, _ in await waiting(journal)] == [rows[0], *rows[3:]]
    assert await journal.forget(86400) == 0


async def test_what_was_just_written_is_not_read_back_to_be_sent(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await waiting(journal) == []
    answer = Message("reply/to", b"{}", absolute=True, correlation=b"c")
    await journal.commit(Batch(postings=[Posting(ANSWER, answer), Posting(EVENT, Message("event/order", b"1"))]))
    on_disk = await journal._database.read(lambda c: commands.outbox(c, 0, 100))
    monkeypatch.setattr(commands, "outbox", lambda *_: pytest.fail("it is read"))
    assert await journal.outbox(0, 100) == on_disk
    assert await journal.outbox(on_disk[0].row, 100) == on_disk[1:]
    assert await journal.outbox(0, 1) == on_disk[:1]
    await journal.sent([on_disk[0].row])
    assert await journal.outbox(0, 100) == on_disk[1:]
    await journal.sent([on_disk[1].row])
    assert await journal.outbox(0, 100) == []


def test_what_was_read_before_something_was_written_is_not_taken_for_all() -> None:
    held = unsent.Unsent()
    held.read(held.mark(), [])
    assert held.first(0, 10) == []
    held.changed()
    mark = held.mark()
    held.written([OutboxRow(1, EVENT, Message("event/order", b"1"))])
    held.read(mark, [])
    assert held.first(0, 10) is None
    held.read(held.mark(), [])
    mark = held.mark()
    held.changed()
    held.read(mark, [])
    assert held.first(0, 10) is None


async def test_what_is_written_while_the_outbox_is_read_is_sent_too(journal: Journal) -> None:
    one = Batch(postings=[Posting(EVENT, Message("event/order", b"1"))])
    for _ in range(3):
        before = len(await waiting(journal))
        await asyncio.gather(journal.commit(one), journal.outbox(0, 1000), journal.commit(one))
        assert len(await waiting(journal)) == before + 2


async def test_what_is_written_for_a_caller_who_gave_up_is_sent(journal: Journal) -> None:
    assert await waiting(journal) == []
    writing = asyncio.create_task(journal.commit(Batch(postings=[Posting(SMS, Message("event/sms", b"1"))])))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await journal.meta()  # that is read after it was written
    assert [payload for _, _, payload in await waiting(journal)] == [b"1"]


async def test_a_refusal_written_with_its_command_is_sent(journal: Journal) -> None:
    assert await waiting(journal) == []
    refusal = (Posting(ANSWER, Message("response/buy", b"no")),)
    now = datetime.now(UTC)
    arrival = Arrival(Incoming("shomare/buy", b"{"), "buy", "", "s", now, journal.time.now(), postings=refusal)
    await journal.arrive([arrival], 60)
    assert [payload for _, _, payload in await waiting(journal)] == [b"no"]


async def test_what_is_posted_is_told_once_it_is_on_disk_and_in_its_order(journal: Journal, tmp_path: Path) -> None:
    told: list[bytes] = []
    before = commits(tmp_path)

    def posted(message: Message) -> None:
        assert commits(tmp_path) > before
        told.append(message.payload)

    journal.on_posted = posted
    now, refusal = datetime.now(UTC), (Posting(ANSWER, Message("response/buy", b"no")),)
    conflict = (Posting(ANSWER, Message("response/buy", b"another")),)
    first = Arrival(Incoming("shomare/buy", b"{}"), "buy", "a", "s", now, journal.time.now(), keyed="t")
    arrivals = [
        first,
        first._replace(on_conflict=conflict),
        first._replace(content="b", on_conflict=conflict),
        first._replace(keyed=None, postings=refusal),
    ]
    await journal.commit(Batch(postings=[Posting(EVENT, Message("event/order", each)) for each in (b"1", b"2")]))
    await journal.commit(Batch())
    await journal.arrive(arrivals, 60)
    assert told == [b"1", b"2", b"another", b"no"]


async def test_more_than_a_few_are_left_to_the_file_and_sent_in_order(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsent, "MOST", 2)
    assert await waiting(journal) == []
    rows = await post(journal, EVENT, EVENT, EVENT)
    rows += await post(journal, EVENT)
    assert [row for row, _, _ in await waiting(journal)] == rows
    assert not journal._unsent._rows, "with the broker away they would add up"
    await journal.sent(rows[:3])
    assert [row for row, _, _ in await waiting(journal)] == rows[3:]
    rows += await post(journal, EVENT)
    assert [row for row, _, _ in await waiting(journal)] == rows[3:]


async def test_topics_of_ours_are_remembered_and_forgotten(journal: Journal, tmp_path: Path) -> None:
    await journal.remember_retained(["a", "b"])
    await journal.commit(Batch(retained=["b", "c"]))
    await journal.forget_retained(["b", "d"])
    await journal.close()
    again = Journal(tmp_path, SystemClock())
    await again.open()
    assert await again.retained() == {"a", "c"}
    await again.close()
