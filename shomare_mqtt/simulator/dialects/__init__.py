"""The ways in which the simulated provider may speak. The page documents none of it: these are what sisters do."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from shomare_mqtt.simulator.dialects.body import BODY_FORM, BODY_JSON
from shomare_mqtt.simulator.dialects.path import PATH, PATH_OPTIONAL
from shomare_mqtt.simulator.dialects.path_nested import PATH_JSON, PATH_PATH
from shomare_mqtt.simulator.dialects.query import QUERY, QUERY_FORM
from shomare_mqtt.simulator.dialects.query_labels import QUERY_JSON
from shomare_mqtt.simulator.dialects.shape import Carrier, Dialect

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALL = (PATH, PATH_OPTIONAL, PATH_PATH, PATH_JSON, QUERY, QUERY_FORM, QUERY_JSON, BODY_FORM, BODY_JSON)

DIALECTS: Mapping[str, Dialect] = MappingProxyType({dialect.name: dialect for dialect in _ALL})
"""Every dialect by its name; `path` is the default."""

__all__ = ["DIALECTS", "Carrier", "Dialect"]
