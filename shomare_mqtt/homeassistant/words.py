"""What entities are called, by `[homeassistant] language`. Their keys and ids are the same in each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LEFT_TO_RIGHT = "\u200e"
"""A mark that nobody sees: what stands between two of them is not turned around in a Persian line."""
_PERSIAN_LETTER = re.compile("[\u0600-\u06ff]")

# In the order in which Home Assistant is told of them, and in which its own dashboards show most of them.
_ENGLISH = {
    "application": "Application",
    "application_by_name": "Application by name",
    "country": "Country",
    "operator": "Operator",
    "maximum_price": "Maximum price",
    "price": "Price",
    "buy": "Buy",
    "number": "Number",
    "code": "Code",
    "order_state": "Order state",
    "expires": "Expires",
    "cancel": "Cancel",
    "open_orders": "Open orders",
    "balance": "Balance",
    "last_problem": "Last problem",
    "settle_as_not_bought": "Settle as not bought",
    "settle_as_bought": "Settle as bought",
    "sms": "SMS",
    "order": "Order",
    "bridge": "Bridge",
    "bridge_state": "Bridge",
    "provider": "Provider",
    "buying": "Buying",
    "refresh": "Refresh",
    "spent_today": "Spent today",
    "success_rate": "Success rate",
}
_PERSIAN = {
    "application": "برنامه",
    "application_by_name": "برنامه با نام",
    "country": "کشور",
    "operator": "اپراتور",
    "maximum_price": "سقف قیمت",
    "price": "قیمت",
    "buy": "خرید",
    "number": "شماره",
    "code": "کد",
    "order_state": "وضعیت سفارش",
    "expires": "پایان مهلت",
    "cancel": "لغو",
    "open_orders": "سفارش‌های باز",
    "balance": "موجودی",
    "last_problem": "آخرین مشکل",
    "settle_as_not_bought": "ثبت: خریده نشده",
    "settle_as_bought": "ثبت: خریده شده",
    "sms": "پیامک",
    "order": "سفارش",
    "bridge": "رویداد پل",
    "bridge_state": "پل",
    "provider": "فروشنده",
    "buying": "اجازهٔ خرید",
    "refresh": "تازه کردن",
    "spent_today": "خرج امروز",
    "success_rate": "درصد موفقیت",
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
