"""Plugins: what a plugin imports. docs/plugins.md tells how to write one."""

from shomare_mqtt.plugin.api import Api, BuyRequest, PluginError, Retry, Veto
from shomare_mqtt.plugin.hookspecs import hookimpl

__all__ = ["Api", "BuyRequest", "PluginError", "Retry", "Veto", "hookimpl"]
