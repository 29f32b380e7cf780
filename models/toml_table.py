"""TOML files read into frozen dataclasses: what is wrong is named with file, line, key and what is allowed.

The dataclass is the schema. Its fields may be `str`, `int`, `float`, `bool`, `Path` (relative to the file),
`Literal[…]`, `tuple[str, …]`, another dataclass (a table), `dict[str, dataclass]` (tables with names of their
own, such as [board.desk]), and any of them or None. A field with a default may be left out. What else a value
has to be stands in the annotation: `Annotated[int, Allowed(lambda count: count > 0, "1 or more")]`.
"""

from __future__ import annotations

import dataclasses
import math
import re
import sys
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union

from models.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")


class Allowed(NamedTuple):
    """What a value of the right type has to be; of a tuple each of its items."""

    accepts: Callable[[Any], bool]
    text: str
    """For people, such as "0 to below 1"."""


def matching(pattern: str, text: str) -> Allowed:
    """Text that a regular expression matches as a whole."""
    return Allowed(lambda value: re.fullmatch(pattern, value) is not None, text)


class TableName:
    """Annotates the field that takes the table's own name, "desk" for [board.desk], and is no key."""


_ANY = Allowed(lambda value: True, "a finite number")

_KINDS: dict[Any, tuple[tuple[type, ...], str]] = {
    str: ((str,), 'str, such as "text"'),
    int: ((int,), "int, such as 7"),
    float: ((float, int), "float, such as 0.5"),
    bool: ((bool,), "bool: true or false"),
    Path: ((str,), 'str, a path such as "folder/file"'),
}
"""What TOML must hold for a field of this type, and how that is written."""


