"""Notifies through Home Assistant's REST API, by any notify service or entity, or as a persistent notification.

    [plugins]
    enabled = ["homeassistant_notify"]

    [plugins.homeassistant_notify]
    url = "http://homeassistant.local:8123"
    token_file = "/etc/shomare-mqtt/homeassistant-token"   # a long-lived access token, from your profile's page
    service = "notify.mobile_app_my_phone"                 # or: entity = "notify.living_room"
    events = ["code", "failed", "unknown"]

A notification that cannot be delivered is tried again for two hours, after a restart too.
"""

# ruff: noqa: TC001 - a plugin is a small file: blocks for type checkers alone would be half of it
from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Self

import aiohttp
from pydantic import Field, field_validator, model_validator

from shomare_mqtt.model import Order, Profile, Sms
from shomare_mqtt.plugin import Api, PluginError, Retry, hookimpl
from shomare_mqtt.plugin.kit import (
    SecretOrFile,
    WebAddress,
    Wording,
    balance_fields,
    check_all,
    fill,
    fill_all,
    order_fields,
)

_PERSISTENT = "persistent_notification.create"
_DATA = {"code": "{code}", "tag": "shomare-{order}-{sms}"}
"""By its tag a repeated notification takes the first one's place on a phone."""
_TIMEOUT = aiohttp.ClientTimeout(total=15)
_MAY_PASS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_TIMEOUT, 429})
"""What Home Assistant answers while it starts and does not know the service yet, or has too much to do."""


class Settings(Wording, SecretOrFile):
    """`[plugins.homeassistant_notify]`. Texts in `data` are templates too; it goes to notify services alone."""

    url: WebAddress = "http://127.0.0.1:8123"
    verify_tls: bool = True
    service: Annotated[str, Field(pattern=r"^(persistent_notification|[a-z0-9_]+\.[a-z0-9_]+)$")] = _PERSISTENT
    entity: Annotated[str, Field(pattern=r"^notify\.[a-z0-9_]+$")] | None = None
    data: dict[str, Any] = Field(default_factory=lambda: dict(_DATA))

    @field_validator("data")
    @classmethod
    def _data(cls, value: dict[str, Any]) -> dict[str, Any]:
        check_all(value)
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.entity and "service" in self.model_fields_set and self.service != "notify.send_message":
            raise ValueError("entity and service cannot both be set (an entity is reached by notify.send_message)")
        return self

    def request(self, title: str, message: str, fields: dict[str, str]) -> tuple[str, dict[str, Any]]:
        """The service's path in the API, and what is sent there."""
        body: dict[str, Any] = {"title": title, "message": message}
        if self.entity:
            return "notify/send_message", body | {"entity_id": self.entity}
        if self.service in ("persistent_notification", _PERSISTENT):
            # With an id of its own a repeated notification takes the first one's place.
            about = fields.get("sms") or fields.get("order") or "balance"
            return "persistent_notification/create", body | {"notification_id": f"shomare_{about}"}
        data = {key: value for key, value in fill_all(self.data, fields).items() if value != ""}
        return self.service.replace(".", "/"), body | {"data": data}


class Plugin:
    """Home Assistant's notifier."""

    def __init__(self) -> None:
        self._api: Api
        self._settings: Settings

    @hookimpl
    def shomare_startup(self, api: Api) -> None:
        """Keeps what the other hooks need."""
        self._api, self._settings = api, api.settings

    @hookimpl
    async def shomare_code_received(self, order: Order, sms: Sms) -> None:
        """A code."""
        if "code" in self._settings.events:
            await self._notify(self._settings.title, self._settings.code_message, order_fields(order, sms))

    @hookimpl
    async def shomare_sms_received(self, order: Order, sms: Sms) -> None:
        """An SMS, where it is not notified as a code."""
        if self._settings.wants_sms(sms):
            await self._notify(self._settings.title, self._settings.sms_message, order_fields(order, sms))

    @hookimpl
    async def shomare_order_changed(self, order: Order, previous: Order | None) -> None:
        """A state that the owner chose."""
        if order.state.value in self._settings.events:
            fields = order_fields(order, previous=previous)
            await self._notify(self._settings.title, self._settings.order_message, fields)

    @hookimpl
    async def shomare_balance_changed(self, profile: Profile) -> None:
        """Another balance."""
        if "balance" in self._settings.events:
            fields = balance_fields(profile)
            await self._notify(self._settings.balance_title, self._settings.balance_message, fields)

    async def _notify(self, title: str, message: str, fields: dict[str, str]) -> None:
        service, body = self._settings.request(fill(title, fields), fill(message, fields), fields)
        try:
            async with self._api.http.post(
                f"{self._settings.url.rstrip('/')}/api/services/{service}",
                json=body,
                headers={"Authorization": f"Bearer {self._settings.token.get_secret_value()}"},
                timeout=_TIMEOUT,
                allow_redirects=False,
                ssl=self._settings.verify_tls,
            ) as answer:
                status = answer.status
        except aiohttp.ClientSSLError as error:
            raise Retry(f"cannot trust Home Assistant's certificate ({type(error).__name__})") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Retry(f"cannot reach Home Assistant ({type(error).__name__}); tries again") from None
        _judge(status, service)


def _judge(status: int, service: str) -> None:
    if status in (HTTPStatus.OK, HTTPStatus.CREATED):
        return
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise PluginError(f"is refused by Home Assistant ({status}): make a new long-lived access token")
    if status in _MAY_PASS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Retry(f"got {status} from Home Assistant (is there a service {service}?); tries again")
    raise PluginError(f"got {status} from Home Assistant: is the url right?")
