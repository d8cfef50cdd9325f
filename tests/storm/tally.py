"""What a storm came to: the figures, and every promise that was broken."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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


@dataclass
class Tally:
    """Counts and breaches; `lines` is the report."""

    figures: dict[str, object] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        width = max(len(name) for name in self.figures)
        return [f"{name:<{width}}  {figure}" for name, figure in self.figures.items()] + [
            f"BROKEN: {each}" for each in self.broken
        ]

    def must_be_zero(self, name: str, found: list[str]) -> None:
        self.figures[name] = len(found)
        self.broken += [f"{name}: {each}" for each in found]


def tally(storm: Storm, journal: Journal) -> Tally:
    """Hold the ledger, the journal and what was heard against each other."""
    result = Tally()
    result.figures["rounds"] = storm.kills.count
    _purchases(storm, result)
    _commands(storm, journal, result)
    _sms(storm, result)
    _orders(storm, journal, result)
    _kills(storm, result)
    if storm.status != 0:
        result.broken.append(f"the daemon ended with status {storm.status}")
    return result


def _purchases(storm: Storm, result: Tally) -> None:
    made = Counter((p["country"], p["operator"], p["application"]) for p in storm.purchases)
    asked = {each.product for each in storm.asking.buys}
    result.figures["purchases asked"] = len(asked)
    result.figures["commands repeated"] = storm.asking.repeated
    result.figures["purchases made"] = sum(made.values())
    result.must_be_zero("purchases doubled", [f"{product}: {count}" for product, count in made.items() if count > 1])
    result.must_be_zero("purchases nobody asked for", [f"{product}" for product in made.keys() - asked])


def _commands(storm: Storm, journal: Journal, result: Tally) -> None:
    answers: dict[str, list[Any]] = {}
    for heard in storm.recorder.heard:
        if heard.topic.startswith("response/"):
            answers.setdefault(heard.json["transaction"], []).append(heard.json)
    taken = [each for each in storm.asking.asked if each.taken]
    result.must_be_zero("commands lost", [f"{each.fields}" for each in taken if each.digest not in journal.taken])
    silent = [each for each in taken if each.transaction is not None and each.transaction not in answers]
    silent += [each for each in taken if each.digest in journal.unanswered]
    result.must_be_zero("commands without an answer", [f"{each.fields}" for each in silent])
    refused = Counter(a["error"]["code"] for given in answers.values() for a in given if a["status"] == "error")
    result.figures["refused"] = ", ".join(f"{code} {count}" for code, count in refused.most_common()) or "none"
    split = [t for t, given in answers.items() if t is not None and len(_orders_of(given)) > 1]
    result.must_be_zero("transactions with two orders", split)


def _orders_of(answers: list[Any]) -> set[str]:
    return {answer["data"]["order"] for answer in answers if answer.get("data")}


def _sms(storm: Storm, result: Tally) -> None:
    ids: dict[tuple[str, str], set[str]] = {}
    for heard in storm.recorder.heard:
        if heard.topic == "event/sms":
            ids.setdefault((heard.json["purchase"], heard.json["text"]), set()).add(heard.json["sms"])
    shown = {(p["purchase"], sms["text"]) for p in storm.purchases for sms in p["sms"] if sms["shown"]}
    result.figures["SMS shown"] = len(shown)
    result.figures["SMS published"] = len(ids)
    result.must_be_zero("SMS lost", [f"{each}" for each in shown - ids.keys()])
    result.must_be_zero("SMS under two ids", [f"{each}" for each, names in ids.items() if len(names) > 1])


def _orders(storm: Storm, journal: Journal, result: Tally) -> None:
    purchases = {p["purchase"]: p for p in storm.purchases}
    made = {(p["country"], p["operator"], p["application"]) for p in storm.purchases}
    states = Counter(order["state"] for order in journal.orders)
    result.figures["orders"] = ", ".join(f"{state} {count}" for state, count in states.most_common())
    resolved = [each.fields["outcome"] for each in storm.asking.asked if each.topic == "resolve"]
    result.figures["resolved by the operator"] = ", ".join(f"{k} {n}" for k, n in Counter(resolved).items()) or "none"
    stuck = [f"{order['id']} is {order['state']}" for order in journal.orders if order["state"] in OPEN]
    result.must_be_zero("orders stuck", stuck)
    untrue = [
        f"{o['id']} is failed, and was bought" for o in journal.orders if o["state"] == "failed" and _key(o) in made
    ]
    for order in journal.orders:
        if order["state"] in ENDS:
            bought = purchases.get(order["purchase"])
            if bought is None or bought["state"] not in ENDS[order["state"]]:
                untrue.append(f"{order['id']} is {order['state']}, its purchase {bought and bought['state']}")
            elif order["refunded"] and not bought["refunded"]:
                untrue.append(f"{order['id']} says that the money came back, and it did not")
    known = {order["purchase"] for order in journal.orders}
    untrue += [f"no order knows of the purchase {each}" for each in purchases.keys() - known]
    result.must_be_zero("orders that are not true", untrue)


def _key(order: dict[str, Any]) -> tuple[str, str, str]:
    return order["country"], order["operator"], order["application"]


def _kills(storm: Storm, result: Tally) -> None:
    kills = storm.kills
    result.figures["kills"] = kills.count
    for name, count in kills.hit.items():
        result.figures[f"  of them {name}"] = f"{count} ({100 * count // max(1, kills.count)} %)"
    result.figures["restarts"] = ", ".join(f"{name} {count}" for name, count in storm.restarts.items()) or "none"
