"""Notifies through Apprise: Telegram, ntfy, Pushover, Matrix, mail and a hundred more (https://appriseit.com).

    pip install 'shomare-mqtt[apprise]'

    [plugins]
    enabled = ["apprise_notify"]

    [plugins.apprise_notify]
    urls = ["ntfy://my-topic", "tgram://bottoken/ChatID"]
    events = ["code"]

`urls_file` names a file with one address a line instead, which keeps their secrets out of the settings. An address that
fails is tried again for two hours, the others are not.
"""

# ruff: noqa: TC001, TC003 - a plugin is a small file: blocks for type checkers alone would be half of it
from __future__ import annotations

import logging
from pathlib import Path
from typing import Self

from pydantic import SecretStr, model_validator

from shomare_mqtt.errors import SettingsError
from shomare_mqtt.model import Order, Profile, Sms
from shomare_mqtt.plugin import Api, Retry, hookimpl
from shomare_mqtt.plugin.kit import Wording, balance_fields, fill, order_fields

try:
    import apprise
except ImportError:
    raise SettingsError(
        "plugins.enabled: apprise_notify needs apprise, which is not installed: pip install 'shomare-mqtt[apprise]'"
    ) from None

_REMEMBERED = 1000


class Settings(Wording):
    """`[plugins.apprise_notify]`."""

    urls: tuple[SecretStr, ...] = ()
    urls_file: Path | None = None

    @model_validator(mode="after")
    def _addresses(self) -> Self:
        if self.urls_file is not None:
            object.__setattr__(self, "urls", (*self.urls, *_read(self.urls_file)))
        if not self.urls:
            raise ValueError("urls or urls_file is missing")
        for number, url in enumerate(self.urls, 1):
            if apprise.Apprise.instantiate(url.get_secret_value(), suppress_exceptions=True) is None:
                raise ValueError(f"address {number} is none that apprise knows")
        return self


def _read(path: Path) -> tuple[SecretStr, ...]:
    try:
        lines = path.expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read ({type(error).__name__})") from None
    return tuple(SecretStr(line.strip()) for line in lines if line.strip() and not line.startswith("#"))


class Plugin:
    """Apprise's notifier; its hooks are synchronous as apprise is, and run in the plugin's own thread."""

    def __init__(self) -> None:
        self._settings: Settings
        self._services: list[apprise.Apprise] = []
        self._reached: dict[str, set[int]] = {}

    @hookimpl
    def shomare_startup(self, api: Api) -> None:
        """Makes the services of the addresses."""
        # Its log repeats addresses and, at debug, what is sent.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        self._settings = api.settings
        for url in self._settings.urls:
            service = apprise.Apprise()
            service.add(url.get_secret_value())
            self._services.append(service)

    @hookimpl
    def shomare_code_received(self, order: Order, sms: Sms) -> None:
        """A code."""
        if "code" in self._settings.events:
            self._notify(self._settings.title, self._settings.code_message, order_fields(order, sms))

    @hookimpl
    def shomare_sms_received(self, order: Order, sms: Sms) -> None:
        """An SMS, where it is not notified as a code."""
        if self._settings.wants_sms(sms):
            self._notify(self._settings.title, self._settings.sms_message, order_fields(order, sms))

    @hookimpl
    def shomare_order_changed(self, order: Order, previous: Order | None) -> None:
        """A state that the owner chose."""
        if order.state.value in self._settings.events:
            fields = order_fields(order, previous=previous)
            self._notify(self._settings.title, self._settings.order_message, fields)

    @hookimpl
    def shomare_balance_changed(self, profile: Profile) -> None:
        """Another balance."""
        if "balance" in self._settings.events:
            fields = balance_fields(profile)
            self._notify(self._settings.balance_title, self._settings.balance_message, fields)

    def _notify(self, title: str, message: str, fields: dict[str, str]) -> None:
        """Raises Retry where an address fails; those that were reached before are then left out."""
        key = "/".join(fields.get(name, "") for name in ("order", "sms", "state", "balance"))
        reached = self._reached.pop(key, set())
        for number, service in enumerate(self._services):
            if number not in reached and service.notify(body=fill(message, fields), title=fill(title, fields)):
                reached.add(number)
        missing = [str(n + 1) for n in range(len(self._services)) if n not in reached]
        if missing:
            self._reached[key] = reached
            while len(self._reached) > _REMEMBERED:
                del self._reached[next(iter(self._reached))]
            raise Retry(f"cannot notify by address {', '.join(missing)}; tries again")
