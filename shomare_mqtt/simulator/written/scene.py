"""What an answer is rendered from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

    from shomare_mqtt.simulator.catalog import Catalog, Entry, Offer
    from shomare_mqtt.simulator.dialects.shape import PurchaseView, Refusal, SmsView


@dataclass(frozen=True, slots=True)
class Scene:
    """The values that an answer, or a loop within it, speaks of. `sms` is a loop's, None outside one."""

    catalog: Catalog
    country: Entry | None = None
    operator: Entry | None = None
    application: Entry | None = None
    purchase: PurchaseView | None = None
    sms: SmsView | None = None
    balance: Decimal | None = None
    refusal: Refusal | None = None

    @property
    def offer(self) -> Offer | None:
        """Price and stock of the application in the country with the operator."""
        if self.country is None or self.operator is None or self.application is None:
            return None
        return self.catalog.offer((self.country.id, self.operator.id, self.application.id))

    @property
    def newest(self) -> SmsView | None:
        """The loop's SMS, outside a loop the one that came last."""
        return self.sms or (self.purchase.newest if self.purchase else None)
