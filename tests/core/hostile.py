"""A provider of bad will: its ledger is true, its answers are bytes changed at random, and they are really read."""

from __future__ import annotations

import copy
import json
import random
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from shomare_mqtt.model import Cancellation, CatalogKind, Known, PurchaseState
from shomare_mqtt.normalization import ascii_digits
from shomare_mqtt.provider import reading
from tests.core.provider import FakeProvider

if TYPE_CHECKING:
    from collections.abc import Callable

    from shomare_mqtt.core.ports import Permit
    from shomare_mqtt.model import Catalog, CheckReading, Price, PriceList, Priority, Product, Profile, Purchase

LONG = "x" * 70_000
NOTHING = Known()
ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 3, 6, 200, 404, 500, 99999, 10**18, 10**40, -(10**18), 0.1, "", " ", "\0", "0",
    "null", "false", "ok", "error", "waiting", "RECEIVED", "CANCELED", "TIMEOUT", "99999", "+79310000001", "a/+#%$",
    "\ud800", "\u200f", LONG, "<b>no</b>", '{"a": 1}', "[1, 2]", "2026-01-01 00:00:00", "00:00:01", "1,234", "۱۲۳",
    [], {}, [[]], [{}], {"": ""}, [None], {"id": ""}, [1, 2, 3], {"1": "MTS", "": ""},
)  # fmt: skip
NAMES = (
    "",
    " ",
    "\0",
    "id",
    "status",
    "state",
    "code",
    "message",
    "sms",
    "data",
    "price",
    "count",
    "0",
    "1",
    LONG,
    "é",
)
STATUSES = (200, 200, 201, 202, 204, 301, 302, 400, 401, 402, 403, 404, 405, 409, 422, 429, 500, 502, 503, 504)
PAGES = (b"", b"\0", b"<html><title>10.10.34.35</title></html>", b"null", b"[]", b"{}", b'""', b"OK", b"[" * 50_000)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a value: what it lies in, and its name or number there."""
    found: list[tuple[Any, Any]] = []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        found += [(value, key), *_places(child)]
    return found


def _odd(rng: random.Random) -> Any:
    """One of its own: what is changed next may lie within it."""
    return copy.deepcopy(rng.choice(ODD))


def _replace(rng: random.Random, holder: Any, key: Any) -> None:
    holder[key] = _odd(rng)


def _remove(_: random.Random, holder: Any, key: Any) -> None:
    del holder[key]


def _rename(rng: random.Random, holder: Any, key: Any) -> None:
    if isinstance(holder, dict):
        holder[rng.choice(NAMES)] = holder.pop(key)


def _wrap(rng: random.Random, holder: Any, key: Any) -> None:
    value = holder[key]
    holder[key] = rng.choice(({"data": value}, [value], [value, value], {"1": value}, json.dumps(value)))


def _deepen(rng: random.Random, holder: Any, key: Any) -> None:
    for _ in range(rng.choice((3, 39, 45))):
        holder[key] = {"data": holder[key]}


def _crowd(rng: random.Random, holder: Any, key: Any) -> None:
    if isinstance(holder, dict):
        holder |= {f"{rng.choice(NAMES[:12])}{i}": _odd(rng) for i in range(rng.choice((3, 60)))}
    else:
        holder += [_odd(rng), holder[key]]


def _swap(rng: random.Random, holder: Any, key: Any) -> None:
    keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    other = rng.choice(keys)
    holder[key], holder[other] = holder[other], holder[key]


CHANGES: tuple[Callable[[random.Random, Any, Any], None], ...] = (
    _replace, _replace, _replace, _remove, _rename, _wrap, _deepen, _crowd, _swap,
)  # fmt: skip


def changed(rng: random.Random, http: int, value: Any) -> tuple[int, bytes]:
    """A valid answer, changed in one way or several."""
    value = json.loads(json.dumps(value, default=float))
    if rng.random() < 0.8:
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            places = _places(value)
            if places:
                rng.choice(CHANGES)(rng, *rng.choice(places))
    body = json.dumps(value, ensure_ascii=rng.random() < 0.5).encode(errors="surrogatepass")
    if rng.random() < 0.25:
        body = _bytes(rng, body)
    return (rng.choice(STATUSES) if rng.random() < 0.2 else http), body


def _bytes(rng: random.Random, body: bytes) -> bytes:
    at = rng.randrange(len(body) + 1)
    return rng.choice(
        (
            lambda: body[:at],
            lambda: body[at:],
            lambda: body[:at] + bytes(rng.randrange(256) for _ in range(3)) + body[at:],
            lambda: b"\xef\xbb\xbf" + body,
            lambda: b"\xff\xfe" + body.decode(errors="replace").encode("utf-16-le"),
            lambda: b"<br /><b>Warning</b>: x in <b>/a.php</b> on line <b>3</b><br />\n" + body,
            lambda: body + body,
            lambda: body.replace(b"true", b"NaN"),
            lambda: re.sub(rb"\d+", b"1e999999", body, count=1),
            lambda: re.sub(rb"\d+", b"9" * 5000, body, count=1),
            lambda: b"[" + body + b"]",
            lambda: rng.choice(PAGES),
        )
    )()


@dataclass(frozen=True)
class Said:
    """One answer, as it was given. `is_changed`: no valid one."""

    http: int
    body: bytes
    is_changed: bool

    @property
    def text(self) -> str:
        """Its text, with digits of any script as ASCII ones."""
        for encoding in ("utf-16", "utf-8-sig") if self.body.startswith(b"\xff\xfe") else ("utf-8-sig", "cp1256"):
            try:
                return ascii_digits(self.body.decode(encoding))
            except UnicodeError:
                continue
        return ascii_digits(self.body.decode("latin-1"))

    @property
    def shown(self) -> str:
        """The same, and JSON's escapes of digits and letters as what they stand for."""
        return ascii_digits(re.sub(r"\\u(0[0-9a-f]{3})", lambda found: chr(int(found[1], 16)), self.text))


