"""How parameters travel: in the path, the query or the body (provider page, section Not documented).

Nothing of this is documented, so it is learnt from answers, one style for each endpoint, and kept. This module is pure:
it makes requests and remembers; `client` sends them and decides what an answer teaches.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import quote, urlencode

from shomare_mqtt.model import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from shomare_mqtt.config.held import Dialect as DialectSettings


class Style(StrEnum):
    """One way for parameters to travel; `form` and `json` are bodies, also of a GET (some sisters want that)."""

    PATH = "path"
    QUERY = "query"
    FORM = "form"
    JSON = "json"


READ_STYLES: Mapping[str, tuple[Style, ...]] = {
    "auto": (Style.PATH, Style.QUERY, Style.FORM, Style.JSON),
    "path": (Style.PATH,),
    "query": (Style.QUERY,),
    "body": (Style.FORM, Style.JSON),
}
BUY_STYLES = (Style.FORM, Style.JSON, Style.QUERY, Style.PATH)

LIKELY_NAMES: Mapping[str, tuple[str, ...]] = {
    "country": (
        *("country", "country_id", "countryId", "countryID", "countryid", "Country", "CountryId", "CountryID"),
        *("country_code", "countryCode"),
    ),
    "operator": (
        *("operator", "operator_id", "operatorId", "operatorID", "operatorid", "Operator", "OperatorId", "OperatorID"),
        *("operator_code", "operatorCode", "server", "server_id", "serverId", "provider", "provider_id", "range"),
    ),
    "application": (
        *("application", "application_id", "applicationId", "applicationID", "applicationid", "Application"),
        *("ApplicationId", "ApplicationID", "app", "app_id", "appId", "appID", "appid", "App", "AppId", "AppID"),
        *("service", "service_id", "serviceId", "serviceID", "serviceid", "Service", "ServiceId", "ServiceID"),
        *("product", "product_id", "productId", "productID", "productid", "Product", "ProductId", "ProductID"),
    ),
    "purchase": (
        *("id", "ID", "Id", "purchase", "purchase_id", "purchaseId", "purchaseID", "PurchaseID", "PurchaseId"),
        *("order", "order_id", "orderId", "orderID", "orderid", "OrderID", "OrderId", "order_code", "orderCode"),
        *("buy_id", "buyId", "BuyID", "request_id", "requestId", "requestid", "RequestID", "number_id", "numberId"),
        *("NumberID", "activation_id", "activationId", "ActivationID", "tzid", "tracking_code", "trackingCode"),
        *("sid", "Sid", "uuid"),
    ),
}
"""The names under which a parameter is sent, all at once, while no name is set by hand. The API page's own words
(CountryID, OperatorID, AppID) and those of sister providers."""

_OWN_NAME = "purchase is named"
"""Under which the provider's own name of a purchase's id is kept: no endpoint's."""
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z_-]{1,30}")
_OTHERS = frozenset({"token", "apikey", "api_key", "api-key", "action", "method", "status", "status_code"})
"""Names that mean something else in a request."""
_MOST_NAMED = 3

CHECK_LIKE = {Endpoint.CANCEL: Endpoint.CHECK}
"""Endpoints that take over what another one with the same parameters has learnt."""


class Request(NamedTuple):
    """One HTTP request. `target` is what follows the base address, percent-encoded, with its query."""

    endpoint: Endpoint
    target: str
    body: bytes | None = None
    content_type: str | None = None

    @property
    def method(self) -> str:
        """POST for `buy`, GET for all else (provider page, table of endpoints)."""
        return "POST" if self.endpoint is Endpoint.BUY else "GET"


class Plan(NamedTuple):
    """Which styles to try, in this order. `learnt`: the first is known to work; `guessed`: it works elsewhere."""

    styles: tuple[Style, ...]
    learnt: bool
    guessed: bool

    @property
    def open(self) -> bool:
        """Whether nothing says yet which of several styles is right."""
        return len(self.styles) > 1 and not (self.learnt or self.guessed)


class DialectMemory(Protocol):
    """Where what was learnt outlives the process; `{"pricebycountry": "path", "buy": "form"}`."""

    def load(self) -> dict[str, str]:
        """What was saved last; empty at first."""
        ...

    async def save(self, learnt: dict[str, str]) -> None:
        """Keep this in place of what was there."""
        ...