class TomlFile:
    """A TOML file that was read, for values and for messages about them.

    Args:
        path: the file.

    Attributes:
        path: the file.
        tables: what it holds.

    Raises:
        ConfigError: the file is not there, or is no TOML; the message names the line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._text = path.read_text(encoding="utf-8")
            self.tables: dict[str, Any] = tomllib.loads(self._text)
        except OSError as problem:
            raise ConfigError(
                f"the file cannot be read: {problem.strerror}",
                str(path),
                "Correct the path, or write the file.",
            ) from problem
        except UnicodeDecodeError as problem:
            raise ConfigError(
                f"the file is not UTF-8: {problem}", str(path), "Save it as UTF-8."
            ) from problem
        except tomllib.TOMLDecodeError as problem:
            reason = str(problem).partition(" (at ")[0]
            place = f"{path}, line {self._whole_lines()[-1] + 1}"
            raise ConfigError(
                f"this is no TOML: {reason}", place, "Correct it; see https://toml.io."
            ) from problem

    def read(self, kind: type[T]) -> T:
        """The whole file as an instance of a dataclass.

        Raises:
            ConfigError: a key is unknown, missing, of another type or out of its range.
        """
        return self._table(kind, self.tables, ())

    def refusal(self, what: str, key: tuple[str, ...], remedy: str) -> ConfigError:
        """The error to raise for what stands at a key, with file, line and key.

        Args:
            what: what is wrong, one sentence without a full stop.
            key: such as ("board", "desk", "kind"). Where it is not in the file: the line of its table.
            remedy: an imperative sentence.
        """
        line = self.line_of(key) or self.line_of(key[:-1])
        place = [str(self.path), f"line {line}" if line else "", ".".join(key)]
        return ConfigError(what, ", ".join(part for part in place if part), remedy)

    def line_of(self, key: tuple[str, ...]) -> int | None:
        """The line, from 1, on which a key or the table of that name begins; None if it is not there.

        A TOML parser keeps no lines. But the beginning of a file that ends with a whole statement is a TOML
        file too: the statement that brings the key begins after the longest one without it.
        """
        before = 0
        for count in self._whole_lines():
            if key and _holds(tomllib.loads(self._first_lines(count)), key):
                return before + 1
            before = count
        return None

    def _whole_lines(self) -> list[int]:
        """How many lines of the file make a TOML file, ascending from 0; only messages need them."""
        return [count for count in range(self._text.count("\n") + 2) if _parses(self._first_lines(count))]

    def _first_lines(self, count: int) -> str:
        return "\n".join(self._text.split("\n")[:count])

    def _table(self, kind: type[T], table: Mapping[str, Any], at: tuple[str, ...]) -> T:
        module = vars(sys.modules[kind.__module__])  # given, so that a rule's lambda sees its module's names
        hints = typing.get_type_hints(kind, module, include_extras=True)
        keys = [name for name, hint in hints.items() if TableName not in _annotations(hint)]
        for key in table:
            if key not in keys:
                raise self.refusal("unknown key", (*at, key), f"Allowed are: {', '.join(keys)}.")
        values: dict[str, Any] = {name: at[-1] for name in hints if name not in keys}
        for item in dataclasses.fields(typing.cast(Any, kind)):
            if item.name not in keys:
                continue
            here, expected = (*at, item.name), _without_none(hints[item.name])
            if item.name in table:
                rules = [note for note in _annotations(hints[item.name]) if isinstance(note, Allowed)]
                values[item.name] = self._value(expected, table[item.name], here, *rules)
            elif item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
                raise self.refusal("missing key", here, f"Give it as {_written(expected, here)}.")
        return kind(**values)

    def _value(self, expected: Any, value: Any, at: tuple[str, ...], rule: Allowed = _ANY) -> Any:
        origin, arguments = typing.get_origin(expected), typing.get_args(expected)
        if not _fits(value, expected):
            raise self.refusal(f"{value!r} is of another type", at, f"Give it as {_written(expected, at)}.")
        if dataclasses.is_dataclass(expected):
            return self._table(typing.cast(type, expected), value, at)
        if origin is dict:
            return {name: self._value(arguments[1], table, (*at, name)) for name, table in value.items()}
        if origin is tuple:
            return tuple(self._value(arguments[0], item, at, rule) for item in value)
        if origin is Literal:
            rule = Allowed(lambda _: value in arguments, " or ".join(map(str, arguments)))
        if (isinstance(value, float) and not math.isfinite(value)) or not rule.accepts(value):
            raise self.refusal(f"{value!r} is not allowed", at, f"Allowed: {rule.text}.")
        if expected is Path:
            return self.path.parent / Path(value).expanduser()
        return float(value) if expected is float else value


def _parses(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _annotations(hint: Any) -> tuple[Any, ...]:
    return hint.__metadata__ if typing.get_origin(hint) is Annotated else ()


def _without_none(hint: Any) -> Any:
    """The type that a value has to have: annotations and None left out."""
    if typing.get_origin(hint) is Annotated:
        hint = hint.__origin__
    if typing.get_origin(hint) in (Union, types.UnionType):
        return next(part for part in typing.get_args(hint) if part is not type(None))
    return hint


def _fits(value: Any, expected: Any) -> bool:
    """Whether TOML's value is of the kind that the type needs."""
    origin = typing.get_origin(expected)
    if origin is dict or dataclasses.is_dataclass(expected):
        return isinstance(value, Mapping)
    if origin is tuple:
        return isinstance(value, list)
    accepted = (str,) if origin is Literal else _KINDS[expected][0]
    return isinstance(value, accepted) and (expected is bool or not isinstance(value, bool))


def _written(expected: Any, at: tuple[str, ...]) -> str:
    """How a value of that type is written in the file."""
    if dataclasses.is_dataclass(expected):
        return f"a table: [{'.'.join(at)}]"
    origin, arguments = typing.get_origin(expected), typing.get_args(expected)
    if origin is dict:
        return f"tables with names: [{'.'.join(at)}.NAME]"
    if origin is tuple:
        return 'a list of str, such as ["one", "two"]'
    if origin is Literal:
        return " or ".join(f'"{item}"' for item in arguments)
    return _KINDS[expected][1]


def _holds(tables: Any, key: tuple[str, ...]) -> bool:
    for name in key:
        if not isinstance(tables, Mapping) or name not in tables:
            return False
        tables = tables[name]
    return True
