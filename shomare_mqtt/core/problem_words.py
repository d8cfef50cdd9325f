"""The sentences of `bridge/problem`: what happened, what it means for its owner's money, what to do.

An error's own message is for whoever wrote the command. Of that only what this program itself says of the one case is
taken up (which limit, which name): the provider's own words about a number may quote its SMS.
"""

from __future__ import annotations

import re

from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.errors import ErrorCode

LONGEST = 255
"""Characters: a state of Home Assistant's holds no more."""

_OUTCOMES = {
    "buy": "Nothing was bought",
    "cancel": "The number was not cancelled",
    "resolve": "The order was not settled",
    "defaults": "The choice was not changed",
    "buying": "The switch was not turned",
}
"""What did not come about, by the first part of the command's topic."""
_NO_ANSWER = "The question was not answered"
_AGAIN = {"buy": "press Buy again", "cancel": "press Cancel again"}
_TRY_AGAIN = "try it again"

DOUBTFUL = (
    "The number was not cancelled: nobody knows yet whether it was bought. Look at your numbers on the provider's "
    "site, and settle the order: as bought, with its id and number, or as not bought"
)
"""Of a cancel; it holds as long as the order is in doubt."""
_PAUSED = (
    "Nothing was bought: it was not known whether the purchase before it was made, and until the balance tells nothing "
    "else is bought. Wait a minute or two and press Buy again"
)
_LISTS = {"country": "countries", "operator": "operators", "application": "applications"}
_FIELD = re.compile(r"(country|operator|application): (?=the provider's list holds no |.* is the name of several: )")
_PLACE = re.compile(r"(country|operator|application): is missing")
_FOUND = re.compile(r"(purchase|phone): is missing")
_NOTHING_DONE = re.compile(r"; nothing was (?:bought|done)(?=[;:.]|$)")

MAY_BE_BOUGHT = "may have been bought"
"""In the error of a buy that is refused while another one's outcome is looked for."""
NOBODY_KNOWS = "nobody knows whether"
"""How the error begins of a cancel of an order in doubt."""
_WITH_DETAIL = frozenset(
    {
        ErrorCode.INVALID_COMMAND,
        ErrorCode.UNKNOWN_COMMAND,
        ErrorCode.UNKNOWN_NAME,
        ErrorCode.AMBIGUOUS_NAME,
        ErrorCode.EXPIRED_COMMAND,
        ErrorCode.ORDER_NOT_FOUND,
        ErrorCode.PRICE_TOO_HIGH,
        ErrorCode.PRICE_TOO_LOW,
        ErrorCode.LIMIT_REACHED,
        ErrorCode.VETOED,
        ErrorCode.BUYING_PAUSED,
        ErrorCode.BUSY,
    }
)
"""Codes whose message is in words of ours alone, and says more than the code."""

