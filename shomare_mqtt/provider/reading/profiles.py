"""Reading the answer to `profile`: the balance, its unit, and all else that was said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import Endpoint, Found, Profile, Sureness
from shomare_mqtt.normalization import fold
from shomare_mqtt.provider.reading.doubts import doubt, place_of
from shomare_mqtt.provider.reading.figures import MOST, figure_at, figures_in
from shomare_mqtt.provider.reading.found import BY_NAME, missing, read_at
from shomare_mqtt.provider.reading.names import CONTENTS, Field, alias, glued, is_envelope, is_nameless, words, wordset
from shomare_mqtt.provider.reading.phones import digits_of_phone
from shomare_mqtt.provider.reading.places import Spots, shown, value_at
from shomare_mqtt.provider.reading.shapes import Leaf, as_fields, leaves
from shomare_mqtt.provider.reading.times import moment
from shomare_mqtt.provider.reading.units import UNIT, unit_in_name
from shomare_mqtt.provider.reading.values import CONTAINERS, currency, figure, is_scalar, money, unit
from shomare_mqtt.provider.reading.verdict import CODE_NAMES, accepted, is_amount, malformed, unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from shomare_mqtt.provider.reading.decode import Context, RawAnswer

BALANCE = Field(
    alias(
        w100="balance walletbalance currentbalance accountbalance userbalance balanceamount remainingbalance موجودی",
        w90="credit walletcredit usercredit remainingcredit walletcharge accountcredit availablebalance "
        "remaincredit remainedcredit mojodi mojoodi "
        "wallet currentcredit walletamount balancetoman balancerial اعتبار کیفپول",
        w80="funds availablefunds fundsavailable accountfunds",
        w70="charge sharj sharzh etebar mojudi inventory deposit remaincharge remainedcharge remaining remain "
        "mande mandeh شارژ",
        w60="amount money cash",
    ),
    parts=alias(w80="balance موجودی", w70="credit wallet mojodi mojoodi mojudi اعتبار کیف", w40="charge money cash"),
    spoilers=wordset(
        "frozen blocked hold held old last bonus cashback min max minimum maximum limit referral gift id "
        "pending reserved spent used count date at time percent rate number name code address type currency unit "
        "affiliate partner reseller parent commission discount earned earning earnings income withdrawable"
    ),
)
_INSIDE = alias(w70="available usable current main free remaining", w60="value stock", w55="total sum net")
"""Names of the amount inside a balance or a wallet; alone they may count anything."""
_HOLDERS = wordset("user account profile customer member me viewer client finance financial billing کاربر حساب")
"""Objects that are the account; the balance in any other one may be somebody else's."""
_WALLETS = wordset("wallets wallet balances accounts credits کیفپولها")
_EMBEDDED = "embedded"
"""HAL's name of what it holds (draft-kelly-json-hal)."""
_OF_A_WALLET = 70
"""From this weight on a name inside a wallet says that its amount can be spent."""
MAIN_WALLET = wordset("main primary default asli اصلی")
_SPEAKS, _NEAR = 80, 4
"""From this weight on a name says that it is the balance; of two names so near nobody can tell."""
_MONEY, _DIGITS = 1000, 9
"""Whole numbers below this count something, or are a level; where money is so little it has cents.
More digits than these are a phone number's."""
_TOMAN_FIRST = {"IRT": 2, "IRR": 1}
BALANCE_FIELD, CURRENCY_FIELD = "profile.balance", "profile.currency"
_SETTLED = ("status", "ok", "success", "result", "error", "errors", "message", "msg", *CODE_NAMES)


