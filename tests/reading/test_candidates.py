"""What may be a purchase's id, or the balance: the best first, with its place, and what trying told outranks it."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from shomare_mqtt.errors import AnotherPurchaseError, OutcomeUnknownError
from shomare_mqtt.model import Known, Profile, Purchase, PurchaseState, Sureness
from shomare_mqtt.provider.reading import ByHand, Context, read_buy, read_check, read_profile
from shomare_mqtt.provider.reading.places import place_of, shown
from tests.reading.contexts import NOTHING
from tests.reading.readings import answer

ASKED = replace(NOTHING, known=Known(country="7", operator="1", application="3"))
PHONE = "79313226657"


def chosen(field: str, place: str) -> Context:
    found = place_of(place)
    assert found is not None
    return replace(ASKED, chosen={field: found})


def bought(data: Any, context: Context = ASKED) -> Purchase:
    return read_buy(answer({"status": True, "data": data}), context)


def ids(purchase: Purchase) -> dict[str | None, str]:
    return {each.place: each.value for each in purchase.candidates}


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        ({"id": 5, "number": PHONE}, {"data.id": "5"}),
        ({"id": 5, "order_id": 6, "number": PHONE}, {"data.order_id": "6", "data.id": "5"}),
        ({"id": 5, "tracking_code": "x-9", "number": PHONE}, {"data.id": "5", "data.tracking_code": "x-9"}),
        ({"first_id": 5, "second_id": 6, "number": PHONE}, {"data.first_id": "5", "data.second_id": "6"}),
        ({"contract_id": 5, "id": 6, "number": PHONE}, {"data.id": "6", "data.contract_id": "5"}),
        ({"order": {"id": 5, "number": PHONE}, "id": 6}, {"data.order.id": "5", "data.id": "6"}),
        ({"payment": {"id": 5}, "order": {"id": 6, "phone": PHONE}}, {"data.order.id": "6", "data.payment.id": "5"}),
        ({"id": 6, "order_id": 6, "number": PHONE}, {"data.order_id": "6"}),
        ({"id": 3, "order_no": 6, "number": PHONE}, {"data.order_no": "6"}),
        ({"id": 3, "number": PHONE}, {"data.id": "3"}),
        ({"order_id": 3, "id": 6, "number": PHONE}, {"data.order_id": "3", "data.id": "6"}),
        ({"id": 5, "pool_id": 8, "user_id": 9, "country": {"id": 12}, "number": PHONE}, {"data.id": "5"}),
        ({"id": 5, "zorvex": 61234, "number": PHONE}, {"data.id": "5", "data.zorvex": "61234"}),
        ({"zorvex": 51234, "miko": 61234, "number": PHONE}, {"data.zorvex": "51234", "data.miko": "61234"}),
        (
            {"order": {"zorvex": 61234, "phone": PHONE, "status": {"id": 1}}},
            {"data.order.zorvex": "61234", "data.order.status.id": "1"},
        ),
        ({"id": 74001, "uuid": "u-1"}, {"data.id": "74001", "data.uuid": "u-1"}),
        ({"order_id": 74001, "id": 3}, {"data.order_id": "74001"}),
        ([{"id": 5, "number": PHONE}], {"data[0].id": "5"}),
        (
            {"id": 5, "number": PHONE, "links": [{"id": 8, "type": "orders"}, {"id": 9, "type": "countries"}]},
            {"data.id": "5", "data.links[0].id": "8"},
        ),
        (
            {"id": 5, "number": PHONE, "related": [{"uuid": "u-8", "type": "order"}, {"users": {"id": 9}}, "x"]},
            {"data.id": "5", "data.related[0].uuid": "u-8"},
        ),
    ],
    ids=json.dumps,
)  # fmt: skip
def test_the_ids_of_a_purchase(data: Any, wanted: dict[str, str]) -> None:
    purchase = bought(data)
    assert list(ids(purchase).items()) == list(wanted.items())
    assert purchase.purchase == purchase.candidates[0].value
    found = next(each for each in purchase.found if each.field == "buy.purchase")
    assert (found.place, *found.others) == tuple(wanted)


def test_what_a_document_includes_comes_last() -> None:
    document = {
        "data": {"type": "orders", "id": "9", "attributes": {"number": PHONE}},
        "included": [{"type": "activations", "id": "a-1"}, {"type": "country", "id": "12"}, {"id": "7"}],
    }
    purchase = read_buy(answer({"status": True, **document}), ASKED)
    assert list(ids(purchase)) == ["data.id", "included[0].id"]


def test_no_more_than_a_handful() -> None:
    purchase = bought({"number": PHONE, **{f"part{'abcdefgh'[i]}_id": i + 10 for i in range(8)}})
    assert len(purchase.candidates) == 6


@pytest.mark.parametrize(
    ("data", "sureness"),
    [
        ({"id": 5, "number": PHONE}, Sureness.SURE),
        ({"order_id": 5, "contract_id": 6, "number": PHONE}, Sureness.SURE),
        ({"id": 5, "order_id": 6, "number": PHONE}, Sureness.SURE),
        ({"activation_id": 5, "order_id": 6, "number": PHONE}, Sureness.DOUBTFUL),
        ({"zorvex": 51234, "miko": 61234, "number": PHONE}, Sureness.DOUBTFUL),
        ({"first_id": 5, "second_id": 6, "number": PHONE}, Sureness.DOUBTFUL),
    ],
    ids=json.dumps,
)
def test_how_sure_it_is(data: Any, sureness: Sureness) -> None:
    purchase = bought(data)
    assert purchase.found[0].sureness is sureness
    assert bool(purchase.doubtful) == (sureness is Sureness.DOUBTFUL)
    assert purchase.is_tried is False


def test_the_doubt_names_those_of_about_the_same_weight() -> None:
    purchase = bought({"activation_id": 5, "order_id": 6, "contract_id": 7, "number": PHONE})
    assert purchase.doubtful == ("purchase: data.activation_id or data.order_id",)


def test_what_a_check_told_outranks_the_names() -> None:
    data = {"id": 5, "order_id": 6, "ref": {"code": "x-7"}, "number": PHONE}
    purchase = bought(data, chosen("buy.purchase", "data.ref.code"))
    assert (purchase.purchase, purchase.is_tried, purchase.doubtful) == ("x-7", True, ())
    assert [each.value for each in purchase.candidates] == ["x-7", "6", "5"]
    assert purchase.found[0].sureness is Sureness.TRIED


@pytest.mark.parametrize("place", ["data.gone", "data.number.x", "data.none", "data"])
def test_where_an_answer_lacks_it_the_names_speak_again(place: str) -> None:
    purchase = bought({"id": 5, "none": 0, "number": PHONE}, chosen("buy.purchase", place))
    assert (purchase.purchase, purchase.is_tried) == ("5", False)


def test_it_is_a_purchase_where_only_trying_told_it() -> None:
    purchase = bought({"kind_id": 3, "code": 74001, "number": PHONE}, chosen("buy.purchase", "data.code"))
    assert purchase.purchase == "74001"


def test_a_refusal_is_one_all_the_same() -> None:
    with pytest.raises(OutcomeUnknownError):
        read_buy(answer({"message": "no", "data": {"id": 5}}, 500), chosen("buy.purchase", "data.id"))


def test_what_is_set_by_hand_is_not_tried() -> None:
    context = replace(chosen("buy.purchase", "data.id"), by_hand=ByHand.of({"buy.purchase": "data.order_id"}, {}))
    purchase = bought({"id": 5, "order_id": 6, "number": PHONE}, context)
    assert (purchase.purchase, purchase.candidates, purchase.doubtful) == ("6", (), ())
    assert purchase.found[0].sureness is Sureness.BY_HAND


@pytest.mark.parametrize(
    "data",
    [{"74001": {"number": PHONE}}, {PHONE: {"id": 74001, "number": PHONE}}, f"ACCESS_NUMBER:74001:{PHONE}"],
    ids=str,
)
def test_no_place_shows_a_value(data: Any) -> None:
    purchase = bought(data)
    assert purchase.purchase == "74001"
    assert {each.place for each in purchase.candidates} == {None}
    assert PHONE not in repr(purchase.found)


def test_a_place_that_is_too_long_is_shown_to_none() -> None:
    assert shown(("data", "x" * 400)) is None
    assert shown(("data", "sub-1234", "id")) is None
    assert shown(("data", "۹۱۲۳۴", "id")) is None
    assert shown(None) is None


def test_an_answer_of_hostile_size_is_not_walked_to_its_end() -> None:
    data: dict[str, Any] = {"id": 5, "number": PHONE}
    data["included"] = [{"n": i} for i in range(3000)] + [{"id": "late"}]
    assert list(ids(bought(data))) == ["data.id"]


# --- whose an answer is ----------------------------------------------------------------------------------------------


def test_a_record_under_another_of_its_ids_is_ours() -> None:
    known = Known(purchase="A-7")
    shown_as = answer({"status": True, "data": {"id": 5, "state": "waiting"}})
    with pytest.raises(AnotherPurchaseError):
        read_check(shown_as, replace(NOTHING, known=known))
    also = replace(known, also_ours=frozenset({"5"}))
    assert read_check(shown_as, replace(NOTHING, known=also)).state is PurchaseState.WAITING


def test_that_one_of_its_ids_stands_elsewhere_makes_nothing_ours() -> None:
    known = Known(purchase="A-7", also_ours=frozenset({"12"}))
    with pytest.raises(AnotherPurchaseError):
        read_check(
            answer({"status": True, "data": {"id": 5, "left": 12, "state": "waiting"}}), replace(NOTHING, known=known)
        )


def test_nor_does_it_where_the_number_is_anothers() -> None:
    known = Known(purchase="A-7", phone="+79310000001", also_ours=frozenset({"5"}))
    with pytest.raises(AnotherPurchaseError):
        read_check(answer({"status": True, "data": {"id": 5, "phone": PHONE}}), replace(NOTHING, known=known))


def test_what_names_one_of_its_ids_alone_waits() -> None:
    known = Known(purchase="A-7", also_ours=frozenset({"5"}))
    assert read_check(answer({"id": 5}), replace(NOTHING, known=known)).state is PurchaseState.WAITING


# --- the balance -----------------------------------------------------------------------------------------------------


def profile(data: Any, context: Context = NOTHING) -> Profile:
    return read_profile(answer({"status": True, "data": data}), context)


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (45000, {"data": 45000}),
        ({"balance": 1000, "credit": 5}, {"data.balance": 1000, "data.credit": 5}),
        ({"credit": 5, "points": 7, "id": 3, "phone": "0912", "level": 2}, {"data.credit": 5, "data.points": 7}),
        (
            {"user": {"wallet": {"balance": 5, "frozen": 7}}, "credit": 8},
            {"data.user.wallet.balance": 5, "data.credit": 8, "data.user.wallet.frozen": 7},
        ),
        (
            {"wallets": [{"currency": "IRT", "balance": 1}, {"currency": "USD", "balance": 2}]},
            {"data.wallets[0].balance": 1, "data.wallets[1].balance": 2},
        ),
        ({"name": "Ali", "points": "1,200"}, {"data.points": 1200}),
    ],
    ids=json.dumps,
)
def test_the_figures_of_a_profile(data: Any, wanted: dict[str, int]) -> None:
    read = profile(data)
    assert [(each.place, each.amount) for each in read.candidates] == [(p, Decimal(a)) for p, a in wanted.items()]
    assert read.place == (next(iter(wanted)) if read.balance is not None else None)


def test_what_a_purchase_took_outranks_the_names() -> None:
    wallets = [{"currency": "IRT", "amount": 1}, {"currency": "USD", "amount": 2}]
    data = {"credit": 1000, "wallet": 7, "wallets": wallets}
    read = profile(data, chosen("profile.balance", "data.wallets[1].amount"))
    assert (read.balance, read.currency, read.place) == (Decimal(2), "USD", "data.wallets[1].amount")
    assert read.found[0].sureness is Sureness.TRIED
    assert read.doubtful == ()


@pytest.mark.parametrize("place", ["data.gone", "data", "data.name", "data.wallets[9].amount", "@"])
def test_where_a_profile_lacks_it_the_names_speak_again(place: str) -> None:
    read = profile({"balance": 1000, "name": "Ali"}, chosen("profile.balance", place))
    assert (read.balance, read.place) == (Decimal(1000), "data.balance")


def test_a_figure_in_a_list_has_nothing_beside_it() -> None:
    assert profile({"name": "Ali", "sums": [5, 6]}, chosen("profile.balance", "data.sums[1]")).balance == 6


def test_two_figures_of_about_the_same_weight_are_doubtful() -> None:
    read = profile({"credit": 1000, "wallet": 5})
    assert read.doubtful == ("balance: data.credit or data.wallet",)
    assert read.found[0].sureness is Sureness.DOUBTFUL
    assert profile({"credit": 1000, "wallet": 1000}).doubtful == ()
    assert profile({"balance": 1000, "amount": 5}).found[0].sureness is Sureness.SURE


def test_no_balance_is_missing() -> None:
    assert profile({"name": "Ali", "points": 5}).found[0].sureness is Sureness.MISSING


def test_a_balance_that_is_set_by_hand_is_not_tried() -> None:
    context = replace(
        chosen("profile.balance", "data.balance"), by_hand=ByHand.of({"profile.balance": "data.credit"}, {})
    )
    read = profile({"balance": 1000, "credit": 5}, context)
    assert (read.balance, read.candidates, read.place) == (Decimal(5), (), "data.credit")


def test_no_figures_place_shows_a_value() -> None:
    read = profile({"09121234567": {"balance": 5}, "name": "Ali"})
    assert (read.candidates, read.place) == ((), None)


def test_no_more_figures_than_a_handful() -> None:
    assert len(profile({f"sum_{c}": 5 for c in "abcdefghijkl"}).candidates) == 8
