"""A record of some kind read back from its JSON, every field checked before anything is made of it.

Fields that this version does not know are passed over (a record may carry more as long as its schema is the
same); a field that is missing or of another type is an error that names the field. Older schemas are read
through their migrations; a seal that does not hold is an error.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, Union

from harness.errors import UsageError
from harness.results import migrations
from harness.results.migrations import Migration
from harness.results.record import SCHEMA, NightRecord
from harness.results.seal import Broken, check_seal

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
        migrations: of every older schema that is still read, see `harness.results.migrations`.
        sealed_since: the first schema whose files end in a seal; None if there is none. The dataclass has a
            field `seal` then: it is set to the seal, or of an older file to the sha256 of its bytes.
    """

    kind: type[T]
    name: str
    schema: int
    keys: frozenset[str]
    missing: str
    damaged: str
    foreign: str
    migrations: Mapping[int, Migration] = dataclasses.field(default_factory=dict)
    sealed_since: int | None = None


_NIGHT = Form(
    NightRecord,
    name="night record",
    schema=SCHEMA,
    keys=frozenset({"schema", "run", "board", "variants"}),
    missing="Make one with `earshot run`",
    damaged="Copy it again from the bench that wrote it, or take another night's, or measure again",
    foreign="Name the night.json of a folder that `earshot run` or `earshot nightly` made",
    migrations=migrations.NIGHT,
    sealed_since=2,
)


def read_record(path: Path) -> NightRecord:
    """Reads the night record that `write_record` wrote.

    Args:
        path: the JSON file.

    Returns:
        The record; its `seal` stands for the file's content.

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
        UsageError: the file is not there, cut off, edited, no such record, of a newer schema, or a field of
            it is missing or of another type; the message names the file and the field.
    """
    content = _content(path, form)
    data = _json(content, path, form)
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
    if form.sealed_since is not None:
        data["seal"] = _seal(content, path, form, schema >= form.sealed_since)
    data = migrations.migrated(data, form.migrations, form.schema)
    kind: Any = form.kind
    try:
        record: T = _reader(kind)(data)
    except _Mismatch as mismatch:
        raise UsageError(
            f"the {form.name} is damaged: {mismatch}", where=str(path), remedy=form.damaged
        ) from None
    return record


def _content(path: Path, form: Form[T]) -> bytes:
    try:
        return path.read_bytes()
    except OSError as reason:
        raise UsageError(
            f"the {form.name} cannot be read ({reason.strerror})", where=str(path), remedy=form.missing
        ) from None


def _json(content: bytes, path: Path, form: Form[T]) -> Any:
    try:
        return json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as reason:
        raise UsageError(
            f"the {form.name} is not whole JSON ({reason})", where=str(path), remedy=form.damaged
        ) from None


def _seal(content: bytes, path: Path, form: Form[T], sealed: bool) -> str:
    if not sealed:
        return hashlib.sha256(content).hexdigest()
    try:
        return check_seal(content)
    except Broken as reason:
        raise UsageError(
            f"the {form.name} was changed after it was written: {reason}",
            where=str(path),
            remedy=form.damaged,
        ) from None


_Reader = Callable[[Any], Any]
_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


class _Mismatch(Exception):
    """A value that is not what the schema says; the path of its field grows on the way out."""

    def __init__(self, what: str, field: str = "") -> None:
        super().__init__(what)
        self.what, self.field = what, field

    def beneath(self, part: str) -> _Mismatch:
        """The same, with a part of the path before it."""
        return _Mismatch(self.what, part + self.field)

    def __str__(self) -> str:
        return f"`{self.field.removeprefix('.')}` {self.what}"


def _wrong(value: Any, expected: str) -> _Mismatch:
    return _Mismatch(f"should be {expected}, not {json.dumps(value)[:40]}")


@functools.cache
def _reader(kind: Any) -> _Reader:
    """What makes a value from JSON one of the type `kind`, or raises `_Mismatch`.

    A record of ten years' history is one of thousands, so what a type needs is looked up once.
    """
    if kind is Any:
        return lambda value: value
    if dataclasses.is_dataclass(kind):
        return _dataclass_reader(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return _union_reader(arguments)
    if origin is list:
        return _list_reader(arguments[0])
    if origin is dict:
        return _dict_reader(arguments[1])
    return _scalar_reader(kind)


def _scalar_reader(kind: type) -> _Reader:
    if kind is float:  # JSON has one kind of number: 3.0 may come back as 3

        def read_number(value: Any) -> float:
            if type(value) not in (int, float):
                raise _wrong(value, _NAMES[float])
            return float(value)

        return read_number

    def read(value: Any) -> Any:
        if type(value) is not kind:  # not isinstance: True is no count
            raise _wrong(value, _NAMES[kind])
        return value

    return read


def _union_reader(kinds: tuple[Any, ...]) -> _Reader:
    """Of `X | None`, or of scalars, which JSON tells apart."""
    optional = types.NoneType in kinds
    kinds = tuple(kind for kind in kinds if kind is not types.NoneType)
    only = _reader(kinds[0]) if len(kinds) == 1 else None

    def read(value: Any) -> Any:
        if value is None and optional:
            return None
        if only:
            return only(value)
        if type(value) not in kinds:
            raise _wrong(value, " or ".join(_NAMES[kind] for kind in kinds))
        return value

    return read


def _list_reader(kind: Any) -> _Reader:
    item = _reader(kind)
    plain = frozenset(
        {kind} if kind in (int, str, bool) else ()
    )  # all checked at once, as samples have to be

    def read(value: Any) -> list[Any]:
        if type(value) is not list:
            raise _wrong(value, "a list")
        if plain and plain.issuperset(map(type, value)):
            return value
        made = []
        for index, each in enumerate(value):
            try:
                made.append(item(each))
            except _Mismatch as mismatch:
                raise mismatch.beneath(f"[{index}]") from None
        return made

    return read


def _dict_reader(kind: Any) -> _Reader:
    item = _reader(kind)

    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise _wrong(value, "an object")
        made = {}
        for name, each in value.items():
            try:
                made[name] = item(each)
            except _Mismatch as mismatch:
                raise mismatch.beneath(f".{name}") from None
        return made

    return read


def _dataclass_reader(kind: Any) -> _Reader:
    hints = typing.get_type_hints(kind)
    fields = [
        (
            field.name,
            _plain(hints[field.name]),
            _reader(hints[field.name]),
            _default(field),
        )
        for field in dataclasses.fields(kind)
    ]

    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise _wrong(value, "an object")
        arguments = {}
        for name, plain, reader, default in fields:
            if name in value:
                item = value[name]
                if type(item) is not plain:
                    try:
                        item = reader(item)
                    except _Mismatch as mismatch:
                        raise mismatch.beneath(f".{name}") from None
                arguments[name] = item
            elif default is None:
                raise _Mismatch("is missing", f".{name}")
            else:
                arguments[name] = default()
        made = object.__new__(kind)  # a frozen class's own way takes four times as long, field by field
        vars(made).update(arguments)
        return made

    return read


def _default(field: dataclasses.Field[Any]) -> Callable[[], Any] | None:
    """What makes the value of a field that is not there; None if it has to be."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory
    value = field.default
    return None if value is dataclasses.MISSING else lambda: value


def _plain(kind: Any) -> Any:
    """The type whose values are good as they are: the scalar of `kind`, if it has one."""
    if typing.get_origin(kind) in (Union, types.UnionType):
        return _plain(typing.get_args(kind)[0])
    return kind if kind in _NAMES else None
