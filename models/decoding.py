"""Decode JSON and TOML into dataclasses; errors name file, line, key and allowed values.

The dataclass is the schema: fields without a default are required, keys without a field are refused. msgspec
checks the types. Give limits as `Annotated[int, Meta(ge=0, lt=20)]`, patterns as
`Annotated[str, matching("[a-z]+", "a to z")]`, choices as `Literal[…]`. A `ValueError` raised by the
`__post_init__` of a dataclass is reported with the key of its table. A `Path` in a TOML file
is relative to that file.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import tomllib
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union

import msgspec
from msgspec import Meta

from models.errors import ConfigError

__all__ = ["Meta", "TomlFile", "decode_json", "decode_value", "matching"]

T = TypeVar("T")
Key = tuple[str | int, ...]

_NAMES = {
    str: "a text",
    int: "a whole number",
    float: "a finite number",
    bool: "true or false",
    Path: "a path",
}
_SHOWN_CHARACTERS = 40
_REFUSALS = (msgspec.ValidationError, UnicodeEncodeError)  # the second of a lone surrogate in a text


def matching(pattern: str, description: str) -> Meta:
    """Annotate a text that the regular expression must match as a whole.

    Args:
        pattern: the regular expression.
        description: the allowed texts, for people.
    """
    return Meta(pattern=rf"\A(?:{pattern})\Z", description=description)


def decode_json(data: bytes | str, kind: type[T], where: str | Path) -> T:
    """Decode JSON into a dataclass, or any other type that msgspec knows.

    Args:
        data: the whole text.
        kind: the type.
        where: the file, for messages.

    Raises:
        ConfigError: the text is not JSON, or a key is unknown, missing or not allowed.
    """
    try:  # not msgspec's parser: a record may hold the NaN that a broken network computed
        value = json.loads(data if isinstance(data, str) else data.decode("utf-8"))
    except (ValueError, RecursionError) as problem:
        raise ConfigError(
            f"this is not whole JSON ({problem})", str(where), "Correct or replace it."
        ) from None
    return decode_value(value, kind, where)


def decode_value(value: Any, kind: type[T], where: str | Path) -> T:
    """Decode parsed JSON; see `decode_json`."""
    try:
        return _convert(value, kind, Path())
    except _Mismatch as mismatch:
        place = ", ".join(part for part in (str(where), _dotted(mismatch.key)) if part)
        raise ConfigError(mismatch.what, place, mismatch.remedy) from None


class TomlFile:
    """A parsed TOML file that knows the lines of its keys.

    Args:
        path: the file.
        text: its content; None reads the file.

    Attributes:
        path: the file.
        tables: the parsed content.

    Raises:
        ConfigError: the file cannot be read, or is not TOML; the message names the line.
    """

    def __init__(self, path: Path, text: str | None = None) -> None:
        self.path = path
        try:
            self._text = path.read_text(encoding="utf-8") if text is None else text
            self.tables: dict[str, Any] = tomllib.loads(self._text)
        except OSError as problem:
            raise ConfigError(
                f"the file cannot be read: {problem.strerror}",
                str(path),
                "Correct the path, or create the file.",
            ) from problem
        except UnicodeDecodeError as problem:
            raise ConfigError(
                f"the file is not UTF-8: {problem}", str(path), "Save it as UTF-8."
            ) from problem
        except tomllib.TOMLDecodeError as problem:
            reason = str(problem).partition(" (at ")[0]
            place = f"{path}, line {self._statement_ends()[-1] + 1}"
            raise ConfigError(
                f"this is not TOML: {reason}", place, "Correct it; see https://toml.io."
            ) from problem

    def read(self, kind: type[T]) -> T:
        """Decode `tables` into a dataclass.

        Raises:
            ConfigError: a key is unknown, missing or not allowed.
        """
        try:
            _refuse_infinite(self.tables, ())
            return _convert(self.tables, kind, self.path.parent)
        except _Mismatch as mismatch:
            raise self.refusal(mismatch.what, mismatch.key, mismatch.remedy) from None

    def refusal(self, what: str, key: Key, remedy: str) -> ConfigError:
        """Return the error to raise for the value of a key, with file, line and key.

        Args:
            what: what is wrong, one sentence without a full stop.
            key: such as ("board", "desk", "kind"). The line is its table's if the file does not have it.
            remedy: an imperative sentence.
        """
        lines = (self.line_of(key[:length]) for length in range(len(key), 0, -1))
        line = next((f"line {line}" for line in lines if line), "")
        place = [str(self.path), line, _dotted(key)]
        return ConfigError(what, ", ".join(part for part in place if part), remedy)

    def line_of(self, key: Key) -> int | None:
        """Return the line, from 1, on which the key's statement begins; None if the file does not have it.

        A TOML parser keeps no lines. But the first lines of a file are a TOML file of their own where they
        end with a whole statement: the key's statement begins after the longest of these without the key.
        """
        before = 0
        for count in self._statement_ends():
            if key and _holds(tomllib.loads(self._first_lines(count)), key):
                return before + 1
            before = count
        return None

    def _statement_ends(self) -> list[int]:
        return [count for count in range(self._text.count("\n") + 2) if _parses(self._first_lines(count))]

    def _first_lines(self, count: int) -> str:
        return "\n".join(self._text.split("\n")[:count])


class _Mismatch(Exception):
    def __init__(self, what: str, key: Key, remedy: str) -> None:
        super().__init__(what, key, remedy)
        self.what, self.key, self.remedy = what, key, remedy


def _convert(value: Any, kind: type[T], folder: Path) -> T:
    """Convert parsed data to a type; paths are relative to `folder`."""
    _refuse_unknown_keys(value, kind, ())

    def decode_path(expected: type, item: Any) -> Any:
        if expected is not Path or not isinstance(item, str) or not item:
            raise ValueError
        return folder / Path(item).expanduser()

    def convert(item: Any, expected: Any) -> Any:
        return msgspec.convert(item, expected, dec_hook=decode_path)

    def innermost(item: Any, expected: Any, key: Key) -> _Mismatch:
        """Find the smallest part that is refused: msgspec's own message leaves out the keys of a dict."""
        for part, child, child_kind in _children(item, expected):
            try:
                convert(child, child_kind)
            except _REFUSALS:
                return innermost(child, child_kind, (*key, part))
        return _mismatch(item, expected, key, lambda: convert(item, expected))

    try:
        converted: T = convert(value, kind)
    except _REFUSALS:
        raise innermost(value, kind, ()) from None
    return converted