class LearntDialect:
    """What is set and what was learnt of how parameters travel. `changed` says that there is something to save."""

    def __init__(self, settings: DialectSettings, learnt: Mapping[str, str]) -> None:
        self._reading = READ_STYLES[settings.parameters]
        self._buying = BUY_STYLES if settings.buy == "auto" else (Style(settings.buy),)
        set_by_hand = {name: getattr(settings, name) for name in LIKELY_NAMES}
        self._names = {name: (by_hand,) if by_hand else LIKELY_NAMES[name] for name, by_hand in set_by_hand.items()}
        self._learnt = dict(_understood(learnt))
        self._plans: dict[Endpoint, Plan] = {}
        self._is_set = set_by_hand["purchase"] is not None
        self._named: list[str] = []
        self.call_purchase(learnt.get(_OWN_NAME, "").split())
        self.changed = False

    def as_dict(self) -> dict[str, str]:
        """What was learnt, for the memory."""
        named = {_OWN_NAME: " ".join(self._named)} if self._named else {}
        return {endpoint.value: style.value for endpoint, style in self._learnt.items()} | named

    def call_purchase(self, names: Iterable[str]) -> None:
        """The provider itself calls a purchase's id so: it may want it under that name, beside the usual ones."""
        for name in names:
            new = name not in (*self._names["purchase"], *_OTHERS) and _PARAMETER.fullmatch(name) is not None
            if new and not self._is_set and len(self._named) < _MOST_NAMED:
                self._named.append(name)
                self._names["purchase"] = (*self._names["purchase"], name)
                self.changed = True

    def plan(self, endpoint: Endpoint) -> Plan:
        """The styles to try: what was learnt first, else what another endpoint learnt, then the usual order."""
        if (kept := self._plans.get(endpoint)) is not None:
            return kept
        plan = self._plans[endpoint] = self._plan(endpoint)
        return plan

    def _plan(self, endpoint: Endpoint) -> Plan:
        allowed = self._buying if endpoint is Endpoint.BUY else self._reading
        own = self._own(endpoint)
        guess = self.guess()
        first = next((style for style in (own, guess) if style in allowed), None)
        if first is None:
            return Plan(allowed, learnt=False, guessed=False)
        rest = tuple(style for style in allowed if style is not first)
        return Plan((first, *rest), learnt=first is own, guessed=first is not own)

    def guess(self) -> Style | None:
        """The style of any endpoint that only reads, price calls first; None while nothing is known."""
        if len(self._reading) == 1:
            return self._reading[0]
        readers = (Endpoint.PRICES, Endpoint.PRICE, Endpoint.CHECK)
        return next((self._learnt[e] for e in readers if self._learnt.get(e) in self._reading), None)

    def learn(self, endpoint: Endpoint, style: Style) -> bool:
        """The endpoint has answered properly to this style. Whether that is news."""
        news = self._learnt.get(endpoint) is not style
        if news:
            self._learnt[endpoint] = style
            self._plans.clear()
        self.changed |= news
        return news

    def forget(self, endpoint: Endpoint) -> bool:
        """The endpoint's address is gone: what was learnt of it no longer holds. Whether anything was."""
        news = self._learnt.pop(endpoint, None) is not None
        self._plans.clear()
        self.changed |= news
        return news

    def request(self, endpoint: Endpoint, parameters: Mapping[str, str], style: Style) -> Request:
        """The request to an endpoint; `parameters` are ids under our names, in the documented order."""
        if style is Style.PATH:
            return Request(endpoint, "/".join((endpoint.value, *map(_segment, parameters.values()))))
        named = [(name, value) for field, value in parameters.items() for name in self._names[field]]
        if style is Style.QUERY:
            return Request(endpoint, f"{endpoint.value}?{_encoded(named)}")
        if style is Style.FORM:
            return Request(endpoint, endpoint.value, _encoded(named).encode(), "application/x-www-form-urlencoded")
        return Request(endpoint, endpoint.value, json.dumps(dict(named)).encode(), "application/json")

    def _own(self, endpoint: Endpoint) -> Style | None:
        return self._learnt.get(endpoint) or self._learnt.get(CHECK_LIKE.get(endpoint, endpoint))


def _understood(learnt: Mapping[str, str]) -> Iterator[tuple[Endpoint, Style]]:
    """What a memory of this or another version holds, as far as it makes sense here."""
    endpoints, styles = [e.value for e in Endpoint], [s.value for s in Style]
    for endpoint, style in learnt.items():
        if endpoint in endpoints and style in styles:
            yield Endpoint(endpoint), Style(style)


@lru_cache(maxsize=256)
def _segment(value: str) -> str:
    """A path segment: `/ ? # %` encoded, and no `.` or `..`, which clients and proxies would take for folders."""
    return value.replace(".", "%2E") if value in (".", "..") else quote(value, safe="", errors="replace")


def _encoded(named: list[tuple[str, str]]) -> str:
    return urlencode(named, errors="replace")
