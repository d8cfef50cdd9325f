"""`python -m tests.crash.dying PLACE TIME FILE run --config …`: the daemon, which dies at a COMMIT after a `buy`.

See tests.crash.points: PLACE is `before COMMIT` or `after COMMIT`, TIME which time that it is reached.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from shomare_mqtt.__main__ import main as run
from shomare_mqtt.daemon import broker
from shomare_mqtt.mqtt.session import Session
from tests.crash.points import Points

if TYPE_CHECKING:
    from shomare_mqtt.model import Incoming
    from shomare_mqtt.mqtt.session import SessionListener


def main() -> int | str | None:
    place, time, file, *sys.argv[1:] = sys.argv[1:]
    points = Points((place, int(time)), Path(file))

    def session(settings: Any, subscriptions: Any, listener: SessionListener, **rest: Any) -> Session:
        def message(incoming: Incoming, ack: Any) -> None:
            if incoming.topic.endswith("/buy"):
                points.arm()
            listener.message(incoming, ack)

        return Session(settings, subscriptions, replace(listener, message=message), **rest)

    with points.watching_commits(), patch.object(broker, "Session", session):
        return run()


if __name__ == "__main__":
    sys.exit(main())
