"""The three promises, held against what the provider's ledger, the broker and the journal say after all is quiet."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.crash.plan import Loss

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shomare_mqtt.simulator.ledger import Purchase
    from tests.crash.broker import BrokerLog
    from tests.crash.plan import Command, Plan

REFUSALS = frozenset({"expired_command", "buying_paused", "limit_reached"})
"""Of those that a `buy` may get for what it waited for, or for what others bought."""
MAY_BE = "may have been bought earlier"
"""What is said to whoever asks again while the journal does not know what it lost."""
OPEN = frozenset({"buying", "waiting", "received", "unknown"})


@dataclass(frozen=True)
class Lost:
    """What became of the journal, and what the broker held by then: topics and payloads."""

    loss: Loss = Loss.NONE
    held: Mapping[str, str] = field(default_factory=dict)


class Findings:
    """What is broken; `broken` is empty where every promise was kept."""

    def __init__(
        self, plan: Plan, folder: Path, log: BrokerLog, purchases: Mapping[str, Purchase], lost: Lost | None = None
    ) -> None:
        self._plan = plan
        self._lost = lost or Lost()
        self._log = log
        self._purchases = purchases
        self._orders, self._moves = _orders(folder / "state" / "journal.sqlite3")
        self.broken: list[str] = []
        self._nothing_is_bought_twice()
        self._no_sms_is_lost()
        for order in self._orders:
            self._end_is_true(order)
            self._broker_shows_the_same(order)
        if self._lost.loss is Loss.NONE:
            self._every_purchase_has_its_order()
            self._no_journal_is_called_old()
        else:
            self._loss_is_said()
            self._what_the_broker_held_goes_on()
        self._answers_are_true()

    @property
    def states(self) -> list[str]:
        """How the orders ended."""
        return [order["state"] for order in self._orders]

    def _nothing_is_bought_twice(self) -> None:
        for command in self._plan.commands:
            if command.topic == "buy" and len(self._bought(command.fields["application"])) > 1:
                self.broken.append("one command made two purchases")
        most = self._plan.most_buys
        if most is not None and len(self._purchases) > most:
            self.broken.append(f"{len(self._purchases)} numbers were bought within an hour, {most} are allowed")

    def _no_sms_is_lost(self) -> None:
        ids: dict[tuple[str, str], set[str]] = {}
        for payload in self._log.published("event/sms"):
            event = json.loads(payload)
            ids.setdefault((event["purchase"], event["text"]), set()).add(event["sms"])
        shown = {(p.purchase, m.text) for p in self._purchases.values() for m in p.sms if m.shown}
        if self._lost.loss is not Loss.NONE:
            # One that neither the journal that is left nor the broker knew of is asked about by nobody.
            known = {order["purchase"] for order in self._orders}
            shown = {(purchase, text) for purchase, text in shown if purchase in known}
        self.broken += [f"the SMS {sms} was shown and not published" for sms in shown - set(ids)]
        if self._lost.loss is not Loss.DELETED:  # ids are the journal's: another one can only give others
            self.broken += [f"the SMS {sms} was published as {names}" for sms, names in ids.items() if len(names) > 1]

    def _bought(self, application: object) -> list[Purchase]:
        """What was bought of an application; a plan buys no application twice."""
        return [p for p in self._purchases.values() if p.application == str(application)]

    def _end_is_true(self, order: dict[str, Any]) -> None:
        state, purchase = order["state"], order["purchase"]
        bought = self._purchases.get(purchase or "")
        if state == "buying":
            self.broken.append("an order is still `buying`")
        elif state == "failed" and self._bought(order["application"]):
            self.broken.append("an order is `failed`, and the number was bought")
        elif state == "unknown" and order["charged"] is not None and not self._bought(order["application"]):
            self.broken.append("an order was `charged`, and nothing was bought")
        elif state in ("waiting", "received", "cancelled"):
            if bought is None:
                self.broken.append(f"an order is {state}, and its purchase {purchase} was never made")
            elif bought.state.value != state:
                self.broken.append(f"an order is {state}, its purchase {bought.state.value}")
            elif order["refunded"] and not bought.refunded:
                self.broken.append("an order is `refunded`, and its purchase is not")
        elif state in ("expired", "finished"):
            self.broken.append(f"an order is {state}, and its number had not lived a minute")
        if state == "cancelled" and not any(command.topic == "cancel" for command in self._plan.commands):
            self.broken.append("an order is cancelled, and nobody asked for that")

    def _broker_shows_the_same(self, order: dict[str, Any]) -> None:
        held = self._log.retained().get(f"shomare/orders/{order['id']}")
        shown = json.loads(held)["state"] if held else None
        if shown != order["state"]:
            self.broken.append(f"an order is {order['state']}, and the broker shows {shown}")

    def _every_purchase_has_its_order(self) -> None:
        known = {order["purchase"] for order in self._orders}
        unknown = {order["application"]: order for order in self._orders if order["state"] == "unknown"}
        for bought in self._purchases.values():
            if bought.purchase in known:
                continue
            if bought.application not in unknown:
                self.broken.append(f"the purchase {bought.purchase} was made, and no order may be it")
            elif unknown[bought.application]["charged"] is None and not self._other_money_moved(
                unknown[bought.application]
            ):
                self.broken.append(f"the purchase {bought.purchase} was made, the balance fell, and nobody says so")

    def _loss_is_said(self) -> None:
        """Nobody can know what is lost with the journal: that it is lost is said, and what has to be done."""
        said = {json.loads(payload)["event_type"] for payload in self._log.published("event/bridge")}
        wanted = "journal_restored" if self._lost.loss is Loss.RESTORED else "journal_new"
        if wanted not in said:
            self.broken.append(f"the journal was {self._lost.loss}, and nobody says {wanted}: {said}")

    def _what_the_broker_held_goes_on(self) -> None:
        known = {order["id"]: order["purchase"] for order in self._orders}
        for topic, payload in self._lost.held.items():
            order = json.loads(payload) if payload and topic.startswith("shomare/orders/") else {"state": "none"}
            if order["state"] in OPEN and order["purchase"] and known.get(order["order"]) != order["purchase"]:
                self.broken.append(f"an order that the broker held is not watched any more: {order}")
        for topic, payload in self._log.retained().items():
            order = json.loads(payload) if payload and topic.startswith("shomare/orders/") else {"state": "none"}
            if order["state"] in OPEN and order["order"] not in known:
                self.broken.append(f"the broker shows an order that the journal does not know: {order}")

    def _other_money_moved(self, order: dict[str, Any]) -> bool:
        """Whether money moved after the balance before it was read (a refund, say): then the balance tells nothing."""
        return bool(self._moves > order["moves_before"])

    def _no_journal_is_called_old(self) -> None:
        """What is shown of the journal is on disk by then, so that no death looks like a backup that was put back."""
        events = [json.loads(payload) for payload in self._log.published("event/bridge")]
        self.broken += [e["message"] for e in events if e["event_type"] in ("journal_restored", "journal_new")]
        shown = [json.loads(payload)["sequence"] for payload in self._log.published("bridge/journal")]
        if shown != sorted(shown):
            self.broken.append(f"the journal was shown to go back: {shown}")

    def _answers_are_true(self) -> None:
        for number, command in enumerate(self._plan.commands):
            given = [json.loads(a) for a in self._log.published(f"response/{command.topic}")]
            given = [a for a in given if a["transaction"] == command.transaction]
            if not given and number not in self._plan.forgotten:
                self.broken.append(f"{command.topic} has no answer")
            # What was refused before there was an order may be tried again, and then has another answer.
            given = [a for a in given if not _is_refusal(a)] or given[-1:]
            said = {json.dumps({k: v for k, v in a.items() if k != "replayed"}, sort_keys=True) for a in given}
            if len(said) > 1:
                self.broken.append(f"{command.topic} has {len(said)} different answers: {said}")
            for answer in given[:1]:
                self._answer_is_true(command, answer)

    def _answer_is_true(self, command: Command, answer: dict[str, Any]) -> None:
        order = next((o for o in self._orders if o["id"] == (answer.get("data") or {}).get("order")), None)
        if command.topic == "buying/set":
            return
        is_known = order is not None and order["purchase"] == answer["data"]["purchase"]
        if answer["status"] == "ok" and not is_known and self._lost.loss is Loss.NONE:
            self.broken.append(f"the answer speaks of a purchase that the journal does not have: {answer}")
        was_carried_out = command.topic != "buy" or self._bought(command.fields["application"])
        if answer["status"] == "error" and was_carried_out and MAY_BE not in answer["error"]["message"]:
            self.broken.append(f"the answer is an error, and it was carried out: {answer}")
        if command.means is not None and order is not None and json.loads(order["key"]) != command.means:
            self.broken.append(f"{command.topic} was carried out on another order than it meant: {answer}")


def _is_refusal(answer: dict[str, Any]) -> bool:
    """Whether nothing was done, and nothing is remembered."""
    return answer["status"] == "error" and answer["error"]["code"] in REFUSALS


def _orders(path: Path) -> tuple[list[dict[str, Any]], int]:
    """All orders as they are in the journal, and its count of known money movements."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    try:
        orders = [dict(row) for row in connection.execute("SELECT * FROM orders ORDER BY seq")]
        moves = connection.execute("SELECT value FROM meta WHERE key = 'moves'").fetchone()
        return orders, int(moves["value"]) if moves else 0
    finally:
        connection.close()
