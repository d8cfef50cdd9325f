"""`python -m tests.core.make_database`: writes `databases/<version>.sqlite3` as today's program leaves it.

To be run once for each schema version, before the next one is begun; the file is then kept for ever, and
test_old_files.py sees to it that every later program takes it up.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from shomare_mqtt.errors import ErrorCode
from shomare_mqtt.journal.opening import schema_files
from tests.core.provider import LOST, NO_NUMBERS, UNREACHABLE, Acting, Late, sms
from tests.core.virtual import VirtualLoop
from tests.core.world import PRODUCT, World

FOLDER = Path(__file__).parent / "databases"


async def live(directory: Path) -> None:
    """One life that leaves something of everything, and ends with the broker away."""
    world = await World(directory, orders={"settle_delay": 5}).start()
    cancelled = await world.buy(transaction="cancelled")
    await world.data("cancel", {"order": cancelled["order"], "transaction": 17})
    finished = await world.buy(transaction="finished", max_price=3000)
    world.provider.gets("p2", sms("Your code is 11111", sender="Telegram", provider_id="s-1"), sms("No code"))
    await world.state(finished["order"], "finished")
    world.provider.script("buy", NO_NUMBERS, NO_NUMBERS)
    places = {**PRODUCT, "country": ["2", "3"]}
    assert await world.error("buy", {**places, "transaction": "failed"}) == ErrorCode.NO_NUMBERS
    world.provider.script("buy", Acting(LOST))
    assert (await world.ask("buy", {**PRODUCT, "transaction": "unknown", "country": "3"}))["status"] == "unknown"
    await world.sleep(20)
    received = await world.buy(transaction="received")
    world.provider.gets("p4", sms("Your code is 22222"))
    await world.state(received["order"], "received")
    # The provider knows it by the second of the ids in its answer, and no check tells that yet.
    world.provider.ids = lambda own: {"data.id": f"row-{own}", "data.order_id": own}
    world.provider.always["check"] = lambda asked: UNREACHABLE if asked in ("row-p5", "p5") else None
    await world.buy(transaction="waiting", application="2")
    await world.data("defaults/operator/set", "MCI")
    await world.data("buying/set", "on")
    await world.journal.put_meta({"dialect": '{"parameters": "path"}'})
    await world.journal.remember_retained(["shomare/profile"])
    order = received["order"]
    await world.journal.save_plugin_call(
        ("c-1", "hello", "shomare_code_received", order, f"{order}-1", world.journal.time.now(), 2)
    )
    world.broker.away = True
    world.provider.gets("p4", sms("Your code is 33333"))
    await world.sleep(6)
    world.provider.script("buy", Late(None))
    world.send("buy", {**PRODUCT, "transaction": "buying", "application": "3"})
    await world.settle()
    world.provider.script("profile", Late(None))
    world.send("query/profile", {"transaction": "asked"})
    await world.settle()
    await world.crash()


def main() -> int:
    version, _ = schema_files()[-1]
    kept = FOLDER / f"{version:04}.sqlite3"
    if kept.exists():
        sys.stderr.write(f"{kept} is there already, and stays as it is\n")
        return 1
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(live(Path(folder)))
        with closing(sqlite3.connect(Path(folder) / "journal.sqlite3")) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("VACUUM")
        kept.write_bytes((Path(folder) / "journal.sqlite3").read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