def read_profile(answer: RawAnswer, context: Context) -> Profile:
    """The account.

    Raises ProviderRefusedError, ProviderFailedError (`malformed_answer` where no balance and nothing else is in it).
    """
    value, marks = accepted(answer, Endpoint.PROFILE)
    found = list(leaves(as_fields(_of_one_wallet(unwrapped(value)))))
    chosen = _chosen(value, context)
    votes = [_vote(leaf, context) for leaf in found]
    named = _ranked(found, votes)
    best = _set_balance(value, context) or chosen or next(iter(named), None) or _alone(found)
    extra = _extra(unwrapped(value), best)
    if (best is None or best.value is None) and not extra:
        raise malformed(answer, marks, Endpoint.PROFILE, "balance")
    beside = [*_beside(value, context), *found] if chosen else found
    said, of_unit = _set_currency(value, context) or _currency(beside, best)
    balance = None if best is None else money(best.value, said or context.unit)
    where = _of_currency(value, said, of_unit, context)
    doubtful = () if chosen else doubt("balance", _places(found, votes, best, context))
    profile = Profile(balance, said, extra, tuple(_unread(balance, said, context)), (where,), doubtful)
    if context.by_hand.sets(BALANCE_FIELD):
        at = context.by_hand.found(BALANCE_FIELD, is_there=balance is not None)
        return replace(profile, found=(at, where))
    ranked = [best, *named][:MOST] if best is not None else []
    return _with_candidates(profile, value, ranked, context, is_chosen=chosen is not None)


def _with_candidates(
    profile: Profile, answer: Any, ranked: list[Leaf], context: Context, *, is_chosen: bool
) -> Profile:
    """The profile with all that may be its balance; `ranked`: the values that were voted for, first the one taken."""
    spots = Spots(answer, {leaf.name for leaf in ranked})
    voted = [(leaf, at) for leaf in ranked if (at := spots.place_in(*leaf)) is not None]
    said = profile.currency or context.unit
    figures = [figure_at(at, leaf.value, said) for leaf, at in voted]
    by_place = {each.place: each for each in (*figures, *figures_in(answer, said)) if each is not None}
    candidates = tuple(by_place.values())[:MOST]
    place = next((shown(at) for leaf, at in voted if leaf is ranked[0]), None)
    others = tuple(each.place for each in candidates if each.place != place)
    sureness = Sureness.DOUBTFUL if profile.doubtful else Sureness.SURE if ranked else Sureness.MISSING
    why = "what a purchase took" if is_chosen else "its name, and what lies around it"
    found = Found(BALANCE_FIELD, place, Sureness.TRIED if is_chosen else sureness, others, why)
    return replace(profile, found=(found, *profile.found), candidates=candidates)


def _chosen(answer: Any, context: Context) -> Leaf | None:
    """The figure whose place trying told, where an answer has one there."""
    place = None if context.by_hand.sets(BALANCE_FIELD) else context.chosen.get(BALANCE_FIELD)
    value = None if place is None else value_at(answer, place)
    if place is None or not is_scalar(value) or figure(value) is None:
        return None
    *parents, name = [step for step in place if isinstance(step, str)] or [""]
    return Leaf(name, value, tuple(parents))


def _beside(answer: Any, context: Context) -> list[Leaf]:
    """What stands beside the figure that was chosen, which may lie in one of several wallets."""
    place = context.chosen[BALANCE_FIELD][:-1]
    fields = value_at(answer, place)
    parents = tuple(step for step in place if isinstance(step, str))
    return [Leaf(name, inner, parents) for name, inner in fields.items()] if isinstance(fields, dict) else []


def _set_balance(answer: Any, context: Context) -> Leaf | None:
    """What stands at the balance's place that was set by hand; its value None where the answer lacks it."""
    hand = context.by_hand
    return hand.leaf(BALANCE_FIELD, answer) if hand.sets(BALANCE_FIELD) else None


def _set_currency(answer: Any, context: Context) -> tuple[str | None, None] | None:
    hand = context.by_hand
    return (currency(hand.find(CURRENCY_FIELD, answer)), None) if hand.sets(CURRENCY_FIELD) else None


def _unread(balance: Decimal | None, said: str | None, context: Context) -> Iterator[str]:
    hand = context.by_hand
    if balance is None:
        yield hand.lacking(BALANCE_FIELD) if hand.sets(BALANCE_FIELD) else "balance"
    if said is None and hand.sets(CURRENCY_FIELD):
        yield hand.lacking(CURRENCY_FIELD)