SENTENCES = {
    ErrorCode.INVALID_COMMAND: "the command is not right ({detail}). Send it as the documentation says",
    ErrorCode.UNKNOWN_COMMAND: "{detail}. Look at how its topic is written",
    ErrorCode.UNKNOWN_NAME: "{detail}. Choose one from the list and {again}",
    ErrorCode.AMBIGUOUS_NAME: "{detail}. Take the id and {again}",
    ErrorCode.RETAINED_COMMAND: (
        "the command was sent retained, and would come again after every restart. Send it without the retain flag"
    ),
    ErrorCode.EXPIRED_COMMAND: "{detail}. If it is still wanted, {again}",
    ErrorCode.DUPLICATE_COMMAND: (
        "the same was asked for twice within moments, and counts once. The first one's outcome holds; to buy one more, "
        "wait a few seconds and {again}"
    ),
    ErrorCode.TRANSACTION_CONFLICT: ("its transaction was used for something else before. Send it with a new one"),
    ErrorCode.ORDER_NOT_FOUND: "{detail}. No money moved; look at the list of open numbers",
    ErrorCode.ORDER_CLOSED: "it is over already, and no money moved now. Nothing is left to do",
    ErrorCode.NOT_CANCELLABLE: "an SMS is there, and what was paid stays paid. Use its code",
    ErrorCode.CANCELLED: "it was cancelled before a number was to be had, and nothing was paid. Nothing is left to do",
    ErrorCode.PRICE_TOO_HIGH: "{detail}. Raise your maximum price, or choose another operator or country",
    ErrorCode.PRICE_TOO_LOW: "{detail}. Lower your minimum price, or choose another operator or country",
    ErrorCode.LIMIT_REACHED: "your limit {detail}. Wait until there is room again, or raise it in the settings",
    ErrorCode.VETOED: "a plugin of yours said no ({detail})",
    ErrorCode.BUYING_PAUSED: "{detail}. Once that is over, {again}",
    ErrorCode.INVALID_TOKEN: (
        "the provider does not take your token, so no money moved. Put the right one into the settings "
        "(provider.token) and restart"
    ),
    ErrorCode.ACCOUNT_BLOCKED: "the provider says that your account is blocked. Ask the provider",
    ErrorCode.INSUFFICIENT_BALANCE: (
        "there is too little money in your wallet at the provider, and none was taken. Fill it up and {again}"
    ),
    ErrorCode.MISSING_TOKEN: (
        "the provider saw no token, so no money moved. Look at provider.base_url and provider.proxy in the settings"
    ),
    ErrorCode.NOT_FOUND: "the provider knows no such {thing}, and no money moved. {look}",
    ErrorCode.UNKNOWN_ENDPOINT: (
        "the provider has no such address, and no money moved. Look at provider.base_url in the settings, then run "
        "shomare-mqtt doctor"
    ),
    ErrorCode.METHOD_NOT_ALLOWED: (
        "the provider takes no such request, and no money moved. Look at provider.base_url in the settings, then run "
        "shomare-mqtt doctor"
    ),
    ErrorCode.NO_NUMBERS: (
        "the provider has none there just now, and took no money. Try it later, or choose another operator or country"
    ),
    ErrorCode.PROVIDER_ERROR: (
        "the provider said no, and no money moved. Wait a little and {again}; where that stays so, ask the provider"
    ),
    ErrorCode.MALFORMED_ANSWER: (
        "an answer of the provider that is needed for it could not be understood. Run shomare-mqtt doctor, which shows "
        "what is not understood"
    ),
    ErrorCode.PROVIDER_UNREACHABLE: (
        "the provider could not be reached, and no money moved. Look at your network; then {again}"
    ),
    ErrorCode.PROVIDER_TIMEOUT: "the provider did not answer in time. Wait a little and {again}",
    ErrorCode.OUTCOME_UNKNOWN: (
        "the provider's answer was lost, and the balance shows that nothing was paid. If it is still wanted, {again}"
    ),
    ErrorCode.BUSY: "{detail}. Wait a little and {again}",
    ErrorCode.TOO_LARGE: "the answer is larger than your broker takes. Ask for less",
    ErrorCode.INTERNAL_ERROR: (
        "this program made a mistake; its log has the details. Look at your orders before you try it again"
    ),
}
"""What follows what did not come about, for every code; `{detail}` is the error's own message."""

_OF_A_CANCEL = {
    ErrorCode.PROVIDER_ERROR: (
        "The number was not cancelled, and stays open: the provider said no. Many do so in the first minutes, or once "
        "an SMS is on its way. No money came back yet; wait a little and press Cancel again"
    ),
    ErrorCode.PROVIDER_TIMEOUT: (
        "It is not known whether the number was cancelled: the provider did not answer. Its money may be back. Press "
        "Cancel again: that costs nothing"
    ),
    ErrorCode.MALFORMED_ANSWER: (
        "It is not known whether the number was cancelled: the provider's answer could not be understood. Its money "
        "may be back. Press Cancel again: that costs nothing"
    ),
    ErrorCode.INTERNAL_ERROR: (
        "It is not known whether the number was cancelled: this program made a mistake; its log has the details. Its "
        "money may be back. Look at your orders before you try it again"
    ),
    ErrorCode.ORDER_CLOSED: (
        "Nothing was cancelled: that number is over already. No money moved, and nothing is left to do"
    ),
}
"""Whole sentences, where a cancel is another matter than the rest."""

