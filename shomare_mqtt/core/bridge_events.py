"""What `event/bridge` tells: the `event_type` of each message there (contract, section Events).

Home Assistant ignores an event whose type was not announced, so that everything said there must be one of these.
"""

from __future__ import annotations

from enum import StrEnum


class BridgeEvent(StrEnum):
    """Every `event_type` of `event/bridge`."""

    COMMAND_REFUSED = "command_refused"
    PROVIDER_STATE = "provider_state"
    BUYING_PAUSED = "buying_paused"
    BUYING_RESUMED = "buying_resumed"
    OUTCOME_UNKNOWN = "outcome_unknown"
    ORDER_PROBLEM = "order_problem"
    PRICE_CHANGED = "price_changed"
    PRICE_ABOVE_LIMIT = "price_above_limit"
    PRICE_DIFFERS = "price_differs"
    PLUGIN_FAILED = "plugin_failed"
    NAME_UNKNOWN = "name_unknown"
    MESSAGE_DROPPED = "message_dropped"
    INSTANCE_SUSPECTED = "instance_suspected"
    JOURNAL_RESTORED = "journal_restored"
    JOURNAL_NEW = "journal_new"


BRIDGE_EVENT_TYPES = tuple(event.value for event in BridgeEvent)
"""As announced to Home Assistant."""
