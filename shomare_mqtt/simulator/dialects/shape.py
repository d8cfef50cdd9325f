"""What a dialect is made of, and the blocks that several are built from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from decimal import Decimal

    from shomare_mqtt.model import CatalogKind, Endpoint
    from shomare_mqtt.simulator.catalog import Entry, Offer
    from shomare_mqtt.simulator.ledger import State

Body = dict[str, Any]
"""A JSON object; Decimal in it becomes a JSON number with all its digits."""

TEHRAN = ZoneInfo("Asia/Tehran")


class Carrier(StrEnum):
    """How parameters travel."""

    PATH = "path"
    QUERY = "query"
    FORM = "form"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Names:
    """The parameters' names (the path needs none)."""

    country: str = "country"
    operator: str = "operator"
    application: str = "application"
    purchase: str = "id"


@dataclass(frozen=True, slots=True)
class Listing:
    """One of the three lists, as asked for. `countries`: the ids of all countries, for lists grouped by them."""

    kind: CatalogKind
    entries: tuple[Entry, ...]
    countries: tuple[str, ...]

    @property
    def field(self) -> str:
        """`country`, `operator` or `application`."""
        return self.kind.field


@dataclass(frozen=True, slots=True)
class SmsView:
    """An SMS as the provider shows it."""

    id: str
    code: str | None
    text: str
    sender: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PurchaseView:
    """A purchase as it stands at the moment of the answer. `phone` has no `+` and begins with `dialling`.

    `left` and `age` are whole seconds. `sms` are all that came, whatever an answer shows of them.
    """

    purchase: str
    country: str
    operator: str
    application: str
    phone: str
    dialling: str
    price: Decimal
    state: State
    created_at: datetime
    expires_at: datetime
    left: int
    age: int
    sms: tuple[SmsView, ...]
    balance: Decimal

    @property
    def local(self) -> str:
        """The phone without its dialling code."""
        return self.phone.removeprefix(self.dialling)

    @property
    def newest(self) -> SmsView | None:
        """The SMS that came last."""
        return self.sms[-1] if self.sms else None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A documented failure: `code` as the documented table has it, -1 for a blocked account."""

    code: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one provider speaks: how parameters travel, and a renderer for each answer.

    `optional_segments`: a path with parameters left out is a known address (404 with JSON), not an unknown one.
    `newest_only`: `check` shows one SMS. `statuses`: the HTTP statuses that are not 200, by endpoint and by the state
    of the purchase that the answer speaks of. `wanted`: from a kind (`country`, `operator`, `application`, `purchase`)
    and the simulator's own id to the id that the endpoints take (None: none); left out, they take its own.
    `any_place`: prices are answered for whatever ids are sent, and are the same everywhere.
    `prefix` stands before the JSON, `content_type` labels it, `compressed` uses gzip where the client takes it.
    """

    name: str
    about: str
    parameters: Carrier
    buy: Carrier
    profile: Callable[[Decimal], Body]
    listing: Callable[[Listing], Body]
    prices: Callable[[tuple[Offer, ...]], Body]
    price: Callable[[Offer], Body]
    bought: Callable[[PurchaseView], Body]
    checked: Callable[[PurchaseView], Body]
    cancelled: Callable[[PurchaseView], Body]
    refused: Callable[[Refusal], Body]
    names: Names = Names()
    optional_segments: bool = False
    newest_only: bool = False
    statuses: Mapping[tuple[Endpoint, State | None], int] = field(default_factory=dict)
    wanted: Callable[[str, str], str | None] | None = None
    any_place: bool = False
    prefix: bytes = b""
    content_type: str = "application/json"
    compressed: bool = False

    def status(self, endpoint: Endpoint, state: State | None = None) -> int:
        """The HTTP status of a call that went well."""
        return self.statuses.get((endpoint, state), 200)

    def id_of(self, kind: str, own: str) -> str | None:
        """The id that the endpoints take for what has this id here; None where they take none for it."""
        return self.wanted(kind, own) if self.wanted else own


def refused(refusal: Refusal) -> Body:
    """A failure as the page documents it."""
    return {"status": False, "code": refusal.code, "message": refusal.message}


def as_id(text: str) -> int | str:
    """An id as a number where it is one."""
    return int(text) if text.isdecimal() else text


def iso(at: datetime) -> str:
    """`2026-11-24T03:25:33Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def tehran(at: datetime) -> str:
    """`2026-11-24 06:55:33`: naive, Tehran's."""
    return at.astimezone(TEHRAN).strftime("%Y-%m-%d %H:%M:%S")


def milliseconds(at: datetime) -> int:
    """Since 1970."""
    return int(at.timestamp() * 1000)


def clock_face(seconds: int) -> str:
    """`00:19:58`."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def persian_digits(value: object) -> str:
    """The text with its ASCII digits as Persian ones."""
    return str(value).translate({ord("0") + n: chr(0x06F0 + n) for n in range(10)})


def word(words: Mapping[State, Any], view: PurchaseView) -> Any:
    """The dialect's word for the purchase's state."""
    return words[view.state]
