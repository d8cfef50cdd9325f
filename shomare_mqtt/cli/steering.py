"""`resolve`, `buying` and `defaults`: what the owner decides, told to the daemon; and how it stands."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from shomare_mqtt.cli.bare import write_bare
from shomare_mqtt.cli.bridge import reach
from shomare_mqtt.cli.commands import order_of, present, refuse_unless_ok
from shomare_mqtt.cli.output import write_json
from shomare_mqtt.cli.showing import Known, console, objects, plain, show
from shomare_mqtt.cli.status import CommandFailedError
from shomare_mqtt.cli.typed import to_be_typed
from shomare_mqtt.cli.words import readable_id
from shomare_mqtt.core.render import money_said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shomare_mqtt.cli.bridge import Bridge
    from shomare_mqtt.cli.commands import Manner
    from shomare_mqtt.config import Mqtt

    _Standing = tuple[str, str | None, list[Mapping[str, Any]]]

UNKNOWN = "unknown"
_HEALTH = "bridge/health"
_SWITCH_IS_OFF = "the switch buying is off"
"""How `bridge/health` says what the topic `buying` says sooner."""
_RESTORED = "journal_restored"
_MAX_PRICE = "max_price"
_LABELS = {
    "country": "Country",
    "operator": "Operator",
    "application": "Application",
    _MAX_PRICE: "Maximum price",
}


# --- resolve --------------------------------------------------------------------------------------------------------


async def resolve(settings: Mqtt, order: str, bought: tuple[str, str] | None, manner: Manner) -> None:
    """Tells what became of an order, or of the only one in state unknown. Raises CommandFailedError.

    `bought`: the purchase and its number; None where nothing was bought.
    """
    async with reach(settings, manner.timeout) as bridge:
        await bridge.require_daemon(*(() if manner.json else Known.topics("resolve")))
        fields = {"order": await _in_doubt(bridge) if order == UNKNOWN else order, "outcome": "not_bought"}
        if bought is not None:
            fields |= {"outcome": "bought", "purchase": bought[0], "phone": bought[1]}
        answer = await bridge.ask("resolve", fields)
    present(answer, "resolve", manner, Known.from_topics(bridge.beside))


async def _in_doubt(bridge: Bridge) -> str:
    """The only order in state unknown. Raises CommandFailedError where there is none, or more than one."""
    match [order["order"] for order in await _doubtful(bridge)]:
        case [order]:
            return str(order)
        case []:
            raise CommandFailedError("no order is in state unknown, so there is nothing to settle")
        case orders:
            several = f"{len(orders)} orders are in state unknown, so name the one that is meant"
            raise CommandFailedError(f"{several}: {', '.join(orders)}")


async def _doubtful(bridge: Bridge) -> list[Mapping[str, Any]]:
    """The orders in state unknown, newest first. Raises CommandFailedError."""
    answer = await bridge.ask("query/orders", {"state": "open", "limit": 500})
    refuse_unless_ok(answer.body)
    return [each for each in objects(answer.body.get("data")) if order_of(each) and each.get("state") == UNKNOWN]


# --- buying ---------------------------------------------------------------------------------------------------------


async def show_buying(settings: Mqtt, manner: Manner) -> None:
    """Says whether purchases are allowed, and if they pause, why. Raises CommandFailedError."""
    async with reach(settings, manner.timeout) as bridge:
        await bridge.require_daemon()
        switch, why, doubtful = await _standing(bridge)
    if not switch:
        raise CommandFailedError(
            "the broker hands out nothing on whether buying is on: either it does not let this user read the topic "
            "buying, or the daemon is an older one"
        )
    if manner.json:
        write_json(json.dumps({"buying": switch, "buying_paused": why is not None, "buying_paused_reason": why}))
    elif manner.quiet:
        write_bare(switch)
    else:
        _say_how_it_stands(switch, why, doubtful, manner)


async def _standing(bridge: Bridge) -> _Standing:
    """The switch, empty where it is not to be read; why purchases pause although it is on; the orders in doubt."""
    kept = await bridge.kept("buying", beside=[_HEALTH])
    doubtful = await _doubtful(bridge)
    switch = kept["buying"].text if "buying" in kept else ""
    return switch, _pause(kept[_HEALTH].body if _HEALTH in kept else None, doubtful), doubtful


def _say_how_it_stands(switch: str, why: str | None, doubtful: Sequence[Mapping[str, Any]], manner: Manner) -> None:
    for text in (_switch_said(switch, why), *(_doubt_said(order["order"]) for order in doubtful)):
        console().print(plain(to_be_typed(text, manner.file)))


def _pause(health: Any, doubtful: Sequence[Mapping[str, Any]] = ()) -> str | None:
    """Why nothing is bought although the switch may be on; None where nothing says so."""
    if not isinstance(health, dict):
        return None
    reason = health.get("buying_paused_reason")
    if health.get("buying_paused") is True and reason != _SWITCH_IS_OFF:
        return plain(reason or "the daemon gave no reason").plain
    for order in doubtful:
        # The daemon tells of its health each minute, and an order that is in doubt only since then is not in it.
        if _is_later(order.get("updated_at"), health.get("updated_at")):
            return f"order {order['order']} may have been bought: buying pauses until the balance tells"
    return None


def _is_later(one: Any, other: Any) -> bool:
    """Whether a time of the contract is later than another; False where one of them is none."""
    return isinstance(one, str) and isinstance(other, str) and one > other


def _doubt_said(order: str) -> str:
    return (
        f"Nobody knows whether order {order} was bought. Look at your numbers on the provider's site: "
        f"`shomare-mqtt resolve {order} --bought PURCHASE PHONE` where it is there, "
        f"`shomare-mqtt resolve {order} --not-bought` where it is not."
    )


def _switch_said(switch: str, why: str | None) -> str:
    if switch == "off":
        return "Buying is off: every purchase is refused. `shomare-mqtt buying on` allows them again."
    if switch != "on":
        return f"Buying is {switch}, which is neither on nor off."
    if why is None:
        return "Buying is on: purchases are allowed, as far as the limits go."
    if why == _RESTORED:
        return (
            "Buying is on, but pauses: the journal is older than what the broker knows of it (a backup was put back, "
            "say), and what is asked for may have been bought earlier. Look at your numbers on the provider's site, "
            "then allow purchases again: `shomare-mqtt buying on`."
        )
    return f"Buying is on, but pauses, and goes on by itself once that is over: {why}."


async def set_buying(settings: Mqtt, to: str, manner: Manner) -> None:
    """Turns the switch. Raises CommandFailedError."""
    async with reach(settings, manner.timeout) as bridge:
        await bridge.require_daemon()
        answer = await bridge.tell("buying/set", to, {"buying": to})
        if manner.json:
            write_json(answer.text)
        refuse_unless_ok(answer.body)
        if manner.json or manner.quiet:
            return
        standing: _Standing = ("", None, [])
        with suppress(CommandFailedError):  # it is turned, whether or not more can be told
            standing = await _standing(bridge)
    switch, why, doubtful = standing
    _say_how_it_stands(switch or to, why, doubtful, manner)  # somebody else may have turned it since


# --- defaults -------------------------------------------------------------------------------------------------------


async def show_defaults(settings: Mqtt, field: str | None, manner: Manner) -> None:
    """Shows one default, or all of them. Raises CommandFailedError."""
    async with reach(settings, manner.timeout) as bridge:
        await bridge.require_daemon()
        known = await _defaults(bridge)
    fields = [field] if field else list(_LABELS)
    if manner.json:
        names = [each for field in fields for each in (field, f"{field}_name") if each in known]
        write_json(json.dumps({name: known[name] for name in names}, ensure_ascii=False))
    elif manner.quiet:
        for each in fields:
            write_bare(*([] if field else [each]), known[each])
    else:
        show(console(), "defaults", {_LABELS[each]: _default_said(known, each) for each in fields})


async def _defaults(bridge: Bridge) -> dict[str, str | None]:
    """Each default, None where none is set; beside ids the names, as `country_name`; `currency` where it is known."""
    names = [field for field in _LABELS if field != _MAX_PRICE]
    kept = await bridge.kept(
        *(f"defaults/{field}" for field in _LABELS), beside=["profile", *(f"defaults/{field}/name" for field in names)]
    )
    found: dict[str, str | None] = {}
    for field in _LABELS:
        found[field] = kept[topic].text if (topic := f"defaults/{field}") in kept else None
        if field in names:
            found[f"{field}_name"] = kept[topic].text if (topic := f"defaults/{field}/name") in kept else None
    profile = kept["profile"].body if "profile" in kept else None
    unit = profile.get("currency") if isinstance(profile, dict) else None
    return found | {"currency": unit if isinstance(unit, str) else None}


def _default_said(known: Mapping[str, str | None], field: str) -> str | None:
    """A default as a person reads it: `Russia (7)`, `3,000 IRT`; None where none is set."""
    value = known[field]
    if value is None:
        return None
    if field == _MAX_PRICE:
        return _price_said(value, known["currency"])
    name = known[f"{field}_name"]
    # A label names the id by itself where the name alone could be another's.
    return name if name and name.endswith(f"({value})") else f"{name} ({value})" if name and name != value else value


def _price_said(value: str, unit: str | None) -> str:
    try:
        return money_said(Decimal(value), unit or "").strip()
    except InvalidOperation:
        return value


async def set_default(settings: Mqtt, field: str, value: str, manner: Manner) -> None:
    """Sets a default; an empty value goes back to the settings file's. Raises CommandFailedError."""
    async with reach(settings, manner.timeout) as bridge:
        await bridge.require_daemon()
        answer = await bridge.tell(f"defaults/{field}/set", value)
        if manner.json:
            write_json(answer.text)
        refuse_unless_ok(answer.body)
        if manner.json or manner.quiet:
            return
        known: dict[str, str | None] = dict.fromkeys((field, f"{field}_name", "currency"))
        with suppress(CommandFailedError):  # it is set, whether or not more can be told
            known = await _defaults(bridge)
    if known[field] is None and isinstance(data := answer.body.get("data"), dict) and data.get(field) is not None:
        known[field] = readable_id(data[field])  # where the broker does not let this user read what is kept
    show(console(), "defaults", {_LABELS[field]: _default_said(known, field)})
