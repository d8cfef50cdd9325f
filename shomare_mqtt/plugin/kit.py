"""What plugins that notify somebody have in common: which events, text templates, secrets from files.

The plugins we ship use it, and others may.
"""

from __future__ import annotations

import string
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, model_validator

from shomare_mqtt.config.kinds import WebAddress
from shomare_mqtt.core.render import money_said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shomare_mqtt.model import Order, Profile, Sms

Event = Literal[
    "code", "sms", "buying", "waiting", "received", "finished", "cancelled", "expired", "failed", "unknown", "balance"
]
"""`code`: an SMS with a code; `sms`: any SMS; `balance`: it changed; the others are states that an order came to."""

__all__ = [
    "FIELDS", "Event", "SecretOrFile", "Template", "WebAddress", "Wording", "balance_fields", "check_all", "fill",
    "fill_all", "money_said", "order_fields", "read_secret",
]  # fmt: skip

FIELDS = (
    "code", "text", "sender", "sms", "order", "purchase", "state", "previous", "phone", "price", "country",
    "country_name", "operator", "operator_name", "application", "application_name", "expires_at", "balance", "currency",
)  # fmt: skip
"""What stands in braces in a template; empty where an event has no such thing."""


def _template(value: str) -> str:
    """Refuses what `fill` cannot fill, when the settings are read and not when the code is there."""
    try:
        parts = list(string.Formatter().parse(value))
    except ValueError as error:
        raise ValueError(f"is no template: {error}") from None
    for _, name, form, conversion in parts:
        if name is not None and (name not in FIELDS or form or conversion):
            raise ValueError(f"there is no field {{{name}}}; there are {', '.join(FIELDS)}")
    return value


Template = Annotated[str, AfterValidator(_template)]
"""A setting with `{code}`, `{application_name}` and so on in it; `{{` is a brace."""


class Wording(BaseModel):
    """Settings of a plugin that notifies: which events, and the words for each kind."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    events: tuple[Event, ...] = ("code",)
    title: Template = "{application_name} {phone}"
    code_message: Template = "{code}"
    sms_message: Template = "{text}"
    order_message: Template = "{application_name} ({country_name}) {phone}: {state}"
    balance_message: Template = "Balance: {balance} {currency}"
    balance_title: Template = "Shomare"

    def wants_sms(self, sms: Sms) -> bool:
        """Whether an SMS is notified as such: one with a code is, only where `code` is not chosen as well."""
        return "sms" in self.events and not (sms.code and "code" in self.events)


class SecretOrFile(BaseModel):
    """Settings `token` or `token_file` (its first line), read when the settings are."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: SecretStr = SecretStr("")
    token_file: Path | None = None

    @model_validator(mode="after")
    def _read(self) -> Self:
        if self.token_file is not None:
            object.__setattr__(self, "token", read_secret(self.token_file))
        if not self.token.get_secret_value():
            raise ValueError("token or token_file is missing")
        return self


def read_secret(path: Path) -> SecretStr:
    """A secret from a file. Raises ValueError where it cannot be read or is empty."""
    try:
        lines = path.expanduser().read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read ({type(error).__name__})") from None
    if not lines:
        raise ValueError(f"{path} is empty")
    return SecretStr(lines[0])


def fill(template: str, fields: Mapping[str, str]) -> str:
    """A template with its fields filled in."""
    return template.format_map(dict.fromkeys(FIELDS, "") | dict(fields))


def fill_all(value: Any, fields: Mapping[str, str]) -> Any:
    """Every text at any depth filled in; texts that are no template are left as they are."""
    match value:
        case dict():
            return {key: fill_all(inner, fields) for key, inner in value.items()}
        case list():
            return [fill_all(inner, fields) for inner in value]
        case str():
            return fill(value, fields)
    return value


def check_all(value: Any) -> Any:
    """Refuses, with ValueError, whatever `fill_all` could not fill."""
    match value:
        case dict() | list():
            for inner in value.values() if isinstance(value, dict) else value:
                check_all(inner)
        case str():
            _template(value)
    return value


def order_fields(order: Order, sms: Sms | None = None, previous: Order | None = None) -> dict[str, str]:
    """The fields of an order and its SMS; a name that is not known is the id."""
    product = order.product
    fields = {
        "order": order.order,
        "purchase": order.purchase,
        "state": order.state.value,
        "previous": previous.state.value if previous else None,
        "phone": order.phone,
        "price": None if order.price is None else f"{order.price:f}",
        "country": product.country,
        "country_name": product.country_name or product.country,
        "operator": product.operator,
        "operator_name": product.operator_name or product.operator,
        "application": product.application,
        "application_name": product.application_name or product.application,
        "expires_at": order.expires_at.isoformat(timespec="seconds") if order.expires_at else None,
    }
    if sms is not None:
        fields |= {"code": sms.code, "text": sms.text, "sender": sms.sender, "sms": sms.sms}
    return {name: value or "" for name, value in fields.items()}


def balance_fields(profile: Profile) -> dict[str, str]:
    """The fields of an account."""
    balance = "" if profile.balance is None else f"{profile.balance:f}"
    return {"balance": balance, "currency": profile.currency or ""}
