"""The tolerant reading of the provider's answers: pure functions from bytes to the model, without input or output.

The provider documents only `status` and `code`; every other field is found by vote: names, shapes, the values
themselves and what is known already. What was there and not understood is named in `unread`.
"""

from shomare_mqtt.provider.reading.by_hand import ByHand
from shomare_mqtt.provider.reading.cancellations import read_cancel
from shomare_mqtt.provider.reading.catalogs import read_catalog
from shomare_mqtt.provider.reading.checks import read_check
from shomare_mqtt.provider.reading.decode import Context, RawAnswer
from shomare_mqtt.provider.reading.prices import names_any_price, read_price, read_prices
from shomare_mqtt.provider.reading.profiles import read_profile
from shomare_mqtt.provider.reading.purchases import read_buy
from shomare_mqtt.provider.reading.values import currency

__all__ = [
    "ByHand",
    "Context",
    "RawAnswer",
    "currency",
    "names_any_price",
    "read_buy",
    "read_cancel",
    "read_catalog",
    "read_check",
    "read_price",
    "read_prices",
    "read_profile",
]
