"""The kinds of values that settings hold, and what makes one of them impossible."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer
from pydantic_core import PydanticCustomError

from shomare_mqtt.config.addresses import host, ip_address, public_address, topic, web_address
from shomare_mqtt.config.environment import EnvironmentText

_TEN_YEARS = 10 * 365 * 86400


def _no_text(value: object) -> object:
    """A TOML text is no number and no switch; pydantic alone would read it as one."""
    if isinstance(value, str) and not isinstance(value, EnvironmentText):
        # What to write instead is found where the key is known.
        raise PydanticCustomError("quoted", "must not be in quotes")
    return value


def _number(value: object) -> object:
    """A switch is no number, though Python takes True for 1."""
    if isinstance(value, bool):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic turns only ValueErrors into messages
    return _no_text(value)


def _switch(value: object) -> object:
    if not isinstance(value, bool | EnvironmentText):
        raise PydanticCustomError("no_switch", "must be true or false")
    return value


def _id_text(value: object) -> object:
    """An id may be written as a number in TOML; an empty one is none."""
    if value == "":
        return None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _money(value: object) -> object:
    """Money goes through text, so that a TOML float loses no digits."""
    number = _number(value)
    return str(number) if isinstance(number, float) else number


def _money_as_json(value: Decimal) -> float:
    return int(value) if value == value.to_integral_value() else float(value)


def _path(value: object) -> object:
    if value == "":
        raise ValueError("must not be empty")
    return value


def _home(value: Path) -> Path:
    try:
        return value.expanduser()
    except RuntimeError as error:
        raise ValueError("~ is used, and there is no home directory") from error


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        from shomare_mqtt.config.meant import zones_for  # noqa: PLC0415 - needed where something is wrong

        near = " or ".join(zones_for(value))
        told = f"did you mean {near}?" if near else "write it as in Asia/Tehran, with the continent and the city"
        raise ValueError(f"there is no such time zone; {told}") from error
    return value


Seconds = Annotated[float, BeforeValidator(_number), Field(gt=0, le=_TEN_YEARS, allow_inf_nan=False)]
SecondsOrZero = Annotated[float, BeforeValidator(_number), Field(ge=0, le=_TEN_YEARS, allow_inf_nan=False)]
Rate = Annotated[float, BeforeValidator(_number), Field(ge=0, allow_inf_nan=False)]
Whole = Annotated[int, BeforeValidator(_number)]
Port = Annotated[Whole, Field(ge=1, le=65535)]
Count = Annotated[Whole, Field(ge=0)]
Money = Annotated[
    Decimal,
    BeforeValidator(_money),
    Field(ge=0, allow_inf_nan=False),
    # Named, since the annotation alone makes 5000.0 of 5000.
    PlainSerializer(_money_as_json, return_type=int | float, when_used="json"),
]
Switch = Annotated[bool, BeforeValidator(_switch)]
Text = Annotated[str, Field(min_length=1)]
Id = Annotated[str, BeforeValidator(_id_text)]
OptionalId = Annotated[str | None, BeforeValidator(_id_text)]
File = Annotated[Path, BeforeValidator(_path), AfterValidator(_home)]
Host = Annotated[str, AfterValidator(host)]
IpAddress = Annotated[str, AfterValidator(ip_address)]
Topic = Annotated[str, AfterValidator(topic)]
TimeZone = Annotated[str, AfterValidator(_timezone)]
WebAddress = Annotated[str, AfterValidator(web_address)]
PublicAddress = Annotated[str, AfterValidator(public_address)]
