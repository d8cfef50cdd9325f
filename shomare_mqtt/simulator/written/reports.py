"""A report of `shomare-mqtt doctor` as a dialect's file: answers as they came, and plain ones for what nobody asked."""

from __future__ import annotations

from typing import Any

_ONLY_IN_REPORTS = ("version", "python", "content_types", "findings", "learnt", "shapes", "settings")
_NOT_IN_REPORTS: dict[str, Any] = {
    "buy": {"status": True, "data": {"id": "{purchase.number}", "number": "+{purchase.phone}"}},
    "check": {"status": True, "data": {"id": "{purchase.number}", "state": "{state}", "code": "{sms.code}"}},
    "cancel": {"status": True},
}
_NOTHING = dict.fromkeys(
    ("profile", "allcountries", "alloperators", "allapplications", "pricebycountry", "pricebyproduct")
)
"""What stands for an answer that held no JSON, or never came."""


def without_report(content: Any) -> Any:
    """The file's content as a dialect's; as it is where it is no report."""
    if not isinstance(content, dict) or not all(name in content for name in _ONLY_IN_REPORTS):
        return content
    answers = content.get("answers")
    kept = {name: value for name, value in content.items() if name not in _ONLY_IN_REPORTS}
    every = _NOTHING | _NOT_IN_REPORTS | (answers if isinstance(answers, dict) else {})
    return kept | {"answers": every, "any_place": True}
