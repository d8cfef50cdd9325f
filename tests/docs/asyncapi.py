"""`docs/asyncapi.yaml`: the topics and their messages as an AsyncAPI 3.0 document."""

from __future__ import annotations

import re
from typing import Any

import yaml

from shomare_mqtt import __version__
from tests.docs.channels import CONTRACT, PARAMETERS, Channel, Command, Payload
from tests.docs.shapes import SCHEMAS, Schema

HEAD = "# Made from the code with `make docs`; a test compares. The text that goes with it: contract.md.\n"
BASE = "shomare"
_DESCRIPTION = """\
The daemon's side of it: it receives commands and sends all else. Topics stand under `mqtt.base_topic`, here `shomare`
as it is by default. What this document cannot say (when an order changes, what a repeated transaction gets, what counts
nowhere) stands in contract.md. Readers must expect new fields in messages of the daemon; in a command an unknown field
is an error. What is published for Home Assistant, on `<discovery_prefix>/device/shomare_<instance>/config`, is its own
format and not described here.
"""
_QOS = 1


def _key(topic: str) -> str:
    """A channel's name: `orders/{order}` is `orders.order`."""
    return re.sub(r"[{}]", "", topic).replace("/", ".")


def _message(payload: Payload, *, is_command: bool) -> Schema:
    found: Schema = {"contentType": payload.content, "payload": payload.payload}
    if payload.examples:
        found["examples"] = [{"payload": each} for each in payload.examples]
    if is_command:
        asked = {"type": "string", "description": "MQTT 5: the answer goes there too, with the Correlation Data."}
        found["bindings"] = {"mqtt": {"responseTopic": asked, "bindingVersion": "0.2.0"}}
    return found


def _channel(topic: str, summary: str, payloads: tuple[Payload, ...], *, is_command: bool = False) -> Schema:
    key = _key(topic)
    found: Schema = {"address": f"{BASE}/{topic}", "summary": summary}
    if names := re.findall(r"{(\w+)}", topic):
        found["parameters"] = {name: PARAMETERS[name] for name in names}
    found["messages"] = {
        payload.name or f"{key}.message": _message(payload, is_command=is_command) for payload in payloads
    }
    return found


def _said(channel: Channel) -> Schema:
    found = _channel(channel.topic, channel.summary, channel.payloads)
    if channel.emptied:
        found["description"] = "An empty message (retained) says that there is nothing any more."
    return found


def _operation(action: str, topic: str, *, retain: bool) -> Schema:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{_key(topic)}"},
        "bindings": {"mqtt": {"qos": _QOS, "retain": retain, "bindingVersion": "0.2.0"}},
    }


def _taken(command: Command) -> Schema:
    reply = {"channel": {"$ref": f"#/channels/{_key(command.response.topic)}"}}
    return {**_operation("receive", command.topic, retain=False), "reply": reply}


def document() -> Schema:
    """All of it."""
    sent = (*CONTRACT.answers, *CONTRACT.sent)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "shomare-mqtt",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "127.0.0.1:1883",
                "protocol": "mqtt",
                "protocolVersion": "5",
                "description": "Your broker; 3.1.1 where it does not speak 5.",
            }
        },
        "channels": {
            **{_key(c.topic): _channel(c.topic, c.summary, c.payloads, is_command=True) for c in CONTRACT.commands},
            **{_key(c.topic): _said(c) for c in sent},
        },
        "operations": {
            **{f"take_{_key(c.topic).replace('.', '_')}": _taken(c) for c in CONTRACT.commands},
            **{f"send_{_key(c.topic).replace('.', '_')}": _operation("send", c.topic, retain=c.retained) for c in sent},
        },
        "components": {"schemas": SCHEMAS},
    }


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Writes everything where it stands, and long texts over several lines."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: Any, value: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def page() -> str:
    """The file."""
    manner: dict[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": 120, "default_flow_style": None}
    body: str = yaml.dump(document(), Dumper=_Dumper, **manner)
    return HEAD + body
