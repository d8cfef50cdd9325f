"""What a storm came to: the figures, and every promise that was broken."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.storm.asking import Product, product_of
from tests.storm.money import Money

if TYPE_CHECKING:
    from tests.storm.processes import Journal
    from tests.storm.storm import Storm

OPEN = frozenset({"buying", "waiting", "received", "unknown"})
ENDS = {
    "finished": {"received", "finished", "timeout", "cancelled", "banned"},
    "cancelled": {"cancelled"},
    "expired": {"cancelled", "timeout", "finished"},
}
"""Of each end of an order, what the provider's purchase may be."""
EVENTS = (
    "cancelled on the site",
    "bought on the site",
    "bought and cancelled on the site",
    "refund on the site about an unknown order",
    "purchase on the site about an unknown order",
    "second daemon at once",
    "second daemon while the first was stopped",
    "second daemon while the first was cut off",
)
"""What others do in a storm; of each a few must have come."""


@dataclass
class Tally:
    """Counts and breaches; `lines` is the report. `events`: how often what of EVENTS came."""

    events: Counter[str] = field(default_factory=Counter)
    figures: dict[str, object] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        width = max(len(name) for name in (*self.figures, *EVENTS))
        figures = self.figures | {name: self.events[name] for name in EVENTS}
        return [f"{name:<{width}}  {figure}" for name, figure in figures.items()] + [
            f"BROKEN: {each}" for each in self.broken
        ]

    def must_be_zero(self, name: str, found: list[str]) -> None:
        self.figures[name] = len(found)
        self.broken += [f"{name}: {each}" for each in found]


def tally(storm: Storm, journals: list[Journal]) -> Tally:
    """Hold the ledger, the journals and what was heard against each other."""
    result = Tally()
    orders = [order for journal in journals for order in journal.orders]
    ours = [p for p in storm.purchases if not p["by_hand"]]
    money = Money(storm.purchases, journals)
    result.figures["rounds"] = storm.kills.count
    _purchases(storm, ours, result)
    _commands(storm, journals, result)
    _answers(storm, ours, orders, result)
    _sms(storm, journals, result)
    _orders(storm, orders, ours, money, result)
    result.must_be_zero("charges that are not true", money.untrue_charges(storm.recorder.heard))
    _kills(storm, result)
    result.events.update(storm.site.done + storm.another.done + money.near_doubts(storm.recorder.heard))
    if any(storm.statuses):
        result.broken.append(f"the daemons ended with status {storm.statuses}")
    result.broken += storm.another.broken
    return result


def _purchases(storm: Storm, ours: list[dict[str, Any]], result: Tally) -> None:
    made = Counter(product_of(p) for p in ours)
    asked = {product for each in storm.asking.buys for product in each.products}
    result.figures["purchases asked"] = len(storm.asking.buys)
    result.figures["  of them in several places"] = sum(len(each.products) > 1 for each in storm.asking.buys)
    result.figures["commands repeated"] = storm.asking.repeated
    result.figures["purchases made"] = sum(made.values())
    result.must_be_zero("purchases doubled", _doubled(storm, made))
    result.must_be_zero("purchases nobody asked for", [f"{product}" for product in made.keys() - asked])


def _doubled(storm: Storm, made: Counter[Product]) -> list[str]:
    """What was bought more than once for one command, wherever."""
    counts = ((each, sum(made[product] for product in each.products)) for each in storm.asking.buys)
    return [f"{each.fields}: {count}" for each, count in counts if count > 1]


def _commands(storm: Storm, journals: list[Journal], result: Tally) -> None:
    answers = _answers_heard(storm)
    taken = [each for each in storm.asking.asked if each.taken]
    known = {digest for journal in journals for digest in journal.taken}
    # Of two daemons that got a command, the one that ended may have left it to the other.
    done = {digest for journal in journals for digest in journal.taken - journal.unanswered}
    result.must_be_zero("commands lost", [f"{each.fields}" for each in taken if each.digest not in known])
    silent = [each for each in taken if each.transaction is not None and each.transaction not in answers]
    silent += [each for each in taken if each.digest in known - done]
    result.must_be_zero("commands without an answer", [f"{each.fields}" for each in silent])
    refused = Counter(a["error"]["code"] for given in answers.values() for a in given if a["status"] == "error")
    result.figures["refused"] = ", ".join(f"{code} {count}" for code, count in refused.most_common()) or "none"
    split = [t for t, given in answers.items() if t is not None and len(_orders_of(given)) > 1]
    result.must_be_zero("transactions with two orders", split)


