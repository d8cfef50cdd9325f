"""What entities are called, by `[homeassistant] language`. Their keys and ids are the same in each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LEFT_TO_RIGHT = "\u200e"
"""A mark that nobody sees: what stands between two of them is not turned around in a Persian line."""
_PERSIAN_LETTER = re.compile("[\u0600-\u06ff]")

_ENGLISH = {
    "balance": "Balance",
    "price": "Price",
    "open_orders": "Open orders",
    "number": "Number",
    "order_state": "Order state",
    "expires": "Expires",
    "code": "Code",
    "sms": "SMS",
    "order": "Order",
    "bridge": "Bridge",
    "bridge_state": "Bridge",
    "last_problem": "Last problem",
    "provider": "Provider",
    "spent_today": "Spent today",
    "success_rate": "Success rate",
    "country": "Country",
    "operator": "Operator",
    "application": "Application",
    "application_by_name": "Application by name",
    "maximum_price": "Maximum price",
    "buying": "Buying",
    "buy": "Buy",
    "cancel": "Cancel",
    "refresh": "Refresh",
    "settle_as_bought": "Settle as bought",
    "settle_as_not_bought": "Settle as not bought",
}
_PERSIAN = {
    "balance": "موجودی",
    "price": "قیمت",
    "open_orders": "سفارش‌های باز",
    "number": "شماره",
    "order_state": "وضعیت سفارش",
    "expires": "پایان مهلت",
    "code": "کد",
    "sms": "پیامک",
    "order": "سفارش",
    "bridge": "رویداد پل",
    "bridge_state": "پل",
    "last_problem": "آخرین مشکل",
    "provider": "فروشنده",
    "spent_today": "خرج امروز",
    "success_rate": "درصد موفقیت",
    "country": "کشور",
    "operator": "اپراتور",
    "application": "برنامه",
    "application_by_name": "برنامه با نام",
    "maximum_price": "حداکثر قیمت",
    "buying": "اجازهٔ خرید",
    "buy": "خرید",
    "cancel": "لغو",
    "refresh": "تازه کردن",
    "settle_as_bought": "ثبت: خریده شده",
    "settle_as_not_bought": "ثبت: خریده نشده",
}
NAMES: Mapping[str, Mapping[str, str]] = {"en": _ENGLISH, "fa": _PERSIAN}
"""Language and key to the entity's name."""
MODELS: Mapping[str, str] = {"en": "SMS numbers", "fa": "شماره‌های پیامکی"}
"""What the device is, by language."""


def watched_price(language: str, product: str) -> str:
    """What the sensor of a watched price is called; `product`: `Telegram Russia`."""
    if language == "fa":
        return f"قیمت {left_to_right(product)}"
    return f"Price {product}"


def left_to_right(text: str) -> str:
    """The text with its digits and brackets kept in their places in a Persian line; one in Persian letters as it is."""
    return text if _PERSIAN_LETTER.search(text) else f"{LEFT_TO_RIGHT}{text}{LEFT_TO_RIGHT}"
