"""The Jinja texts of the discovery: Home Assistant renders them for each message, and for each press of a button.

An empty payload leaves `value_json` undefined, and most entities ignore an empty result: what is not there is rendered
as `None`, which they show as unknown. Rows and texts are cut, as the recorder takes no more than 16 KiB of attributes.
"""

from __future__ import annotations

import json

from shomare_mqtt.model import OrderState

_DATA = "{% set data = value_json if value_json is mapping else {} %}"
_LIST = (
    "{% set list = value_json if value_json is defined and value_json is iterable"
    " and value_json is not mapping and value_json is not string else [] %}"
)

MOST_ORDERS = 20
"""Open orders among the attributes; with names of 32 characters they stay below 16 KiB in any script. A transaction is
there where it is short, as those of scripts are: cut it would be another one."""

TEXT = "{{ value if value else none }}"
"""The payload as it is."""

NAME = "{{ value[:255] }}"
"""A text's state: empty where there is none, since a text would show `None` as a word."""
EMPTY = "{{ '' }}"
NUMBER_OR_ZERO = "{{ 0 if not value else value if value | float(0) <= 1000000000 else 1000000000 }}"
"""A limit: none is 0, and one beyond the entity's range is shown as the range's end."""

COUNT = _LIST + "{{ list | count if value else none }}"
"""How long the list is."""

IN_DOUBT = (
    _LIST + "{{ 'online' if list | selectattr('state', 'defined') | selectattr('state', 'eq', 'unknown') | list"
    " else 'offline' }}"
)
"""Whether nobody knows of one of the orders whether it was bought."""

_PROBLEM = _DATA + "{% set problem = data.get('problem') if data.get('problem') is mapping else {} %}"
PROBLEM = (
    _PROBLEM + "{{ none if 'problem' not in data else 'none' if not problem else"
    " (problem.get('message') or problem.get('event_type') or '') [:255] or 'none' }}"
)
"""What needs a person's eyes, as long as a state may be; `none` where nothing does."""
_PROBLEM_FIELDS = ("event_type", "code", "order", "transaction", "at", "more")
PROBLEM_ATTRIBUTES = (
    _PROBLEM + "{{ {" + ", ".join(f"'{name}': problem.get('{name}')" for name in _PROBLEM_FIELDS) + "} | tojson }}"
)

PROVIDER = _DATA + "{{ none if 'state' not in data else 'ON' if data.get('state') == 'online' else 'OFF' }}"
"""Whether the provider answers, and takes the account."""

PROVIDER_AVAILABLE = _DATA + "{{ 'online' if data.get('state') in ['online', 'misunderstood'] else 'offline' }}"
"""Whether the provider can be asked to buy and to cancel."""

PROVIDER_ATTRIBUTES = (
    _DATA + "{% set error = data.get('error') %}"
    "{% set error = (error.get('message') or error.get('code')) if error is mapping else error %}"
    "{{ {'provider_state': data.get('state'), 'since': data.get('since'),"
    " 'error': (error | string)[:1000] if error else none,"
    " 'fields': (data.get('fields') or [])[:50]} | tojson }}"
)

STOCK = (
    _DATA + "{{ {'stock': data.get('count'), 'country': data.get('country'), 'operator': data.get('operator'),"
    " 'application': data.get('application'), 'updated_at': data.get('updated_at')} | tojson }}"
)
"""What stands beside the price of a quote."""

_TOTAL = _DATA + "{% set total = data.get('total') or {} %}"
SPENT_TODAY = _TOTAL + "{{ total.get('spent_today') }}"
DAY_BEGAN = _DATA + "{{ ((data.until | as_datetime) - timedelta(days=1)).isoformat() if data.get('until') else '' }}"
"""When today began by the provider's clock: long-term statistics then know that the sum began anew. Where the clocks
change it is an hour off, and changes once a day all the same. An empty result is passed over."""

SUCCESS_RATE = (
    _TOTAL + "{{ (total.success * 100) | round(1)"
    " if (total.get('orders') or 0) >= 3 and total.get('success') is number else none }}"
)
"""In per cent; of fewer than three orders it tells nothing."""

ORDERS = (
    _LIST + "{% set seen = namespace(rows=[]) %}"
    f"{{% for order in list[:{MOST_ORDERS}] %}}"
    "{% set seen.rows = seen.rows + [{"
    "'order': order.get('order'), 'purchase': (order.get('purchase') or '') | string | truncate(32, true, '…', 0),"
    " 'state': order.get('state'), 'phone': order.get('phone'),"
    " 'country': (order.get('country_name') or order.get('country')) | string | truncate(32, true, '…', 0),"
    " 'operator': (order.get('operator_name') or order.get('operator')) | string | truncate(32, true, '…', 0),"
    " 'application': (order.get('application_name') or order.get('application')) | string"
    " | truncate(32, true, '…', 0),"
    " 'price': order.get('price'), 'created_at': order.get('created_at'), 'expires_at': order.get('expires_at'),"
    " 'sms_count': order.get('sms_count'), 'charged': order.get('charged'),"
    " 'transaction': order.get('transaction')"
    " if (order.get('transaction') or '') | string | urlencode | length <= 64 else none}] %}"
    "{% endfor %}{{ {'orders': seen.rows} | tojson }}"
)
"""The open orders with what a card shows of them."""

