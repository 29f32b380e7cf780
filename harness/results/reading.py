"""A night record read back from its JSON, with every field checked before anything is made of it.

Fields that this version does not know are passed over (a record may carry more as long as its schema is the
same); a field that is missing or of another type is an error that names the field.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from pathlib import Path
from typing import Any, Union

from harness.errors import UsageError
from harness.results.record import SCHEMA, NightRecord

_AGAIN = "Render the record of another night, or measure again with `earshot run`"


class _Mismatch(Exception):
    """A value that is not what the schema says, with the path of its field."""


def read_record(path: Path) -> NightRecord:
    """Reads the night record that `write_record` wrote.

    Args:
        path: the JSON file.

    Raises:
        UsageError: the file is not there, cut off, not a night record, of a newer schema, or a field of it is
            missing or of another type; the message names the file and the field.
    """
    data = _load(path)
    if not isinstance(data, dict) or not {"schema", "run", "board", "variants"} <= data.keys():
        raise UsageError(
            "this JSON is not a night record",
            where=str(path),
            remedy="Name the night.json of a folder that `earshot run` made",
        )
    schema = data["schema"]
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise UsageError(f"the record's schema is {schema!r}, not a version", where=str(path), remedy=_AGAIN)
    if schema > SCHEMA:
        raise UsageError(
            f"the record has schema {schema}, this Earshot reads up to {SCHEMA}",
            where=str(path),
            remedy="Update Earshot to the version that wrote it, or a later one",
        )
    try:
        record: NightRecord = _typed(data, NightRecord, "")
    except _Mismatch as mismatch:
        raise UsageError(f"the night record is damaged: {mismatch}", where=str(path), remedy=_AGAIN) from None
    return record


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as reason:
        raise UsageError(
            f"the night record cannot be read ({reason.strerror})",
            where=str(path),
            remedy="Make one with `earshot run`",
        ) from None
    except (ValueError, RecursionError) as reason:
        raise UsageError(
            f"the night record is not whole JSON ({reason})", where=str(path), remedy=_AGAIN
        ) from None


def _typed(value: Any, kind: Any, field: str) -> Any:
    """`value` from JSON as the type `kind`; raises `_Mismatch` naming `field`."""
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind):
        return _dataclass(value, kind, field)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):  # only `X | None` is used in a record
        return None if value is None else _typed(value, arguments[0], field)
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
    _require(accepted, value, {int: "a whole number", str: "a text", bool: "true or false"}[kind], field)
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
