"""What other parts keep in the journal, in the forms that they ask for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shomare_mqtt.core.records import stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shomare_mqtt.journal.store import Journal, PluginCall

DIALECT = "dialect"
INSTANCE = "instance"
"""Home Assistant's id of this daemon."""


class DialectMemory:
    """What was learnt of the provider's dialect, in the journal; fulfils provider.dialect.DialectMemory."""

    def __init__(self, journal: Journal, meta: dict[str, str]) -> None:
        self._journal = journal
        self._stored = meta.get(DIALECT)

    def load(self) -> dict[str, str]:
        """What was learnt by earlier processes."""
        return stored(self._stored, dict, {})

    async def save(self, learnt: dict[str, str]) -> None:
        """Keep what was learnt."""
        await self._journal.put_meta({DIALECT: json.dumps(learnt)})


class PluginMemory:
    """Calls of plugins that outlive the process; fulfils plugin.call_journal.PluginMemory."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def load(self) -> Sequence[PluginCall]:
        """All of them, oldest first."""
        return await self._journal.plugin_calls()

    async def save(self, row: PluginCall) -> None:
        """Keep one."""
        await self._journal.save_plugin_call(row)

    async def delete(self, row_id: str) -> None:
        """Forget one."""
        await self._journal.delete_plugin_call(row_id)
