"""The examples of docs/commands.md, typed as they stand there beside a real daemon, broker and provider."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.process import Finished, run
from tests.docs.commands import EXAMPLES, PROGRAM
from tests.docs.pages import TOP
from tests.readme import blocks
from tests.system.test_unknown import lost

if TYPE_CHECKING:
    from tests.system.house import House

pytestmark = pytest.mark.mosquitto

GO_ON = {
    "run": "until a signal; every house of these tests is one",
    "init": "asks questions; answered in tests/cli/test_init.py",
    "demo": "is a house of its own, seen in tests/cli/test_demo.py",
    "simulate": "until a signal; tests/test_simulator.py",
    "watch": "until a signal; tests/cli",
}
"""Commands that no example of ends by itself, and who runs them."""


def examples() -> list[list[str]]:
    """What is typed on the page, in its order, each as the words behind the program's name."""
    lines = [line for block in blocks(TOP / "docs" / "commands.md") for line in block.text.splitlines()]
    words = [shlex.split(line) for line in lines]
    assert all(each[0] == PROGRAM for each in words)
    return [each[1:] for each in words]


def test_all_stand_on_the_page() -> None:
    assert examples() == [shlex.split(line)[1:] for lines in EXAMPLES.values() for line in lines]
    assert GO_ON.keys() < EXAMPLES.keys()


@pytest.mark.timeout(600)
async def test_each_example_does_what_it_says(house: House) -> None:
    said: dict[str, list[Finished]] = {}
    (house.folder / "settings.toml").chmod(0o600)  # as a person's with a token in it
    for words in examples():
        if words[0] in GO_ON:
            continue
        if words[0] == "resolve":
            await lost(house, "reset_after")
        done = await type_(house, words)
        assert done.status == 0, (words, done.out, done.err)
        assert done.err == ""
        said.setdefault(words[0], []).append(done)
    assert len(house.sim.purchases) == len(said["buy"]) + len(said["resolve"])
    assert "+7" in said["buy"][0].out
    assert said["buy"][1].lines()[0]["status"] == "ok"
    assert (house.folder / "report.json").exists()
    assert len(said["query"][3].out.splitlines()) == len(house.sim._desk.catalog.countries)
    assert [await state(house, order) for order in (-1, -2)] == ["failed", "waiting"]
    assert "Russia" in said["defaults"][-1].out
    assert "Telegram" in said["defaults"][-1].out


async def type_(house: House, words: list[str]) -> Finished:
    """One example, by whoever has the house's settings in the usual place, and looks at the provider's site."""
    bought = list(house.sim.purchases.values())
    stands_for = {"report.json": str(house.folder / "report.json")}
    if bought:
        stands_for |= {"74001": bought[-1].purchase, "+79313226657": f"+{bought[-1].phone}"}
    here = [stands_for.get(word, word) for word in words]
    return await run(*here, SHOMARE_CONFIG=str(house.folder / "settings.toml"))


async def state(house: House, place: int) -> Any:
    """How the orders stand that nobody knew of, the first one first."""
    orders = await house.probe.ok("query/orders", {"state": "all"})
    settled = [each for each in orders if str(each["transaction"]).startswith("lost-")]
    return settled[place]["state"]
