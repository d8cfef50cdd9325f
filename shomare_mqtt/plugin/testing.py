"""A pytest fixture for authors of plugins, registered with pytest by our installation.

    def test_mine(shomare_plugin):
        trial = shomare_plugin("my_plugin.py", settings={"greeting": "hello"})
        trial.sms("Your code is 12345", code="12345")
        assert trial.published[0].payload == b"hello 12345"

docs/plugins.md tells the rest. Every pytest run on the machine imports this module, so it imports nothing of ours.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from shomare_mqtt.plugin.trial import PluginTrial


@pytest.fixture
def shomare_plugin() -> Iterator[Callable[..., PluginTrial]]:
    """A function that starts a plugin without broker and provider: `shomare_plugin(plugin, settings={}, name=None)`.

    `plugin` is a file or a folder, a module, a class, an object, or the name of an installed or shipped plugin.
    """
    from shomare_mqtt.plugin.trial import PluginTrial  # noqa: PLC0415 - see the module's docstring

    with ExitStack() as stack:

        def start(plugin: Any, settings: Mapping[str, Any] | None = None, name: str | None = None) -> PluginTrial:
            return stack.enter_context(PluginTrial(plugin, settings, name=name))

        yield start