def _mismatch(value: Any, kind: Any, key: Key, convert: Any) -> _Mismatch:
    plain = _plain(kind)
    if dataclasses.is_dataclass(plain) and isinstance(value, Mapping):
        for item in dataclasses.fields(plain):
            optional = (item.default, item.default_factory) != (dataclasses.MISSING, dataclasses.MISSING)
            if item.name not in value and not optional:
                here = (*key, item.name)
                expected = _allowed(_hints(typing.cast(type, plain))[item.name], here)
                return _Mismatch("missing key", here, f"Give it as {expected}.")
        try:
            convert()
        except _REFUSALS as problem:  # of __post_init__
            return _Mismatch(str(problem).partition(" - at `")[0], key, "Correct it.")
    shown = repr(value)
    shown = shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS]}…"
    return _Mismatch(f"{shown} is not allowed", key, f"Allowed: {_allowed(kind, key)}.")


def _refuse_unknown_keys(value: Any, kind: Any, key: Key) -> None:
    """Refuse keys that no field takes; msgspec passes over them in dataclasses."""
    plain = _plain(kind)
    parts: Iterable[tuple[str | int, Any, Any]]
    if dataclasses.is_dataclass(plain) and isinstance(value, Mapping):
        known, nested = _hints(typing.cast(type, plain)), _nested(typing.cast(type, plain))
        if not value.keys() <= known.keys():
            name = next(name for name in value if name not in known)
            raise _Mismatch("unknown key", (*key, name), f"Allowed are: {', '.join(known)}.")
        parts = [(name, value[name], hint) for name, hint in nested.items() if name in value]
    else:
        parts = _children(value, kind) if _holds_dataclass(kind) else ()
    for part, child, child_kind in parts:
        _refuse_unknown_keys(child, child_kind, (*key, part))


