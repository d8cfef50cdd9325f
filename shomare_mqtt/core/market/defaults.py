"""What a command that leaves fields out takes, the quote of it, and the safety switch (contract, Commands)."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from shomare_mqtt.core import render
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.records import stored
from shomare_mqtt.core.waiting import pause
from shomare_mqtt.errors import CommandRefusedError, ErrorCode, ProviderError
from shomare_mqtt.model import CatalogKind, Priority, Product

if TYPE_CHECKING:
    from collections.abc import Callable

    from shomare_mqtt.config.held import Settings
    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.market.catalogs import Catalogs
    from shomare_mqtt.core.market.moves import Moves
    from shomare_mqtt.core.market.prices import Prices
    from shomare_mqtt.core.ports import Journal, Retained, Say

KINDS = {kind.field: kind for kind in CatalogKind}
MAX_PRICE = "max_price"
_FIRST_RETRY, _LAST_RETRY = 5.0, 300.0
_KEY = "default."
_SWITCH = "buying"


class Defaults:
    """The four defaults and the switch; what was set over MQTT outlives restarts and outranks the file."""

    def __init__(
        self,
        settings: InForce,
        clock: Clock,
        journal: Journal,
        retained: Retained,
        catalogs: Catalogs,
        prices: Prices,
        say: Say,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._journal = journal
        self._retained = retained
        self._catalogs = catalogs
        self._prices = prices
        self._say = say
        self._set: dict[str, str] = {}
        self._from_file: dict[str, str] = {}
        self._changed = asyncio.Event()
        catalogs.listeners.append(lambda _: self._changed.set())
        catalogs.on_moved.append(self._moved)
        self._emptied: list[str] = []
        self._said: set[str] = set()
        self._unfound: dict[str, str] = {}
        """Why a name of the file is of no use, by its field."""
        self._quoted: Product | None = None
        self.on_changed: Callable[[], object] = lambda: None
        self.buying = True
        settings.listeners.append(self._settings_changed)

    async def load(self) -> None:
        """Take up what the journal holds; to be called once, before anything else."""
        meta = await self._journal.meta()
        found = {field: stored(meta.get(_KEY + field), str, "") for field in (*KINDS, MAX_PRICE)}
        self._set = {field: text for field, text in found.items() if text and (field != MAX_PRICE or _is_price(text))}
        self.buying = meta.get(_SWITCH, "on") == "on"
        self._retained.put("buying", b"on" if self.buying else b"off")
        for kind in CatalogKind:
            self._take_id(kind)
        self.show()

    def _take_id(self, kind: CatalogKind) -> None:
        """An id in the file is good before the list is there; a name waits for it."""
        text = self._text(kind.field)
        if text and (text == "any" or text.isdigit() or self._catalogs.name(kind, text)):
            self._from_file[kind.field] = text

    def _text(self, field: str) -> str | None:
        """What the file says, id or name."""
        text: str | None = getattr(self._settings.now.defaults, field)
        return text

    def _settings_changed(self, before: Settings) -> None:
        """What the file says by now holds at once, where it is an id; what is wrong with it is said again."""
        for kind in CatalogKind:
            if self._text(kind.field) != getattr(before.defaults, kind.field):
                self._from_file.pop(kind.field, None)
                self._unfound.pop(kind.field, None)
                self._take_id(kind)
        self._said.clear()
        self.show()
        self._changed.set()
        self.on_changed()

    # --- reading ----------------------------------------------------------------------------------------------------

    def get(self, field: str) -> str | None:
        """The id of a default, None where none is set."""
        return self._set.get(field) or self._from_file.get(field)

    def needed(self, kind: CatalogKind) -> str:
        """The id that a command without the field takes. Raises CommandRefusedError, saying why there is none."""
        if (value := self.get(kind.field)) is not None:
            return value
        why = "there is no default"
        if text := self._text(kind.field):
            why = f'defaults.{kind.field} = "{text}" in the settings is of no use: '
            not_yet = f"the provider's list of {kind.value} could not be read yet"
            why += self._unfound.get(kind.field, not_yet)
        raise CommandRefusedError(ErrorCode.INVALID_COMMAND, f"{kind.field}: is missing, and {why}")

    @property
    def max_price(self) -> Decimal | None:
        """The default limit, None where none is set."""
        if MAX_PRICE in self._set:
            return Decimal(self._set[MAX_PRICE])
        price = self._settings.now.defaults.max_price
        return price or None

    @property
    def product(self) -> Product | None:
        """What the defaults name, where they name a product."""
        country, operator, application = map(self.get, KINDS)
        if country is None or operator is None or application is None:
            return None
        return Product(country, operator, application)

    def _moved(self, kind: CatalogKind, moves: Moves) -> dict[str, str | None]:
        """Take the ids that now mean what was set; a default whose entry is not there any more is empty."""
        field = kind.field
        of_file = self._from_file.pop(field, None)
        if of_file is not None and (meant := moves.get(of_file, of_file)) is not None:
            self._from_file[field] = meant  # until it is found again by the file's own words: no `buy` is to lack it
        if (value := self._set.get(field)) is None or value not in moves:
            return {}
        new = moves[value]
        if new is None:
            del self._set[field]
            self._emptied.append(f"defaults/{field} is empty now: the list's ids changed, and {value} is none any more")
        else:
            self._set[field] = new
        return {_KEY + field: None if new is None else json.dumps(new)}

    # --- setting ----------------------------------------------------------------------------------------------------

    async def set(self, field: str, text: str) -> str | Decimal | None:
        """Set one default; the id, or the price, that now holds. Raises CommandRefusedError, ProviderError."""
        if field == MAX_PRICE:
            await self._store(field, None if not text or Decimal(text) == 0 else text)
            return self.max_price
        kind = KINDS[field]
        value = await self._catalogs.resolve(kind, text) if text else None
        edition = self._catalogs.edition
        await self._store(field, value)
        if value is not None and (now := self._catalogs.as_of_now(kind, value, edition)) != value:
            await self._store(field, now)  # the list's ids changed while it was written down
        return self.get(field)

    async def _store(self, field: str, value: str | None) -> None:
        await self._journal.put_meta({_KEY + field: None if value is None else json.dumps(value)})
        if value is None:
            self._set.pop(field, None)
        else:
            self._set[field] = value
        self.show()
        self._changed.set()
        self.on_changed()

    async def set_buying(self, *, on: bool) -> None:
        """Turn the switch."""
        await self._journal.put_meta({_SWITCH: "on" if on else "off"})
        self.buying = on
        self._retained.put("buying", b"on" if on else b"off")

    def show(self) -> None:
        """Publish the defaults and their labels; the quote of another product goes, its own may be long in coming."""
        for field, kind in KINDS.items():
            value = self.get(field)
            self._put(f"defaults/{field}", value or "")
            self._put(f"defaults/{field}/name", self._catalogs.label(kind, value) if value else "")
        price = self.max_price
        self._put("defaults/max_price", "" if price is None else render.money_text(price))
        if self._quoted is not None and self._quoted != self.product:
            self._quoted = None
            self._put("quote", "")

    def _put(self, topic: str, text: str) -> None:
        self._retained.put(topic, text.encode())

    # --- the file's names, and the quote ----------------------------------------------------------------------------

    async def run(self, interval: Callable[[], float]) -> None:
        """Find the file's names as the lists come, and keep the quote, for ever."""
        retry = _FIRST_RETRY
        while True:
            self._changed.clear()
            while self._emptied:
                await self._say(BridgeEvent.NAME_UNKNOWN, self._emptied.pop(0))
            complete = await self._find_names()
            self.show()
            if self._changed.is_set():
                continue  # the lists came meanwhile: a price is asked for once all names are found
            complete = await self._quote() and complete
            delay, retry = (interval(), _FIRST_RETRY) if complete else (retry, min(retry * 2, _LAST_RETRY))
            await pause(self._clock, delay, self._changed)

    async def _find_names(self) -> bool:
        """Look the file's names up; whether nothing is left to find."""
        complete = True
        for field, kind in KINDS.items():
            if text := self._text(field):
                complete = await self._find_name(kind, text) and complete
        return complete

    async def _find_name(self, kind: CatalogKind, text: str) -> bool:
        """Look one up; whether it is known by now what it means."""
        field = kind.field
        try:
            found = await self._catalogs.resolve(kind, text, priority=Priority.POLL)
        except ProviderError:
            return False
        except CommandRefusedError as error:
            if text == self._text(field):
                self._from_file.pop(field, None)
                self._unfound[field] = error.message.removeprefix(f"{field}: ")
                await self._say_once(f"defaults.{field} is left out: {error.message}")
            return True
        if text == self._text(field):  # else the file says something else meanwhile, and it is looked up next
            self._from_file[field] = found
            self._unfound.pop(field, None)
        return True

    async def _say_once(self, message: str) -> None:
        if message not in self._said:
            self._said.add(message)
            await self._say(BridgeEvent.NAME_UNKNOWN, message)

    async def _quote(self) -> bool:
        """Ask for the price of what the defaults name; whether that was not in vain."""
        product = self.product
        if product is None or product != self._quoted:
            self._put("quote", "")  # also what an earlier process left there
            self._quoted = None
        if product is None:
            return True
        try:
            price = await self._prices.read_price(product, Priority.POLL)
        except ProviderError as error:
            if error.code in (ErrorCode.NOT_FOUND, ErrorCode.NO_NUMBERS):
                self._put("quote", "")
                return True
            return False
        self.renew_quote(product, self._prices.price_payload(product, price))
        return True

    def renew_quote(self, product: Product, payload: dict[str, object]) -> None:
        """Publish the price of a product, where it is the one that the defaults name."""
        if product == self.product:
            self._quoted = product
            self._retained.put("quote", render.dumps(payload))


def _is_price(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False
