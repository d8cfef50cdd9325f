"""The stable id of an SMS (contract, Events): the same SMS gets the same also from a journal that an SMS was lost from.

It tells nothing: retained orders show ids, and a plain digest of a code of six digits would be the code.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shomare_mqtt.model import Sms, SmsReading

_BYTES = 10


def sms_id(key: bytes, order: str, sms: SmsReading, number: int) -> str:
    """An id made of the order, and of what tells its SMS apart: the provider's id and the text, else the code.

    `number`: how many of the order's SMS came before that nothing tells it apart from.
    """
    said = json.dumps([order, *told_apart_by(sms), number])
    return f"{order}-{hmac.new(key, said.encode(), hashlib.sha256).digest()[:_BYTES].hex()}"


def told_apart_by(sms: Sms | SmsReading) -> tuple[str | None, str | None, str | None]:
    """What tells it apart from an order's others.

    A code may stand with the newest SMS alone, and a plugin find another one the next time: a text outranks it.
    """
    return sms.provider_id, sms.text, sms.code if sms.text is None else None