OF_AN_OPEN_NUMBER = frozenset(
    {
        ErrorCode.PROVIDER_ERROR,
        ErrorCode.PROVIDER_TIMEOUT,
        ErrorCode.PROVIDER_UNREACHABLE,
        ErrorCode.MALFORMED_ANSWER,
    }
)
"""Codes of a cancel whose sentence holds as long as the number is open: it says to press Cancel again."""

_OF_A_BUY = {
    # The same may have come before, and been carried out: a sender that had no answer sends it again.
    ErrorCode.EXPIRED_COMMAND: (
        "Nothing was bought now: {detail}. If it is still wanted, look at your orders whether it was bought before, "
        "and {again}"
    ),
    ErrorCode.RETAINED_COMMAND: f"Nothing was bought now: {SENTENCES[ErrorCode.RETAINED_COMMAND]}",
    ErrorCode.DUPLICATE_COMMAND: (
        "Nothing more was bought: the same was asked for twice within moments, and counts once. The first one's "
        "outcome holds; to buy one more, wait a few seconds and press Buy again"
    ),
    ErrorCode.INTERNAL_ERROR: (
        "It is not known whether a number was bought: this program made a mistake; its log has the details. Look at "
        "your orders and at your numbers on the provider's site before you buy again"
    ),
}
"""Whole sentences, where "nothing was bought" may not be so."""
_WHOLE = {"cancel": _OF_A_CANCEL, "buy": _OF_A_BUY}

PROVIDER = {
    "unreachable": (
        "The provider cannot be reached: nothing can be bought, and SMS of open numbers are fetched once it is back. "
        "It is asked again by itself. If it stays away, look at your network and at provider.base_url"
    ),
    "unauthorized": (
        "The provider refuses your token: nothing can be bought, and no SMS of open numbers is fetched. Put the right "
        "one into the settings (provider.token) and restart"
    ),
    "blocked": (
        "The provider says that your account is blocked: nothing can be bought, and no SMS of open numbers is fetched. "
        "Ask the provider what becomes of your money"
    ),
    "misunderstood": (
        "The provider's answers cannot be understood: codes and balance may be missing. A filter may answer in its "
        "place, or provider.base_url is wrong. Buy nothing, and run shomare-mqtt doctor"
    ),
}
"""For every state of the provider but `online`."""

JOURNAL_RESTORED = (
    "An older copy of the journal is in use: numbers bought since it was made are unknown here. Buying pauses so that "
    "nothing is paid for twice. Look at your numbers on the provider's site, then switch buying on again"
)


def fitting(text: str) -> str:
    """A sentence within the 255 characters that there is room for, cut after a word."""
    text = " ".join(text.split())
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST - 1].rpartition(' ')[0] or text[: LONGEST - 1]}…"


def refused(command: str, code: ErrorCode, message: str) -> str:
    """That a command was answered with an error; `message`: the error's own."""
    kind = command.partition("/")[0]
    again = _AGAIN.get(kind, _TRY_AGAIN)
    words = {"again": again, "detail": _detail(code, message), **_of_a_thing(kind)}
    if (whole := _WHOLE.get(kind, {}).get(code)) is not None:
        return f"{whole.format(**words)}."
    outcome = _OUTCOMES.get(kind, _NO_ANSWER)
    if code is ErrorCode.NOT_CANCELLABLE and message.startswith(NOBODY_KNOWS):
        return f"{DOUBTFUL}."
    if code is ErrorCode.BUYING_PAUSED and MAY_BE_BOUGHT in message:
        return f"{_PAUSED}."
    if code is ErrorCode.INVALID_COMMAND and kind == "resolve":
        return f"{outcome}: {_not_settled(message)}."
    if code is ErrorCode.INVALID_COMMAND and (place := _PLACE.match(message)) is not None:
        field = place[1]
        return f"{outcome}: no {field} is chosen. Choose one and {again}."
    return f"{outcome}: {SENTENCES[code].format(**words)}."


