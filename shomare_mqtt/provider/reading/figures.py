"""Every figure of a profile that may be the balance, and where it stands; what a purchase takes tells which one is."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import Figure
from shomare_mqtt.provider.reading.names import words, wordset
from shomare_mqtt.provider.reading.places import shown
from shomare_mqtt.provider.reading.units import unit_in_name
from shomare_mqtt.provider.reading.values import figure, is_scalar, money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shomare_mqtt.provider.reading.places import Place

MOST = 8
_NODES, _DEEPEST = 2000, 8
_NO_MONEY = wordset(
    "id ids uuid code status state error phone mobile tel telephone number no zip postal card iban sheba account "
    "date time at day month year age timestamp expire expires version page percent rate ratio level rank "
    "ip port count counts total_count orders sms verified active enabled lang language national role type"
)
"""Words of a name that counts something else: what falls under such a name by a price does so by chance."""


def figures_in(answer: Any, unit: str | None) -> Iterator[Figure]:
    """The figures of an answer, the outermost first, in the unit that each names, else in `unit`."""
    queue: deque[tuple[Any, Place]] = deque([(answer, ())])
    seen = 0
    while queue and seen < _NODES:
        node, place = queue.popleft()
        for step, value in node.items() if isinstance(node, dict) else enumerate(node):
            seen += 1
            within = (*place, step)
            if not is_scalar(value):
                queue += [(value, within)] if len(within) < _DEEPEST else []
            elif (found := figure_at(within, value, unit)) is not None:
                yield found


def figure_at(place: Place, value: Any, unit: str | None) -> Figure | None:
    """The amount at a place; None where it is none."""
    if figure(value) is None:
        return None
    name = next((step for step in reversed(place) if isinstance(step, str)), "")
    if not _NO_MONEY.isdisjoint(words(name)) or (written := shown(place)) is None:
        return None
    amount = money(value, unit_in_name(name) or unit)
    return None if amount is None else Figure(written, amount)
