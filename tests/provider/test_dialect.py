"""Requests in every style, and the order in which styles are tried."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shomare_mqtt.config import Dialect
from shomare_mqtt.model import Endpoint
from shomare_mqtt.provider.dialect import LIKELY_NAMES, LearntDialect, Style

AUTO = Dialect()
PRODUCT = {"country": "7", "operator": "1", "application": "3"}
PATH, QUERY, FORM, JSON = Style.PATH, Style.QUERY, Style.FORM, Style.JSON


def test_path() -> None:
    request = LearntDialect(AUTO, {}).request(Endpoint.PRICE, PRODUCT, PATH)
    assert (request.method, request.target, request.body) == ("GET", "pricebyproduct/7/1/3", None)


def test_query_and_form_name_every_likely_name() -> None:
    dialect = LearntDialect(AUTO, {})
    by_query = parse_qs(urlsplit(dialect.request(Endpoint.PRICE, PRODUCT, QUERY).target).query)
    form = dialect.request(Endpoint.BUY, PRODUCT, FORM)
    assert form.body is not None
    assert form.method == "POST"
    assert by_query == parse_qs(form.body.decode())
    assert {by_query[name][0] for name in ("country", "country_id", "CountryID")} == {"7"}
    assert {by_query[name][0] for name in ("application", "app", "AppID", "service", "product")} == {"3"}
    assert all(len(values) == 1 for values in by_query.values())


def test_names_set_by_hand_are_the_only_ones() -> None:
    settings = Dialect(country="c", operator="o", application="a", purchase="p")
    dialect = LearntDialect(settings, {})
    assert dialect.request(Endpoint.PRICE, PRODUCT, QUERY).target == "pricebyproduct?c=7&o=1&a=3"
    body = dialect.request(Endpoint.CHECK, {"purchase": "9"}, JSON).body
    assert json.loads(body or b"") == {"p": "9"}


def test_no_name_stands_for_two_parameters() -> None:
    names = [name for field in ("country", "operator", "application") for name in LIKELY_NAMES[field]]
    assert len(names) == len(set(names))


@given(st.text(min_size=1))
def test_any_id_travels_whole(text: str) -> None:
    dialect = LearntDialect(Dialect(purchase="id"), {})
    whole = text.encode(errors="replace").decode()
    path = dialect.request(Endpoint.CHECK, {"purchase": text}, PATH).target
    assert path.count("/") == 1
    assert not {"?", "#", ".", ".."} & {path.removeprefix("check/")}
    assert unquote(path.removeprefix("check/")) == whole
    query = urlsplit(dialect.request(Endpoint.CHECK, {"purchase": text}, QUERY).target).query
    assert parse_qs(query, keep_blank_values=True) == {"id": [whole]}


@pytest.mark.parametrize(
    ("parameters", "styles"),
    [("auto", (PATH, QUERY, FORM, JSON)), ("path", (PATH,)), ("query", (QUERY,)), ("body", (FORM, JSON))],
)
def test_reading_tries_what_the_setting_allows(parameters: str, styles: tuple[Style, ...]) -> None:
    plan = LearntDialect(Dialect.model_validate({"parameters": parameters}), {}).plan(Endpoint.PRICES)
    assert plan.styles == styles
    assert plan.open == (len(styles) > 1)


@pytest.mark.parametrize(
    ("learnt", "styles"),
    [
        ({}, (FORM, JSON, QUERY, PATH)),
        ({"pricebycountry": "path"}, (PATH, FORM, JSON, QUERY)),
        ({"pricebycountry": "query"}, (QUERY, FORM, JSON, PATH)),
        ({"pricebyproduct": "json"}, (JSON, FORM, QUERY, PATH)),
        ({"pricebyproduct": "json", "buy": "path"}, (PATH, FORM, JSON, QUERY)),
    ],
)
def test_buying_begins_with_what_fits(learnt: dict[str, str], styles: tuple[Style, ...]) -> None:
    assert LearntDialect(AUTO, learnt).plan(Endpoint.BUY).styles == styles


def test_buy_set_by_hand() -> None:
    dialect = LearntDialect(Dialect(buy="json"), {"buy": "form", "pricebycountry": "path"})
    assert dialect.plan(Endpoint.BUY).styles == (JSON,)


def test_cancel_takes_over_what_check_learnt() -> None:
    plan = LearntDialect(AUTO, {"pricebycountry": "path", "check": "query"}).plan(Endpoint.CANCEL)
    assert plan.styles[0] is QUERY
    assert plan.learnt


def test_an_endpoint_begins_with_what_another_learnt() -> None:
    plan = LearntDialect(AUTO, {"pricebycountry": "form"}).plan(Endpoint.CHECK)
    assert plan.styles == (FORM, PATH, QUERY, JSON)
    assert not plan.learnt
    assert plan.guessed


def test_what_the_memory_holds_is_used_as_far_as_it_makes_sense() -> None:
    dialect = LearntDialect(Dialect(parameters="query"), {"pricebycountry": "path", "buy": "smoke", "gone": "path"})
    assert dialect.plan(Endpoint.PRICES).styles == (QUERY,)
    assert dialect.plan(Endpoint.BUY).styles == (QUERY, FORM, JSON, PATH)
    assert dialect.as_dict() == {"pricebycountry": "path"}
    assert not dialect.changed


def test_learning_and_forgetting_say_whether_it_is_news() -> None:
    dialect = LearntDialect(AUTO, {})
    assert dialect.learn(Endpoint.CHECK, PATH)
    assert dialect.changed
    assert not dialect.learn(Endpoint.CHECK, PATH)
    assert dialect.forget(Endpoint.CHECK)
    assert not dialect.forget(Endpoint.CHECK)
    assert dialect.plan(Endpoint.CHECK).open


def test_a_purchases_id_travels_under_the_providers_own_name_for_it_too() -> None:
    dialect = LearntDialect(Dialect(), {})
    dialect.call_purchase(["id", "key", "token", "a b", "7"])
    assert dialect.changed
    again = LearntDialect(Dialect(), dialect.as_dict())
    for each in (dialect, again):
        sent = parse_qs(urlsplit(each.request(Endpoint.CHECK, {"purchase": "74001"}, Style.QUERY).target).query)
        assert sorted(sent) == sorted([*LIKELY_NAMES["purchase"], "key"])
    assert not again.changed


def test_a_purchases_name_set_by_hand_is_the_only_one() -> None:
    dialect = LearntDialect(Dialect(purchase="ref"), {})
    dialect.call_purchase(["key"])
    assert not dialect.changed
    assert dialect.request(Endpoint.CHECK, {"purchase": "74001"}, Style.QUERY).target == "check?ref=74001"
