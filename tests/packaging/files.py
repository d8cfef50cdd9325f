"""The files of `packaging/` as they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from shomare_mqtt import config
from shomare_mqtt.config.tables import Table

TOP = Path(__file__).parents[2]
IMAGE = TOP / "packaging" / "image"
APP = TOP / "packaging" / "homeassistant"


def read_yaml(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), yaml.SafeLoader)


def variables(model: Any = config.Settings, path: str = "SHOMARE_") -> set[str]:
    """The variable of each setting that a model has."""
    names: set[str] = set()
    for name, field in model.model_fields.items():
        inner = field.annotation
        here = f"{path}{name.upper()}"
        names |= variables(inner, f"{here}__") if isinstance(inner, type) and issubclass(inner, Table) else {here}
    return names
