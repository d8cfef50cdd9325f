"""Clock, disk, proxy, plugins, journal: each finding, good and bad."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.doctor import disk, plugins
from shomare_mqtt.doctor.clock import of_clock
from shomare_mqtt.doctor.disk import of_disk
from shomare_mqtt.doctor.finding import State
from shomare_mqtt.doctor.journal import of_journal
from shomare_mqtt.doctor.machine import Mount
from shomare_mqtt.doctor.proxy import of_proxy
from shomare_mqtt.journal.looking import Looked, OpenOrder, newest_version
from tests.doctor.places import settings

if TYPE_CHECKING:
    import pytest

    from shomare_mqtt.doctor.finding import Finding


def by(
    monkeypatch: pytest.MonkeyPatch, ahead: float | None, *, synchronised: bool, newest: timedelta | None = None
) -> Finding:
    monkeypatch.setattr(SystemClock, "is_synchronised", lambda _: synchronised)
    return of_clock(ahead, "" if newest is None else (datetime.now(UTC) + newest).isoformat())


def test_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    assert by(monkeypatch, 0.4, synchronised=True).state is State.GOOD
    assert "says the same" in by(monkeypatch, 0.4, synchronised=False).text
    assert "is 30 s behind it" in by(monkeypatch, -30, synchronised=False).text
    assert by(monkeypatch, None, synchronised=True).state is State.GOOD
    assert by(monkeypatch, None, synchronised=False).state is State.UNKNOWN
    wrong = by(monkeypatch, 3 * 3600, synchronised=False)
    assert wrong.state is State.BAD
    assert "is 3 hours ahead of it" in wrong.text
    assert "timedatectl" in wrong.advice
    theirs = by(monkeypatch, 3 * 3600, synchronised=True)
    assert theirs.state is State.UNKNOWN
    assert theirs.advice.startswith("the provider's is probably wrong")


def test_a_clock_that_the_journal_was_ahead_of(monkeypatch: pytest.MonkeyPatch) -> None:
    found = by(monkeypatch, None, synchronised=False, newest=timedelta(days=4))
    assert found.state is State.BAD
    assert "times that are 4 days ahead of it" in found.text
    assert by(monkeypatch, None, synchronised=True, newest=timedelta(days=4)).state is State.GOOD
    assert by(monkeypatch, 0.0, synchronised=False, newest=timedelta(days=-4)).state is State.GOOD


def test_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = of_disk(tmp_path)
    assert found is not None
    assert "a durable commit takes " in found.text
    assert not os.listdir(tmp_path)  # noqa: PTH208
    monkeypatch.setattr(disk, "mount_of", lambda _: Mount("ext4", "/dev/mmcblk0p2"))
    card = of_disk(tmp_path)
    assert card is not None
    assert "SD card or eMMC (mmcblk0p2)" in card.text
    monkeypatch.setattr(disk, "SLOW", 0.0)
    slow = of_disk(tmp_path)
    assert slow is not None
    assert slow.state is State.UNKNOWN
    assert of_disk(tmp_path / "missing") is None


def test_a_disk_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    found = of_disk(Path("/proc/self"))
    assert found is None or found.state is State.BAD


async def test_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    assert await of_proxy(settings()) is None
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        found = await of_proxy(settings(provider={"proxy": f"http://me:pass-word@127.0.0.1:{port}"}))
    assert found is not None
    assert found.state is State.GOOD
    assert f"127.0.0.1:{port} (provider.proxy)" in found.text
    assert "pass-word" not in found.text


def test_plugins(tmp_path: Path) -> None:
    assert list(plugins.of_plugins(settings())) == []
    tmp_path.chmod(0o700)
    (tmp_path / "mine.py").write_text("def shomare_shutdown():\n    raise RuntimeError('a hook ran')\n")
    (found,) = plugins.of_plugins(settings(plugins={"enabled": ["mine"], "directories": [str(tmp_path)]}))
    assert found.name == "plugin mine"
    assert "its hooks: shomare_shutdown" in found.text
    (missing,) = plugins.of_plugins(settings(plugins={"enabled": ["nobodys"]}))
    assert (missing.name, missing.state) == ("plugins", State.BAD)


def journal(seen: Looked | None) -> list[Finding]:
    return list(of_journal(Path("/state"), seen))


def test_a_journal() -> None:
    assert [each.state for each in journal(None)] == [State.GOOD]
    assert journal(Looked(why_not="it is no plain file"))[0].state is State.UNKNOWN
    assert "daemon's user" in journal(Looked(why_not="it cannot be read", is_closed=True))[0].advice
    assert "daemon's user" not in journal(Looked(why_not="it has 999,999,999 bytes"))[0].advice
    assert journal(Looked(is_ours=False))[0].state is State.BAD
    assert journal(Looked(damage="x"))[0].state is State.BAD
    newest = newest_version()
    assert "newer shomare-mqtt" in journal(Looked(version=newest + 1))[0].advice
    assert "newest version" in journal(Looked(version=newest - 1))[0].advice
    assert [each.name for each in journal(Looked(version=newest))] == ["journal"]


def test_open_orders() -> None:
    orders = [OpenOrder(f"01K{number}", "unknown", "2026-11-24T03:00:00Z") for number in range(7)]
    orders.append(OpenOrder("01K9", "waiting", "2026-11-24T03:00:00Z"))
    _, live, in_doubt = journal(Looked(version=newest_version(), open=tuple(orders)))
    assert live.text.startswith("1 waiting: ")
    assert "01K4" in in_doubt.text
    assert "01K5" not in in_doubt.text
    assert "and 2 more" in in_doubt.text
    assert "--not-bought" in in_doubt.advice
