"""Whether the daemon works: what `healthz` answers (contract, Web page), whatever the provider and the broker do."""

from __future__ import annotations


class Health:
    """What is looked at of a running daemon; `Daemon.health` is its own."""

    def faults(self) -> tuple[str, ...]:
        """A sentence for each thing that does not work; none where the daemon does, whether or not the provider does.

        Cheap, and to be called on the loop: nothing is awaited and no file is read.
        """
        return ()
