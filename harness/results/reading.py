"""A record of a night or a study read back from its JSON, every field checked before anything is made of it.

Fields that this version does not know are passed over (a record may carry more as long as its schema is the
same); a field that is missing or of another type is an error that names the field.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, Union

from harness.errors import UsageError
from harness.results.record import SCHEMA, NightRecord

T = TypeVar("T")


@dataclass(frozen=True)
class Form(Generic[T]):
    """A kind of record, for reading and for messages.

    Attributes:
        kind: the dataclass, with `schema` among its fields.
        name: for people, such as "night record".
        schema: the newest that is read.
        keys: what every such file has.
        missing, damaged, foreign: what to try where there is none, it is broken, or it is something else.
    """

    kind: type[T]
    name: str
    schema: int
    keys: frozenset[str]
    missing: str
    damaged: str
    foreign: str


_NIGHT = Form(
    NightRecord,
    name="night record",
    schema=SCHEMA,
    keys=frozenset({"schema", "run", "board", "variants"}),
    missing="Make one with `earshot run`",
    damaged="Render the record of another night, or measure again with `earshot run`",
    foreign="Name the night.json of a folder that `earshot run` made",
)


_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


class _Mismatch(Exception):
    """A value that is not what the schema says, with the path of its field."""


def read_record(path: Path) -> NightRecord:
    """Reads the night record that `write_record` wrote.

    Args:
        path: the JSON file.

    Raises:
        UsageError: see `read_form`.
    """
    return read_form(path, _NIGHT)


def read_form(path: Path, form: Form[T]) -> T:
    """Reads a record of some kind.

    Args:
        path: the JSON file.
        form: the kind.

    Raises:
        UsageError: the file is not there, cut off, no such record, of a newer schema, or a field of it is
            missing or of another type; the message names the file and the field.
    """
    data = _load(path, form)
    if not isinstance(data, dict) or not form.keys <= data.keys():
        raise UsageError(f"this JSON is not a {form.name}", where=str(path), remedy=form.foreign)
    schema = data["schema"]
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise UsageError(
            f"the record's schema is {schema!r}, not a version", where=str(path), remedy=form.damaged
        )
    if schema > form.schema:
        raise UsageError(
            f"the record has schema {schema}, this Earshot reads up to {form.schema}",
            where=str(path),
            remedy="Update Earshot to the version that wrote it, or a later one",
        )
    try:
        record: T = _typed(data, form.kind, "")
    except _Mismatch as mismatch:
        raise UsageError(
            f"the {form.name} is damaged: {mismatch}", where=str(path), remedy=form.damaged
        ) from None
    return record


def _load(path: Path, form: Form[T]) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as reason:
        raise UsageError(
            f"the {form.name} cannot be read ({reason.strerror})", where=str(path), remedy=form.missing
        ) from None
    except (ValueError, RecursionError) as reason:
        raise UsageError(
            f"the {form.name} is not whole JSON ({reason})", where=str(path), remedy=form.damaged
        ) from None


def _typed(value: Any, kind: Any, field: str) -> Any:
    """`value` from JSON as the type `kind`; raises `_Mismatch` naming `field`."""
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind):
        return _dataclass(value, kind, field)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return _one_of(value, arguments, field)
    if origin is list:
        _require(isinstance(value, list), value, "a list", field)
        return [_typed(item, arguments[0], f"{field}[{index}]") for index, item in enumerate(value)]
    if origin is dict:
        _require(isinstance(value, dict), value, "an object", field)
        return {name: _typed(item, arguments[1], f"{field}.{name}") for name, item in value.items()}
    if kind is float:  # JSON has one kind of number: 3.0 may come back as 3
        _require(isinstance(value, (int, float)) and not isinstance(value, bool), value, "a number", field)
        return float(value)
    accepted = type(value) is kind  # not isinstance: True is no count
    _require(accepted, value, _NAMES[kind], field)
    return value


def _one_of(value: Any, kinds: tuple[Any, ...], field: str) -> Any:
    """Of `X | None`, or of scalars, which JSON tells apart."""
    if value is None and types.NoneType in kinds:
        return None
    kinds = tuple(kind for kind in kinds if kind is not types.NoneType)
    if len(kinds) == 1:
        return _typed(value, kinds[0], field)
    _require(type(value) in kinds, value, " or ".join(_NAMES[kind] for kind in kinds), field)
    return value


def _dataclass(value: Any, kind: Any, field: str) -> Any:
    _require(isinstance(value, dict), value, "an object", field)
    hints = typing.get_type_hints(kind)
    arguments = {}
    for item in dataclasses.fields(kind):
        name = f"{field}.{item.name}".lstrip(".")
        if item.name in value:
            arguments[item.name] = _typed(value[item.name], hints[item.name], name)
        elif item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
            raise _Mismatch(f"`{name}` is missing")
    return kind(**arguments)


def _require(accepted: bool, value: Any, expected: str, field: str) -> None:
    if not accepted:
        raise _Mismatch(f"`{field}` should be {expected}, not {json.dumps(value)[:40]}")