def _refuse_infinite(value: Any, key: Key) -> None:
    """Refuse inf and nan, which TOML can write."""
    if isinstance(value, float) and not math.isfinite(value):
        raise _Mismatch(f"{value} is not allowed", key, "Allowed: a finite number.")
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, item in items:
        _refuse_infinite(item, (*key, part))


def _children(value: Any, kind: Any) -> Iterator[tuple[str | int, Any, Any]]:
    """Yield the parts of a value with their keys and types, if the value has the shape of its type."""
    plain = _plain(kind)
    origin, arguments = typing.get_origin(plain), typing.get_args(plain)
    if dataclasses.is_dataclass(plain) and isinstance(value, Mapping):
        hints = _hints(typing.cast(type, plain))
        yield from ((name, value[name], hint) for name, hint in hints.items() if name in value)
    elif origin is dict and isinstance(value, Mapping):
        yield from ((name, item, arguments[1]) for name, item in value.items())
    elif origin in (list, tuple) and isinstance(value, list):
        kinds = (
            arguments if origin is tuple and arguments[-1] is not Ellipsis else [arguments[0]] * len(value)
        )
        yield from ((place, item, each) for place, (item, each) in enumerate(zip(value, kinds, strict=False)))


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind, include_extras=True)
    return {item.name: hints[item.name] for item in dataclasses.fields(typing.cast(Any, kind)) if item.init}


@functools.cache
def _nested(kind: type) -> dict[str, Any]:
    """Return the fields that hold dataclasses: a record has many lists of numbers beside them."""
    return {name: hint for name, hint in _hints(kind).items() if _holds_dataclass(hint)}


@functools.cache
def _plain(kind: Any) -> Any:
    """Return the type without its annotations and None."""
    if typing.get_origin(kind) is Annotated:
        return _plain(kind.__origin__)
    if typing.get_origin(kind) in (Union, types.UnionType):
        kinds = [part for part in typing.get_args(kind) if part is not types.NoneType]
        return _plain(kinds[0]) if len(kinds) == 1 else kind
    return kind


@functools.cache
def _holds_dataclass(kind: Any) -> bool:
    plain = _plain(kind)
    return dataclasses.is_dataclass(plain) or any(map(_holds_dataclass, typing.get_args(plain)))


def _allowed(kind: Any, key: Key) -> str:
    """Describe the allowed values of a type, for people."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        limits = [note for note in kind.__metadata__ if isinstance(note, Meta)]
        return ", ".join([_allowed(kind.__origin__, key), *filter(None, map(_limits, limits))])
    if origin in (Union, types.UnionType):
        kinds = [part for part in arguments if part is not types.NoneType]
        return " or ".join(dict.fromkeys(_allowed(part, key) for part in kinds))
    if origin is Literal:
        return " or ".join(f'"{item}"' if isinstance(item, str) else str(item) for item in arguments)
    if origin is dict and _holds_dataclass(arguments[1]):
        return f"tables with names, [{_dotted(key)}.NAME]"
    if origin in (list, tuple):
        return f"a list, each item {_allowed(arguments[0], key)}"
    if dataclasses.is_dataclass(kind):
        return f"a table, [{_dotted(key)}]"
    return _NAMES.get(kind, getattr(kind, "__name__", str(kind)))


def _limits(meta: Meta) -> str:
    if meta.description:
        return meta.description
    bounds = {
        "at least": meta.ge,
        "above": meta.gt,
        "at most": meta.le,
        "below": meta.lt,
        "length at least": meta.min_length,
        "length at most": meta.max_length,
    }
    return ", ".join(f"{words} {bound}" for words, bound in bounds.items() if bound is not None)


def _dotted(key: Key) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return "".join(parts).removeprefix(".")


def _parses(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _holds(tables: Any, key: Key) -> bool:
    for part in key:
        if not isinstance(tables, Mapping) or part not in tables:
            return False
        tables = tables[part]
    return True
