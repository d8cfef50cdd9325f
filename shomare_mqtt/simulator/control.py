"""The control endpoints under `/_sim/`: for tests in other processes. No token; from this machine only."""

from __future__ import annotations

import ipaddress
import json
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

from shomare_mqtt.simulator import answering, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shomare_mqtt.simulator.handles import Handles

    Action = Callable[[Handles, dict[str, Any]], Any]


def add_routes(app: web.Application, sim: Handles) -> None:
    """Everything under `/_sim/`: `GET state`, and a POST with a JSON object for each action."""

    async def handle(request: web.Request) -> web.Response:
        return await _handle(request, sim)

    app.router.add_route("*", "/_sim/{action}", handle)


async def _handle(request: web.Request, sim: Handles) -> web.Response:
    if not _is_local(request.remote):
        return answering.not_found()
    name = request.match_info["action"]
    if name == "state" and request.method == "GET":
        return _json(sim.state())
    action = _ACTIONS.get(name)
    if action is None or request.method != "POST":
        return _json({"ok": False, "error": f"GET state, or POST one of {', '.join(_ACTIONS)}"}, HTTPStatus.NOT_FOUND)
    try:
        result = action(sim, _arguments(await request.read()))
    except (ValueError, TypeError, ArithmeticError) as error:
        return _json({"ok": False, "error": str(error)}, HTTPStatus.BAD_REQUEST)
    except KeyError as error:
        return _json({"ok": False, "error": f"missing or unknown: {error}"}, HTTPStatus.BAD_REQUEST)
    await sim.save()
    return _json({"ok": True, "result": result})


def _is_local(remote: str | None) -> bool:
    try:
        address = ipaddress.ip_address(remote or "")
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _arguments(body: bytes) -> dict[str, Any]:
    content = json.loads(body) if body.strip() else {}
    if not isinstance(content, dict):
        raise TypeError("the body must be a JSON object")
    return content


def _json(content: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.Response(status=status, text=exact.dumps(content), content_type="application/json")


def _sms(sim: Handles, args: dict[str, Any]) -> dict[str, Any]:
    sim.deliver_sms(**args)
    return sim.describe_purchase(args["purchase"])


def _balance(sim: Handles, args: dict[str, Any]) -> Any:
    """`{"balance": 500}`, or `{"add": -300}` for money that moves for another reason."""
    sim.set_balance(sim.balance + Decimal(str(args["add"])) if "add" in args else args["balance"])
    return sim.balance


def _end(sim: Handles, args: dict[str, Any]) -> dict[str, Any]:
    sim.end(**args)
    return sim.describe_purchase(args["purchase"])


def _buy(sim: Handles, args: dict[str, Any]) -> dict[str, Any]:
    return sim.describe_purchase(sim.buy(**args).purchase)


def _cancel(sim: Handles, args: dict[str, Any]) -> dict[str, Any]:
    sim.cancel(**args)
    return sim.describe_purchase(args["purchase"])


def _option(sim: Handles, args: dict[str, Any]) -> dict[str, Any]:
    changed = sim.option(**args)
    return {name: getattr(changed, name) for name in args}


_ACTIONS: Mapping[str, Action] = {
    "fault": lambda sim, args: sim.fault(**args),
    "faults": lambda sim, args: sim.fault_mix(**args),
    "clear": lambda sim, args: sim.clear_faults(**args),
    "sms": _sms,
    "balance": _balance,
    "block": lambda sim, args: sim.block(**args),
    "end": _end,
    "buy": _buy,
    "cancel": _cancel,
    "stock": lambda sim, args: sim.set_stock(**args),
    "option": _option,
    "reset": lambda sim, args: sim.reset(**args),
}
