"""Reading the answer to `profile`: the balance, its unit, and all else that was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import Endpoint, Profile
from shomare_mqtt.provider.reading.names import Field, alias, glued, wordset
from shomare_mqtt.provider.reading.shapes import Leaf, leaves
from shomare_mqtt.provider.reading.values import currency, is_scalar, money, unit
from shomare_mqtt.provider.reading.verdict import CODE_NAMES, accepted, malformed, unwrapped

if TYPE_CHECKING:
    from shomare_mqtt.provider.reading.decode import Context, RawAnswer

BALANCE = Field(
    alias(
        w100="balance walletbalance currentbalance accountbalance userbalance balanceamount remainingbalance موجودی",
        w90="credit walletcredit usercredit remainingcredit walletcharge accountcredit availablebalance "
        "mojodi mojoodi "
        "wallet currentcredit walletamount balancetoman balancerial اعتبار کیفپول",
        w70="charge sharj sharzh etebar mojudi inventory funds deposit remaincharge remainedcharge remaining شارژ",
        w60="amount money cash stock value total sum",
    ),
    parts=alias(w80="balance موجودی", w70="credit wallet mojodi mojoodi mojudi اعتبار کیف", w40="charge money cash"),
    spoilers=wordset(
        "frozen blocked hold held old last bonus cashback min max minimum maximum limit referral gift id "
        "pending reserved spent count date at time percent rate number name code address type currency unit"
    ),
)
_UNIT = Field(
    alias(w100="currency unit currencycode balanceunit balancecurrency currencyunit vahed moneyunit واحد ارز"),
    parts=alias(w80="currency unit"),
)
_WRAPPERS = ("data", "payload")
_SETTLED = ("status", "ok", "success", "result", "error", "errors", "message", "msg", *CODE_NAMES)


def read_profile(answer: RawAnswer, context: Context) -> Profile:
    """The account.

    Raises ProviderRefusedError, ProviderFailedError (`malformed_answer` where no balance and nothing else is in it).
    """
    value, marks = accepted(answer, Endpoint.PROFILE)
    found = list(leaves(unwrapped(value)))
    best = _balance(found, context) or _alone(found)
    extra = _extra(unwrapped(value), best)
    if best is None and not extra:
        raise malformed(answer, marks, Endpoint.PROFILE, "balance")
    if best is None:
        return Profile(None, _currency(found, None), extra, unread=("balance",))
    return Profile(money(best.value), _currency(found, best), extra)


def _balance(found: list[Leaf], context: Context) -> Leaf | None:
    votes = [(vote, -i, leaf) for i, leaf in enumerate(found) if (vote := _vote(leaf, context)) > 0]
    return max(votes)[2] if votes else None


def _alone(found: list[Leaf]) -> Leaf | None:
    """The number that is all that an answer holds: `{"status": true, "data": 45000}`."""
    named = [leaf for leaf in found if glued(leaf.name) in _WRAPPERS and money(leaf.value) is not None]
    return named[0] if len(named) == 1 else None


def _vote(leaf: Leaf, context: Context) -> int:
    weight = BALANCE.weight(leaf.name)
    above = max((BALANCE.weight(p) for p in leaf.parents), default=0)
    amount = money(leaf.value)
    if amount is None or not (weight or (above and _is_currency_name(leaf.name))):
        return 0
    weight = weight or 60
    agrees = 10 if context.known.balance is not None and amount == context.known.balance else 0
    # Among several the one inside a wallet, and the one that lies nearest, is the account's.
    return weight + (25 if above else 0) + agrees - 3 * leaf.depth


def _is_currency_name(name: str) -> bool:
    return unit(name) is not None


def _currency(found: list[Leaf], best: Leaf | None) -> str | None:
    if best is not None and (said := unit(best.value) or unit(best.name.replace("_", " ")) or _in_name(best.name)):
        return said
    named = [leaf for leaf in found if _UNIT.weight(leaf.name)]
    # The unit beside the balance speaks for it before one that lies elsewhere.
    named.sort(key=lambda leaf: best is not None and leaf.parents != best.parents)
    return next((c for leaf in named if (c := currency(leaf.value))), None)


def _in_name(name: str) -> str | None:
    plain = glued(name)
    return next((code for code, word in (("IRT", "toman"), ("IRR", "rial")) if word in plain), None)


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
        if not (marks_apart and (glued(k) in _SETTLED or (glued(k) in _WRAPPERS and is_scalar(v))))
        and not (k == name and is_scalar(v) and v == amount)
    }
