"""A dialect's file as it is written, its shape checked."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shomare_mqtt.simulator.dialects.shape import Carrier
from shomare_mqtt.simulator.ledger import State
from shomare_mqtt.simulator.written.mistakes import WrongFileError
from shomare_mqtt.simulator.written.reports import without_report

if TYPE_CHECKING:
    from pathlib import Path

_REFUSED = {"status": False, "code": "{code}", "message": "{message}"}
_PLAIN_WORDS = {
    "extra_forbidden": "unknown key",
    "missing": "is missing",
    "model_type": "must be an object",
    "dict_type": "must be an object",
}

Name = Annotated[str, Field(min_length=1)]
Attributes = dict[str, dict[str, Any]]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NamesTable(_Table):
    """The parameters' names."""

    country: Name = "country"
    operator: Name = "operator"
    application: Name = "application"
    purchase: Name = "id"


class WantsTable(_Table):
    """Which attribute the endpoints take as the id."""

    country: Name = "id"
    operator: Name = "id"
    application: Name = "id"
    purchase: Name = "id"


class AttributesTable(_Table):
    """More attributes of entries, by the simulator's own ids."""

    countries: Attributes = {}
    operators: Attributes = {}
    applications: Attributes = {}


class AnswersTable(_Table):
    """Each answer with its placeholders."""

    profile: Any
    allcountries: Any
    alloperators: Any
    allapplications: Any
    pricebycountry: Any
    pricebyproduct: Any
    buy: Any
    check: Any
    cancel: Any
    refused: Any = _REFUSED


class Document(_Table):
    """The whole file. `known` is for whoever reads the answers, and passed over here; `any_place` is a report's."""

    about: str = ""
    parameters: Carrier
    buy: Carrier
    names: NamesTable = NamesTable()
    wants: WantsTable = WantsTable()
    states: dict[State, str | int | bool | Decimal | None] = {}
    attributes: AttributesTable = AttributesTable()
    http: dict[str, Any] = {}
    answers: AnswersTable
    known: Any = None
    any_place: bool = False


def read_document(path: Path) -> Document:
    """A file's content. Raises WrongFileError for one that is not there, is no JSON, or has another shape."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal, parse_constant=_no_number)
    except OSError as error:
        raise WrongFileError("", error.strerror or "cannot be read") from None
    except (ValueError, RecursionError) as error:
        raise WrongFileError("", f"is no JSON: {error}") from None
    try:
        return Document.model_validate(without_report(content))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise WrongFileError(place, _PLAIN_WORDS.get(first["type"], first["msg"])) from None


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
