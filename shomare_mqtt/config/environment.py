"""Settings out of environment variables: `SHOMARE_<TABLE>__<KEY>`, in any letter case (contract, section Settings).

pydantic-settings reads them. It is imported where there are any: most daemons have a file alone, and it costs
memory and time.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo
    from pydantic_settings import BaseSettings, EnvSettingsSource

PREFIX = "SHOMARE_"
DELIMITER = "__"


class EnvironmentText(str):
    """A value from the environment: the one place where a text may stand for a number or a switch."""

    __slots__ = ()


class VariableError(ValueError):
    """A variable that has to be JSON and is not. Its text is the key's path alone: the value may be a secret."""


def tables_in_environment(model: type[BaseModel]) -> dict[str, Any]:
    """What the variables set of a model whose fields are tables, or lists of them. Raises VariableError."""
    if not any(name.upper().startswith(PREFIX) for name in os.environ):
        return {}
    from pydantic_settings import SettingsError  # noqa: PLC0415 - see above

    try:
        found = _source(model)()
    except SettingsError as error:
        raise VariableError(str(error.__cause__)) from None
    return {name: value for name, value in found.items() if value is not None}


def _source(model: type[BaseModel]) -> EnvSettingsSource:
    from pydantic_settings import EnvSettingsSource  # noqa: PLC0415 - see above

    class Environment(EnvSettingsSource):
        """The variables, their texts marked as such."""

        def __call__(self) -> dict[str, Any]:
            self.env_vars = {k: EnvironmentText(v) if v is not None else None for k, v in self.env_vars.items()}
            return super().__call__()

        def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
            """JSON. Raises ValueError with the key's path alone: the value may be a secret."""
            try:
                return super().decode_complex_value(field_name, field, value)
            except (ValueError, RecursionError):
                name = next(name for name, text in self.env_vars.items() if text is value)
                raise ValueError(name.removeprefix(self.env_prefix.lower()).replace(DELIMITER, ".")) from None

    # It asks of the model what every model has, and of no settings but those that it is given here.
    return Environment(
        cast("type[BaseSettings]", model), case_sensitive=False, env_prefix=PREFIX, env_nested_delimiter=DELIMITER
    )


def outranking(tables: Mapping[str, Any], file: Mapping[str, Any]) -> dict[str, Any]:
    """Both as one, key by key in tables within tables; where both set a key, the first one's counts."""
    both = dict(file)
    for name, value in tables.items():
        held = both.get(name)
        both[name] = outranking(value, held) if isinstance(value, dict) and isinstance(held, dict) else value
    return both