def _not_settled(message: str) -> str:
    if (found := _FOUND.match(message)) is not None:
        what = {"purchase": "the purchase's id", "phone": "the number"}[found[1]]
        return f"{what} is missing. Give both, the id first, as your numbers on the provider's site show them"
    return _detail(ErrorCode.INVALID_COMMAND, message)


def still_unknown(why: str, what: str, money: str | None) -> str:
    """That a number may have been bought, after its owner's word on it was refused; `why`: the sentence of that."""
    return f"{why} A number for {what} may have been bought, and {money or 'its price'} may be gone."


def _of_a_thing(kind: str) -> dict[str, str]:
    """What the provider does not know."""
    if kind == "buy":
        return {"thing": "product", "look": "Choose another application, country or operator"}
    return {"thing": "number", "look": "Look at your numbers on the provider's site"}


def _detail(code: ErrorCode, message: str) -> str:
    if code not in _WITH_DETAIL:
        return ""
    return _NOTHING_DONE.sub("", _of_a_list(message)).rstrip(".")


def _of_a_list(message: str) -> str:
    """What is wrong with a name, with its list named in words instead of its field in front."""
    if (field := _FIELD.match(message)) is None:
        return message
    return message.removeprefix(field[0]).replace(
        "the provider's list", f"the provider's list of {_LISTS[field[1]]}", 1
    )


def unknown(what: str, money: str | None, charged: str | None, *, is_settled: bool) -> str:
    """That a number may have been bought. `what`: it; `money`: its price; `charged`: by how much the balance fell."""
    if charged is not None:
        return (
            f"Probably bought: the balance fell by {charged}, and the answer with the number for {what} was lost. Look "
            "at your numbers on the provider's site, and settle the order: as bought, with its id and number, or as "
            "not bought."
        )
    gone = f"{money} may be gone" if money else "its price may be gone"
    if not is_settled:
        return (
            f"A number for {what} may have been bought, and {gone}: the answer was lost. It is not asked for again. "
            "The balance may tell within a minute or two; nothing else is bought until then."
        )
    return (
        f"A number for {what} may have been bought, and {gone}: the answer was lost. Look at your numbers on the "
        "provider's site, and settle the order: as bought, with its id and number, or as not bought."
    )


def nothing_paid(what: str) -> str:
    """That an order in doubt failed by itself."""
    return (
        f"Nothing was bought: the answer for {what} was lost, and the balance stayed as it was, so nothing was paid. "
        "If it is still wanted, press Buy again."
    )


def not_refunded(what: str, money: str | None, *, is_refused: bool) -> str:
    """That an order is over, and its money not back as far as is known."""
    paid = money or "what it cost"
    if is_refused:
        return (
            f"The number for {what} got no SMS, and the provider did not give {paid} back. Look at it on the "
            "provider's site, and ask the provider."
        )
    return (
        f"The number for {what} is over without an SMS, and nobody knows whether {paid} came back. Look at it on the "
        "provider's site, and at your balance."
    )


def above_limit(what: str, money: str, limit: str) -> str:
    """That a number came dearer than its owner wanted."""
    return (
        f"The number for {what} cost {money}, more than your maximum price of {limit}. It is kept. If you do not "
        "want it at that price, cancel it before an SMS comes: then its money comes back."
    )


def no_id(what: str) -> str:
    """That nobody can ask for the SMS of a number that is paid for."""
    return (
        f"The number for {what} is paid for, and its SMS cannot be fetched: the provider knows none of the ids that it "
        "gave. Look at your numbers on its site; the log says which setting helps (buy.purchase)."
    )


EVENTS = (
    BridgeEvent.OUTCOME_UNKNOWN,
    BridgeEvent.JOURNAL_RESTORED,
    BridgeEvent.PROVIDER_STATE,
    BridgeEvent.COMMAND_REFUSED,
    BridgeEvent.ORDER_PROBLEM,
    BridgeEvent.PRICE_ABOVE_LIMIT,
)
"""Every `event_type` that a problem can be of."""
