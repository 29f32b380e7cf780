"""Values of JSON made into those of a type, all of it checked: dataclasses, sequences, mappings, scalars."""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, Union

Reader = Callable[[Any], Any]
_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


class Mismatch(Exception):
    """A value that is not what its type says; the path of its field grows on the way out.

    Args:
        what: is wrong with it.
        field: its path.
    """

    def __init__(self, what: str, field: str = "") -> None:
        super().__init__(what)
        self.what, self.field = what, field

    def beneath(self, part: str) -> Mismatch:
        """The same, with a part of the path before it."""
        return Mismatch(self.what, part + self.field)

    def __str__(self) -> str:
        return f"`{self.field.removeprefix('.')}` {self.what}"


def _wrong(value: Any, expected: str) -> Mismatch:
    return Mismatch(f"should be {expected}, not {json.dumps(value)[:40]}")


@functools.cache
def reader_of(kind: Any) -> Reader:
    """What makes a value from JSON one of the type `kind`, or raises `Mismatch`.

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
    if origin is tuple:
        return _tuple_reader(arguments)
    if origin is dict:
        return _dict_reader(arguments[1])
    if kind is Path:
        return _read_path
    return _scalar_reader(kind)


def _read_path(value: Any) -> Path:
    if type(value) is not str or not value:
        raise _wrong(value, "a path")
    return Path(value)


def _scalar_reader(kind: type) -> Reader:
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


def _union_reader(kinds: tuple[Any, ...]) -> Reader:
    """Of `X | None`, or of scalars, which JSON tells apart."""
    optional = types.NoneType in kinds
    kinds = tuple(kind for kind in kinds if kind is not types.NoneType)
    only = reader_of(kinds[0]) if len(kinds) == 1 else None

    def read(value: Any) -> Any:
        if value is None and optional:
            return None
        if only:
            return only(value)
        if type(value) not in kinds:
            raise _wrong(value, " or ".join(_NAMES[kind] for kind in kinds))
        return value

    return read


def _list_reader(kind: Any) -> Reader:
    item = reader_of(kind)
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
            except Mismatch as mismatch:
                raise mismatch.beneath(f"[{index}]") from None
        return made

    return read


def _tuple_reader(kinds: tuple[Any, ...]) -> Reader:
    """Of `tuple[X, ...]`, or of so many X."""
    length = None if kinds[-1] is Ellipsis else len(kinds)
    items = _list_reader(kinds[0])

    def read(value: Any) -> tuple[Any, ...]:
        if type(value) is not list or length not in (None, len(value)):
            raise _wrong(value, "a list" if length is None else f"a list of {length}")
        return tuple(items(value))

    return read


def _dict_reader(kind: Any) -> Reader:
    item = reader_of(kind)

    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise _wrong(value, "an object")
        made = {}
        for name, each in value.items():
            try:
                made[name] = item(each)
            except Mismatch as mismatch:
                raise mismatch.beneath(f".{name}") from None
        return made

    return read


def _dataclass_reader(kind: Any) -> Reader:
    hints = typing.get_type_hints(kind)
    fields = [
        (
            field.name,
            _plain(hints[field.name]),
            reader_of(hints[field.name]),
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
                    except Mismatch as mismatch:
                        raise mismatch.beneath(f".{name}") from None
                arguments[name] = item
            elif default is None:
                raise Mismatch("is missing", f".{name}")
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