STATES = {OrderState.UNKNOWN: "outcome_unknown"}
"""Order states that are called otherwise: `unknown` means to Home Assistant that there is no state."""
ORDER_STATE = _DATA + f"{{{{ {json.dumps(STATES)}.get(data.get('state'), data.get('state')) }}}}"

_CURRENT = (
    "order",
    "purchase",
    "transaction",
    "country",
    "country_name",
    "operator",
    "operator_name",
    "application",
    "application_name",
    "price",
    "created_at",
    "expires_at",
    "closed_at",
    "sms_count",
    "refunded",
    "charged",
)
CURRENT = (
    _DATA
    + "{{ {"
    + ", ".join(f"'{name}': data.get('{name}')" for name in _CURRENT)
    + ", 'error': ((data.get('error') or {}).get('message') or '')[:1000] or none} | tojson }}"
)
"""The order without its SMS, of which there may be many."""

# An SMS without a code says nothing of the code that is shown.
CODE_ATTRIBUTES = (
    _DATA + "{% set before = this.attributes if this is defined and this.attributes is mapping else {} %}"
    "{% if data.get('code') %}{{ {'order': data.get('order'), 'number': data.get('phone'),"
    " 'application': data.get('application_name') or data.get('application')} | tojson }}"
    "{% else %}{{ {'order': before.get('order'), 'number': before.get('number'),"
    " 'application': before.get('application')} | tojson }}{% endif %}"
)
"""Of which order the code is; the event comes just before its code."""

MOST_RECENT = 8
"""SMS that the newest one remembers; with it they stay below 16 KiB."""

SMS_EVENT = (
    _DATA + "{% set known = this.attributes.get('recent') if this is defined and this.attributes is mapping else [] %}"
    "{% set row = {'sms': data.get('sms'), 'order': data.get('order'), 'phone': data.get('phone'),"
    " 'application': (data.get('application_name') or data.get('application') or '') | string"
    " | truncate(32, true, '…', 0), 'code': data.get('code'),"
    " 'text': (data.get('text') or '') | string | truncate(120, true, '…', 0),"
    " 'received_at': data.get('received_at')} %}"
    "{% set others = (known or []) | rejectattr('sms', 'eq', row.sms) | list %}"
    "{{ dict(data, text=data.get('text')[:2000] if data.get('text') else none,"
    f" recent=([row] + others)[:{MOST_RECENT}]) | tojson if data else '' }}}}"
)
"""An SMS, and the last ones before it, each once. Home Assistant keeps an event's attributes over its own restart, so
that `recent` tells the code of each open number, and of those before, where a sensor's history repeats a code."""

ORDER_EVENT = (
    _DATA + "{% set order = data.get('order') or {} %}"
    "{{ dict(data, order=dict(order, sms=(order.get('sms') or [])[-20:])) | tojson if data else '' }}"
)
BRIDGE_EVENT = (
    _DATA + "{{ dict(data, message=(data.get('message') or '') | string | truncate(2000, true, '…', 0))"
    " | tojson if data else '' }}"
)