def _answers(storm: Storm, ours: list[dict[str, Any]], orders: list[dict[str, Any]], result: Tally) -> None:
    """Whoever was told nothing but errors has no number, and who was told of a number has it."""
    answers, made = _answers_heard(storm), {product_of(p) for p in ours}
    known = {order["purchase"] for order in orders}
    untrue = []
    for each in storm.asking.buys:
        given = answers.get(each.transaction or "", [])
        refused = given and all(answer["status"] == "error" for answer in given)
        if refused and not made.isdisjoint(each.products):
            untrue.append(f"{each.fields} was refused, and was carried out: {given[-1]}")
        told = {answer["data"]["purchase"] for answer in given if answer["status"] == "ok"}
        untrue += [f"{each.fields} is answered with {p}, of which no order knows" for p in told - known]
    result.must_be_zero("answers that are not true", untrue)


def _answers_heard(storm: Storm) -> dict[str, list[Any]]:
    """Every answer by its transaction."""
    answers: dict[str, list[Any]] = {}
    for heard in storm.recorder.heard:
        if heard.topic.startswith("response/"):
            answers.setdefault(heard.json["transaction"], []).append(heard.json)
    return answers


def _orders_of(answers: list[Any]) -> set[str]:
    return {answer["data"]["order"] for answer in answers if answer.get("data")}


def _sms(storm: Storm, journals: list[Journal], result: Tally) -> None:
    ids: dict[tuple[str, str], set[str]] = {}
    for heard in storm.recorder.heard:
        if heard.topic == "event/sms":
            ids.setdefault((heard.json["purchase"], heard.json["text"]), set()).add(heard.json["sms"])
    shown = {(p["purchase"], sms["text"]) for p in storm.purchases for sms in p["sms"] if sms["shown"]}
    result.figures["SMS shown"] = len(shown)
    result.figures["SMS published"] = len(ids)
    result.must_be_zero("SMS lost", [f"{each}" for each in shown - ids.keys()])
    # A daemon that took up an order of another's, as the broker held it, cannot give that one's ids.
    holders = Counter(order["purchase"] for journal in journals for order in journal.orders)
    twice = [f"{each}" for each, names in ids.items() if len(names) > max(1, holders[each[0]])]
    result.must_be_zero("SMS under two ids", twice)


def _orders(
    storm: Storm, orders: list[dict[str, Any]], ours: list[dict[str, Any]], money: Money, result: Tally
) -> None:
    states = Counter(order["state"] for order in orders)
    result.figures["orders"] = ", ".join(f"{state} {count}" for state, count in states.most_common())
    resolved = [each.fields["outcome"] for each in storm.asking.asked if each.topic == "resolve"]
    result.figures["resolved by the operator"] = ", ".join(f"{k} {n}" for k, n in Counter(resolved).items()) or "none"
    stuck = [f"{order['id']} is {order['state']}" for order in orders if order["state"] in OPEN]
    result.must_be_zero("orders stuck", stuck)
    # What an order holds is its own; of two daemons that were asked for the same, one may have failed.
    known = {order["purchase"] for order in orders}
    unclaimed = {product_of(p): p for p in ours if p["purchase"] not in known}
    failed = [order for order in orders if order["state"] == "failed" or _was_never_bought(order)]
    result.figures["cancelled before they were bought"] = sum(map(_was_never_bought, orders))
    unseen = {o["id"]: p for o in failed if (p := unclaimed.get(product_of(o))) and money.is_unseen(o, p)}
    result.figures["failed, and given back on the site before a balance could show it"] = len(unseen)
    untrue = [
        f"{o['id']} is failed, and was bought: {o['error']}"
        for o in failed
        if product_of(o) in unclaimed and o["id"] not in unseen
    ]
    purchases = {p["purchase"]: p for p in ours}
    for order in orders:
        if order["state"] in ENDS and not _was_never_bought(order):
            untrue += _wrong_in(order, purchases.get(order["purchase"]))
    explained = {p["purchase"] for p in unseen.values()}
    untrue += [f"no order knows of the purchase {each}" for each in purchases.keys() - known - explained]
    result.must_be_zero("orders that are not true", untrue)


def _was_never_bought(order: dict[str, Any]) -> bool:
    return order["state"] == "cancelled" and order["purchase"] is None


def _wrong_in(order: dict[str, Any], bought: dict[str, Any] | None) -> list[str]:
    """What is not true of an order that had a number and closed. SQLite knows no booleans."""
    if bought is None or bought["state"] not in ENDS[order["state"]]:
        return [f"{order['id']} is {order['state']}, its purchase {bought and bought['state']}"]
    if order["refunded"] and not bought["refunded"]:
        return [f"{order['id']} says that the money came back, and it did not"]
    if order["refunded"] == 0 and bought["refunded"]:
        return [f"{order['id']} says that the money is gone, and it came back"]
    return []


def _kills(storm: Storm, result: Tally) -> None:
    kills = storm.kills
    result.figures["kills"] = kills.count
    for name, count in kills.hit.items():
        result.figures[f"  of them {name}"] = f"{count} ({100 * count // max(1, kills.count)} %)"
    result.figures["restarts"] = ", ".join(f"{name} {count}" for name, count in storm.restarts.items()) or "none"