@dataclass
class HostileProvider(FakeProvider):
    """Fulfils core.ports.Provider. While `hostile`, every second answer is changed; what is done is done."""

    seed: int
    hostile: bool = False
    count_of: Counter[str] = field(default_factory=Counter)
    said: list[Said] = field(default_factory=list)
    bought: dict[str, Said] = field(default_factory=dict)
    shown: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        FakeProvider.__init__(self)

    def _answer(self, call: str, value: Any, http: int = 200) -> reading.RawAnswer:
        self.count_of[call] += 1
        given = Said(http, json.dumps(value, default=float).encode(), is_changed=False)
        # Of its own, whatever other calls were made meanwhile: a seed finds the same again.
        rng = random.Random(f"{self.seed} {call} {self.count_of[call]}")
        if self.hostile and rng.random() < 0.5:
            given = Said(*changed(rng, http, value), is_changed=True)
        self.said.append(given)
        return reading.RawAnswer(given.http, given.body)

    def _context(self, known: Known) -> reading.Context:
        return reading.Context(datetime.now(UTC), ZoneInfo("Asia/Tehran"), known, "IRT")

    @staticmethod
    def _wrapped(data: Any) -> dict[str, Any]:
        return {"status": True, "code": 200, "message": "ok", "data": data}

    @staticmethod
    def _refused(http: int) -> dict[str, Any]:
        return {"status": False, "code": http, "message": "no"}

    async def profile(self, *, priority: Priority) -> Profile:
        data = {"name": "Ali", "balance": int(self.balance or 0), "currency": "IRT"}
        return reading.read_profile(self._answer("profile", self._wrapped(data)), self._context(NOTHING))

    async def catalog(self, kind: CatalogKind, *, priority: Priority) -> Catalog:
        rows = [{"id": int(e.id), "name": e.name, "flag": "x"} for e in self.catalogs[kind]]
        data = rows if self.count_of[kind.value] % 2 else {str(row["id"]): row["name"] for row in rows}
        return reading.read_catalog(kind, self._answer(kind.value, self._wrapped(data)), self._context(NOTHING))

    async def prices(self, country: str, operator: str, *, known: Known, priority: Priority) -> PriceList:
        rows = [
            {"application": int(e.id), "name": e.name, "price": 2200, "count": 5}
            for e in self.catalogs[CatalogKind.APPLICATIONS]
        ]
        answer = self._answer("prices", self._wrapped(rows))
        return reading.read_prices(country, operator, answer, self._context(known))

    async def price(self, product: Product, *, known: Known, priority: Priority) -> Price:
        answer = self._answer("price", self._wrapped({"price": 2200, "count": 5}))
        return reading.read_price(product.application, answer, self._context(known))

    async def buy(self, product: Product, *, known: Known, permit: Permit) -> Purchase:
        await permit.turn()
        await permit.leave()
        purchase = str(74_000 + len(self.numbers))
        number = super()._buy(product)
        self.numbers[purchase] = self.numbers.pop(number.purchase)
        self.numbers[purchase].purchase = purchase
        data = {"id": int(purchase), "number": phone_of(purchase), "price": 2200, "time": "00:20:00"}
        answer = self._answer("buy", self._wrapped(data))
        self.bought[purchase] = self.said[-1]
        return reading.read_buy(answer, self._context(known))

    async def check(self, purchase: str, *, known: Known, priority: Priority) -> CheckReading:
        number, known = self.numbers.get(purchase), replace(known, purchase=purchase)
        if number is None:
            return reading.read_check(self._answer("check", self._refused(404), 404), self._context(known))
        sms = [{"id": one.provider_id, "code": one.code, "text": one.text} for one in number.sms]
        data = {"id": int(purchase), "number": phone_of(purchase), "state": number.state.value, "sms": sms or None}
        answer = self._answer("check", self._wrapped(data))
        self.shown[purchase].append(self.said[-1].shown)
        return reading.read_check(answer, self._context(known))

    async def cancel(self, purchase: str, *, known: Known) -> Cancellation:
        known, number = replace(known, purchase=purchase), self.numbers.get(purchase)
        if number is None or number.state is not PurchaseState.WAITING:
            return reading.read_cancel(self._answer("cancel", self._refused(400), 400), self._context(known))
        super()._cancel(purchase)
        data = {"id": int(purchase), "state": "canceled"}
        return reading.read_cancel(self._answer("cancel", self._wrapped(data)), self._context(known))


def phone_of(purchase: str) -> str:
    return f"+7931{int(purchase):07d}"


def may_refuse(said: Said) -> bool:
    """Whether an answer to `buy` may be taken for the provider's own no, by the contract's letter: then it lied."""
    if said.http in (404, 405):
        return True
    try:
        value = json.loads(said.text)
    except (ValueError, RecursionError):
        return False
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        return isinstance(value, str)
    named = {name.strip().lower(): inner for name, inner in value.items()}
    return named.get("status", True) is not True or named.get("code") == said.http