# A button has no state of its own, so two taps are told from two purchases by what is known of the newest order. While
# that one, bought by this button, is still being bought, or became live less than 3 s ago, a press means it again.
# Before the first tap's order is known, taps within 10 s have the same newest order before them and so are one; the
# time of its last change tells whether it was the newest all along, or became it again by a cancel.
BUY = (
    "{%- set seen = namespace(order='', again='') -%}"
    "{%- if device_id is defined and device_entities is defined -%}"
    "{%- for entity in device_entities(device_id(entity_id)) if state_attr(entity, 'created_at') -%}"
    "{%- set seen.order = '%s-%d' | format(state_attr(entity, 'order'),"
    " states[entity].last_updated.timestamp() * 1000) -%}"
    "{%- set transaction = state_attr(entity, 'transaction') | string -%}"
    "{%- set age = (utcnow() - states[entity].last_changed).total_seconds() -%}"
    "{%- if transaction.startswith('ha-')"
    " and (is_state(entity, 'buying') or (is_state(entity, 'waiting') and age < 3)) -%}"
    "{%- set seen.again = transaction -%}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "{{ {'transaction': seen.again or 'ha-%d-%s' | format(utcnow().timestamp() / 10, seen.order),"
    " 'expires_at': (utcnow() + timedelta(minutes=1)).strftime('%Y-%m-%dT%H:%M:%SZ')} | tojson }}"
)

# Taps within 5 s cancel one order: the second one's `current` may be another order by then.
CANCEL = (
    "{{ {'order': 'current', 'transaction': 'ha-%d' | format(utcnow().timestamp() / 5),"
    " 'expires_at': (utcnow() + timedelta(minutes=1)).strftime('%Y-%m-%dT%H:%M:%SZ')} | tojson }}"
)


# The one order that is in doubt, so that a press that comes twice is one. Where it is not clear which, taps within 10 s
# are one.
_DOUBTED = (
    "{%- set doubted = namespace(orders=[]) -%}"
    "{%- if device_id is defined and device_entities is defined -%}"
    "{%- for entity in device_entities(device_id(entity_id)) if state_attr(entity, 'orders') -%}"
    "{%- set doubted.orders = doubted.orders + (state_attr(entity, 'orders')"
    " | selectattr('state', 'eq', 'unknown') | map(attribute='order') | list) -%}"
    "{%- endfor -%}{%- endif -%}"
    "{%- set which = doubted.orders[0] if doubted.orders | count == 1 else '%d' | format(utcnow().timestamp() / 10) -%}"
)
FEWEST_DIGITS = 7
"""Of a number with its country's code."""
_INVISIBLE = "".join(map(chr, (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF)))
"""What a page in Persian puts around a number, and copying it takes along: the provider would know no such id."""
_A_MINUTE = "(utcnow() + timedelta(minutes=1)).strftime('%Y-%m-%dT%H:%M:%SZ')"
SETTLE_NOT_BOUGHT = (
    _DOUBTED + "{{ {'order': 'unknown', 'outcome': 'not_bought',"
    f" 'transaction': 'ha-not-bought-' ~ which, 'expires_at': {_A_MINUTE}}} | tojson }}}}"
)

# What was typed the wrong way around, or is no number, is left out, and the daemon says that it is missing: settled so,
# a number that was paid for would never be watched. Of the number only what tells one from another goes into the
# transaction, which more eyes see.
SETTLE_BOUGHT = (
    _DOUBTED + "{%- set typed = namespace(text='', digits=0) -%}"
    f"{{%- for letter in value | string | reject('in', {json.dumps(_INVISIBLE)}) -%}}"
    "{%- set place = '۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩'.find(letter) -%}"
    "{%- set typed.text = typed.text ~ ('01234567890123456789'[place] if place >= 0 else letter) -%}"
    "{%- endfor -%}"
    "{%- set words = typed.text.split() -%}"
    "{%- set purchase = words[0] | trim(',;:،') if words and not words[0].startswith('+') else '' -%}"
    "{%- set phone = words[1:] | join -%}"
    "{%- set digits = phone | select('in', '0123456789') | list | count -%}"
    "{%- set others = phone | reject('in', '+0123456789-()') | list | count -%}"
    f"{{%- set phone = phone if digits >= {FEWEST_DIGITS} and not others and '+' not in phone[1:] else '' -%}}"
    "{{ {'order': 'unknown', 'outcome': 'bought', 'purchase': purchase, 'phone': phone,"
    " 'transaction': 'ha-bought-%s-%s-%d-%s' | format(which, purchase[:64], phone | length, phone[-2:]),"
    f" 'expires_at': {_A_MINUTE}}} | tojson }}}}"
)
"""`PURCHASE PHONE`, as it was typed."""


def field(name: str) -> str:
    """One field of a JSON object; `None` where it is null or missing."""
    return f"{_DATA}{{{{ data.get({literal(name)}) }}}}"


def product_price(application: str) -> str:
    """The price of one application in a price list."""
    return f"{_row(application)}{{{{ row.get('price') }}}}"


def product_stock(application: str) -> str:
    """What stands beside that price."""
    return (
        f"{_row(application)}{{{{ {{'stock': row.get('count'), 'country': data.get('country'), 'operator':"
        f" data.get('operator'), 'application': {literal(application)}, 'updated_at': data.get('updated_at')}}"
        " | tojson }}"
    )


def option(renamed: dict[str, str]) -> str:
    """The option that a label stands for, or `None`: a select logs an error for what it does not offer.

    `renamed`: labels that the select shows otherwise. The options are read from the entity, since a label may come
    before the discovery that offers it.
    """
    return (
        f"{{% set shown = {_object(renamed)}.get(value, value) %}}"
        "{% set options = this.attributes.get('options') if this is defined and this.attributes is mapping else none %}"
        "{{ shown if shown and (options is none or shown in options) else none }}"
    )


def literal(text: str) -> str:
    """A text within a template; Jinja reads the same escapes as JSON has."""
    return json.dumps(text, ensure_ascii=False)


def _object(texts: dict[str, str]) -> str:
    return "{" + ", ".join(f"{literal(key)}: {literal(text)}" for key, text in texts.items()) + "}"


def _row(application: str) -> str:
    found = f"(data.get('prices') or []) | selectattr('application', 'eq', {literal(application)}) | first"
    return f"{_DATA}{{% set row = {found} | default({{}}) %}}"
