"""Another client that takes our connection: what it looks like, and what is said of it.

Brokers of MQTT 3.1.1, and mosquitto 2.0 over MQTT 5 too, give no reason when another client takes the session.
"""

from __future__ import annotations

from shomare_mqtt.mqtt.suspects import End

STABLE = 20.0
"""Seconds after which a connection counts as stable; one that ends sooner may have been taken over. Common clients
connect again after 1 to 15 seconds."""

SHORT_LIVES = 3
"""So many connections in a row that ended soon, with no reason given, are a reason to look for another client."""

MORE_LIVES = 30
"""So many more of them are a reason to look again, where another client is suspected already."""

LASTING = 600.0
"""Seconds of one connection after which a suspicion is over: the next one is said again."""


class ShortLives:
    """Counts them. `suspected`: another client is suspected, and that was said."""

    def __init__(self) -> None:
        self._count = 0
        self._idle = 0
        self.suspected = False

    def ended(self, life: float, end: End, *, reason_given: bool) -> bool:
        """A connection of so many seconds ended; whether it is time to ask whether another daemon is there."""
        if life >= LASTING:
            self.suspected = False
        if life >= STABLE or reason_given:
            self.start_anew()
        elif end is not End.TRIAL:
            self._count += 1
            self._idle += end is End.IDLE
        if self._count < (MORE_LIVES if self.suspected else SHORT_LIVES):
            return False
        self._count = 0
        return True

    def start_anew(self) -> None:
        """Forget those so far: a broker that comes and goes ends connections too."""
        self._count = self._idle = 0

    def suspect(self) -> bool:
        """No daemon answers; whether another client is to be suspected now, and was not yet.

        Where a message was under way each time, that may be why.
        """
        is_news = self._idle >= SHORT_LIVES and not self.suspected
        self.suspected = self.suspected or is_news
        return is_news


def suspicion(client_id: str, address: str) -> str:
    """What an operator is told of another client that is no daemon of ours."""
    return (
        f"Connections to the broker at {address} keep ending within seconds, without a reason: another client, no "
        f"daemon of ours, seems to use the client id {client_id!r} too, and each takes the connection from the other. "
        "Commands and codes come late meanwhile. Give that client another id, or set another mqtt.client_id here; "
        "until then this daemon connects ever more seldom, about once a minute"
    )


def taken_over(client_id: str, address: str) -> str:
    """Why the daemon ends where another one goes on in its place."""
    return (
        f"another client took the session {client_id!r} at the broker {address}: this daemon ends and does not fight "
        "for it; orders stay in its journal. Run one daemon a base topic, and give no other client its mqtt.client_id"
    )