def _of_currency(answer: Any, said: str | None, leaf: Leaf | None, context: Context) -> Found:
    """Where the unit was read."""
    if context.by_hand.sets(CURRENCY_FIELD):
        return context.by_hand.found(CURRENCY_FIELD, is_there=said is not None)
    if leaf is None:
        return missing(CURRENCY_FIELD, "the settings' unit")
    if currency(leaf.value) != said:
        return Found(CURRENCY_FIELD, None, Sureness.SURE, why="in the balance's name")
    return read_at(
        CURRENCY_FIELD, answer, leaf, why=BY_NAME if UNIT.weight(leaf.name) else "beside the balance's figure"
    )


def _of_one_wallet(value: Any) -> Any:
    """The answer with each list of several wallets reduced to the one that pays, where one is told to."""
    if not isinstance(value, dict):
        return value
    return {
        name: inner
        if not isinstance(inner, CONTAINERS)
        else _paying(inner)
        if isinstance(inner, list) and glued(name) in _WALLETS
        else _of_one_wallet(_by_unit(inner) if isinstance(inner, dict) and glued(name) in _WALLETS else inner)
        for name, inner in value.items()
    }


def _by_unit(wallets: dict[str, Any]) -> dict[str, Any]:
    """The wallet in Toman, or else in Rial, of several that stand under their units: `{"IRT": {}, "USDT": {}}`."""
    units = {unit(name): inner for name, inner in wallets.items() if isinstance(inner, dict)}
    if len(units) != len(wallets) or len(units) < 2 or None in units:  # noqa: PLR2004 - several
        return wallets
    paying = next((said for said in ("IRT", "IRR") if said in units), None)
    return wallets if paying is None else {"currency": paying, **units[paying]}


def _paying(wallets: list[Any]) -> list[Any]:
    """The main wallet, or the only one in Toman, or else in Rial; all of them where nothing tells."""
    plain = [{glued(k): v for k, v in w.items() if isinstance(v, str)} for w in wallets if isinstance(w, dict)]
    if len(plain) != len(wallets):
        return wallets
    said = [{fold(v) for v in w.values()} for w in plain]
    units = [{u for k, v in w.items() if UNIT.weight(k) and (u := unit(v))} for w in plain]
    for told in ([bool(s & MAIN_WALLET) for s in said], ["IRT" in u for u in units], ["IRR" in u for u in units]):
        if sum(told) == 1:
            return [wallets[told.index(True)]]
    return wallets


def _places(found: list[Leaf], votes: list[int], best: Leaf | None, context: Context) -> list[str]:
    """Where the balance may be, if in more than one place: the field that was taken first."""
    if best is None or glued(best.name) in CONTENTS or context.by_hand.sets(BALANCE_FIELD):
        return []
    near = _vote(best, context) - _NEAR
    rivals = [leaf for leaf, vote in zip(found, votes, strict=True) if vote >= near and _rivals(leaf, best)]
    if _weight(best) < _SPEAKS:
        rivals += [leaf for leaf in found if _is_strange_amount(leaf, context)]
    return [place_of(leaf) for leaf in (best, *rivals)] if rivals else []


def _rivals(leaf: Leaf, best: Leaf) -> bool:
    """Whether an amount for which as much speaks is another one; in another unit it is the same."""
    if leaf.parents != best.parents or figure(leaf.value) == figure(best.value):
        return False
    return not any(unit(one.value) or unit_in_name(one.name) or unit(one.name) for one in (leaf, best))


def _is_strange_amount(leaf: Leaf, context: Context) -> bool:
    """Whether a figure under a name that says nothing may be money: no level or count, no time, no phone number."""
    amount = figure(leaf.value) if is_scalar(leaf.value) and is_nameless(leaf.name) else None
    if (
        amount is None
        or moment(leaf.value, context.timezone) is not None
        or len(digits_of_phone(leaf.value) or "") > _DIGITS
    ):
        return False
    return amount >= _MONEY or amount != amount.to_integral_value()


