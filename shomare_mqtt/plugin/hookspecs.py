"""Every hook, as pluggy knows it. The host calls them one plugin at a time; docs/plugins.md tells when and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from shomare_mqtt.model import Order, PriceList, Profile, Sms
    from shomare_mqtt.plugin.api import Api, BuyRequest, Veto

PROJECT = "shomare_mqtt"
PREFIX = "shomare_"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function or a method as a hook."""

DECIDING = frozenset({"shomare_authorize_buy", "shomare_extract_code", "shomare_discovery"})
"""Synchronous, awaited by the daemon, in a thread of their plugin."""

NOTED_FIRST = frozenset({"shomare_sms_received", "shomare_code_received"})
"""Calls that are written down before they are made: an SMS is rare and worth a write to the SD card."""

REPEATABLE = NOTED_FIRST | {"shomare_order_changed"}
"""Calls that outlive a restart: their order is read again from the journal."""


@hookspec
def shomare_startup(api: Api) -> object:
    """Once, before anything else; a plugin that fails here is left out."""


@hookspec
def shomare_shutdown() -> object:
    """Once, when the daemon stops."""


@hookspec
def shomare_authorize_buy(request: BuyRequest, spend: Decimal) -> bool | str | Veto | None:
    """Before each purchase. None or True allows; False, a text or a Veto denies. `spend` counts since midnight."""


@hookspec
def shomare_extract_code(text: str) -> str | None:
    """The code in an SMS that came without one; None leaves it to the next plugin and to the daemon."""


@hookspec
def shomare_discovery(order: Order | None) -> Mapping[str, Mapping[str, Any]] | None:
    """More Home Assistant components of the device, by component key; `order` is the newest one."""


@hookspec
def shomare_order_changed(order: Order, previous: Order | None) -> object:
    """After each change of an order's state; `previous` is None for a new order and after a restart."""


@hookspec
def shomare_sms_received(order: Order, sms: Sms) -> object:
    """After each SMS, with or without a code."""


@hookspec
def shomare_code_received(order: Order, sms: Sms, code: str) -> object:
    """After each SMS that holds a code."""


@hookspec
def shomare_balance_changed(profile: Profile, previous: Profile | None) -> object:
    """After another balance was read."""


@hookspec
def shomare_prices_changed(prices: PriceList, previous: PriceList | None) -> object:
    """After a price list with other prices or another stock was read; `previous` is None the first time."""


HOOKS = frozenset(name for name in dir() if name.startswith(PREFIX))