def _ranked(found: list[Leaf], votes: list[int]) -> list[Leaf]:
    """The values that may be the balance by their names, the likeliest first."""
    told = [(-vote, i) for i, vote in enumerate(votes) if vote > 0]
    return [found[i] for _, i in sorted(told)]


def _alone(found: list[Leaf]) -> Leaf | None:
    """The number that is all that an answer holds: `{"status": true, "data": 45000}`."""
    named = [leaf for leaf in found if glued(leaf.name) in CONTENTS and is_amount(leaf.name, leaf.value)]
    return named[0] if len(named) == 1 else None


def _vote(leaf: Leaf, context: Context) -> int:
    weight = _weight(leaf)
    amount = figure(leaf.value) if weight else None
    if amount is None:
        return 0
    agrees = 10 if context.known.balance is not None and amount == context.known.balance else 0
    # Among several the one inside a wallet, and the one that lies nearest, is the account's.
    return weight + agrees - 3 * leaf.depth


def _weight(leaf: Leaf) -> int:
    """How strongly a leaf's name and what lies around it speak for the account's balance."""
    above = max(map(_speaks_of_wallet, leaf.parents), default=0)
    weight = BALANCE.weight(leaf.name)
    if above >= 80 and not weight:  # noqa: PLR2004 - of deposits and charges there are many
        said = unit(leaf.name)
        weight = _INSIDE.get(glued(leaf.name), 0) if said is None else 60 + _TOMAN_FIRST.get(said, 0)
    if not weight:
        return 0
    foreign = [p for p in leaf.parents if not _is_the_accounts(p, above)]
    if any(BALANCE.spoilers.intersection(words(p)) for p in foreign) or (foreign and weight < 80):  # noqa: PLR2004
        return 0
    return weight + (25 if above else 0) - 40 * bool(foreign)


def _speaks_of_wallet(name: str) -> int:
    return max(BALANCE.weight(name), 80 if glued(name) in _WALLETS else 0)


def _is_the_accounts(parent: str, above: int) -> bool:
    """Whether an object's name says nothing against its amounts being the account's. `above`: a wallet is around."""
    if is_envelope(parent) or glued(parent) == _EMBEDDED or _HOLDERS.intersection(words(parent)):
        return True
    return bool(_speaks_of_wallet(parent)) or bool(above and _INSIDE.get(glued(parent), 0) >= _OF_A_WALLET)


def _currency(found: list[Leaf], best: Leaf | None) -> tuple[str | None, Leaf | None]:
    """The unit, and where it was read."""
    if best is not None and (said := unit(best.value) or unit_in_name(best.name)):
        return said, best
    named = [leaf for leaf in found if UNIT.weight(leaf.name)]
    # The unit beside the balance speaks for it before one that lies elsewhere.
    named.sort(key=lambda leaf: best is not None and leaf.parents != best.parents)
    return next(((c, leaf) for leaf in named if (c := currency(leaf.value))), (None, None))


def _extra(top: Any, best: Leaf | None) -> dict[str, Any]:
    """All else that was said: the innermost object around everything, without marks and without the balance."""
    inner = top
    while isinstance(inner, dict):
        rest = {k: v for k, v in inner.items() if glued(k) not in _SETTLED}
        inside = [v for v in rest.values() if isinstance(v, dict)]
        if len(rest) != 1 or not inside:
            break
        inner = inside[0]
    if not isinstance(inner, dict):
        return {}
    name, amount = (best.name, best.value) if best is not None else (None, None)
    marks_apart = inner is top
    return {
        k: v
        for k, v in inner.items()
        if not (marks_apart and (glued(k) in _SETTLED or (glued(k) in CONTENTS and is_scalar(v))))
        and not (k == name and is_scalar(v) and v == amount)
    }
