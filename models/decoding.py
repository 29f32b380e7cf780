"""Decode JSON and TOML into dataclasses; errors name file, line, key and allowed values.

The dataclass is the schema: fields without a default are required, keys without a field are refused. msgspec
checks the types. Give limits as `Annotated[int, Meta(ge=0, lt=20)]`, patterns as
`Annotated[str, matching("[a-z]+", "a to z")]`, choices as `Literal[…]`. A `ValueError` raised by the
`__post_init__` of a dataclass is reported with the key of its table. A `Path` in a TOML file
is relative to that file.

All files pass the same limits: `MAX_DEPTH` levels, whole numbers of 64 bits, texts of `MAX_CHARACTERS`, UTF-8
with or without a byte order mark, no key twice. Files that people write hold no NUL, inf or nan either.
"""

from __future__ import annotations

import dataclasses
import errno
import functools
import json
import math
import re
import tomllib
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union

import msgspec
from msgspec import Meta

from models.errors import ConfigError, not_the_file

__all__ = [
    "Meta",
    "TomlFile",
    "decode_json",
    "decode_text",
    "decode_value",
    "matching",
    "parse_json",
    "read_file",
    "refuse_pipe",
    "user_path",
]

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
MAX_DEPTH = 50
MAX_CHARACTERS = 1_000_000
_NUMBERS = range(-(2**63), 2**63)
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
    return decode_value(parse_json(data, where, by_hand=True), kind, where)


def parse_json(data: bytes | str, where: str | Path, by_hand: bool = False) -> Any:
    """Parse JSON within the limits of all files.

    Args:
        data: the whole text.
        where: the file, for messages.
        by_hand: refuse inf and nan, which the record of a broken network may hold, and NUL.

    Raises:
        ConfigError: the text is not JSON, or exceeds a limit.
    """
    try:
        text = data if isinstance(data, str) else decode_text(data, where)
        value = json.loads(text, object_pairs_hook=_without_repetition)
        _check_limits(value, by_hand)
    except _Mismatch as mismatch:
        raise _refusal(mismatch, where) from None
    except json.JSONDecodeError as problem:
        raise ConfigError(
            f"this is not whole JSON ({problem})", str(where), "Correct or replace it."
        ) from None
    except (ValueError, RecursionError) as problem:
        raise _refusal(_beyond_limits(problem), where) from None
    return value


def decode_text(data: bytes, where: str | Path) -> str:
    """Decode UTF-8 with or without a byte order mark.

    Raises:
        ConfigError: the bytes are not UTF-8 (the message names the line), a Git LFS pointer or a web page.
    """
    if told := not_the_file(data):
        raise ConfigError(told, str(where))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        found = "is UTF-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else f"is not UTF-8 in line {line}"
        raise ConfigError(f"the file {found}", str(where), "Save it as UTF-8.") from None


def read_file(path: Path) -> bytes:
    """Return the content of a file that a user named.

    Raises:
        OSError: it cannot be read, or is a pipe.
    """
    refuse_pipe(path)
    return path.read_bytes()


def refuse_pipe(path: Path) -> None:
    """Raise OSError for a pipe or a device, which may never end; a missing file and a folder pass."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", str(path))


def user_path(text: str) -> Path:
    """Return the path that a user wrote, with `~` replaced.

    Raises:
        ConfigError: there is no home folder of that name.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ConfigError("there is no home folder for ~", text, "Write the whole path.") from None


def decode_value(value: Any, kind: type[T], where: str | Path) -> T:
    """Decode parsed JSON; see `decode_json`."""
    try:
        return _convert(value, kind, Path())
    except _Mismatch as mismatch:
        raise _refusal(mismatch, where) from None


def _refusal(mismatch: _Mismatch, where: str | Path) -> ConfigError:
    place = ", ".join(part for part in (str(where), _dotted(mismatch.key)) if part)
    return ConfigError(mismatch.what, place, mismatch.remedy)


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
            # A byte order mark is no part of the text, and a lone \r ends no line in TOML.
            data = read_file(path) if text is None else text.encode()
            self._text = decode_text(data, path).replace("\r\n", "\n")
            self.tables: dict[str, Any] = tomllib.loads(self._text)
            _check_limits(self.tables, by_hand=True)
        except OSError as problem:
            raise ConfigError(
                f"the file cannot be read: {problem.strerror}",
                str(path),
                "Correct the path, or create the file.",
            ) from problem
        except tomllib.TOMLDecodeError as problem:
            reason, _, place = str(problem).partition(" (at ")
            found = re.match(r"line (\d+)", place)
            last = int(found[1]) if found else self._text.count("\n") + 1
            line = max((line for line, _ in _statements(self._text) if line <= last), default=1)
            raise ConfigError(
                f"this is not TOML: {reason}", f"{path}, line {line}", "Correct it; see https://toml.io."
            ) from problem
        except _Mismatch as mismatch:
            raise self.refusal(mismatch.what, mismatch.key, mismatch.remedy) from None
        except (ValueError, RecursionError) as problem:
            raise _refusal(_beyond_limits(problem), path) from None

    def read(self, kind: type[T]) -> T:
        """Decode `tables` into a dataclass.

        Raises:
            ConfigError: a key is unknown, missing or not allowed.
        """
        try:
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
        """Return the line, from 1, on which the key's statement begins; None if the file does not have it."""
        return _key_lines(self._text).get(key)


_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"{3,5}|\Z)|"(?:\\[^\n]|[^"\\\n])*"?'
    r"|'''.*?(?:'{3,5}|\Z)|'[^'\n]*'?|#[^\n]*|[\[\]{}\n]",
    re.DOTALL,
)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield the statements of a TOML file, each with the line on which it begins, from 1."""
    line = first = 1
    begin = depth = 0
    for found in _TOKEN.finditer(text + "\n"):
        token = found[0]
        depth += (token in "[{") - (token in "]}")
        line += token.count("\n")
        if token == "\n" and depth <= 0:
            yield first, text[begin : found.end()]
            first, begin, depth = line, found.end(), 0
    if begin < len(text):
        yield first, text[begin:]


@functools.lru_cache(maxsize=4)  # the members of a family have the same text
def _key_lines(text: str) -> dict[Key, int]:
    """Return the line of each key's first statement in a valid TOML file."""
    lines: dict[Key, int] = {}
    lengths: dict[Key, int] = {}  # of the arrays of tables so far
    table: Key = ()

    def add(tables: Mapping[str, Any], at: Key, line: int) -> Key:
        """Record the line of each key that a statement sets, and return the innermost key."""
        for name, value in tables.items():
            at_name = (*at, name)
            if statement.startswith("[") and isinstance(value, list):  # [[name]]
                lines.setdefault(at_name, line)
                lengths[at_name] = lengths.get(at_name, 0) + 1
                value = value[0]
            if at_name in lengths:
                at_name = (*at_name, lengths[at_name] - 1)
            lines.setdefault(at_name, line)
            last = add(value, at_name, line) if isinstance(value, Mapping) and value else at_name
        return last

    for line, raw in _statements(text):
        statement = raw.strip()
        if tables := tomllib.loads(statement):
            is_header = statement.startswith("[")
            last = add(tables, () if is_header else table, line)
            table = last if is_header else table
    return lines


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
        return folder / user_path(item)

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
    return _Mismatch(f"{_shown(value)} is not allowed", key, f"Allowed: {_allowed(kind, key)}.")


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


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        name = next(name for name in found if names.count(name) > 1)
        raise _Mismatch("the key stands twice", (name,), "Remove one of them.")
    return found


def _beyond_limits(problem: Exception) -> _Mismatch:
    """Describe what a parser of Python gives up on."""
    if isinstance(problem, RecursionError):
        return _Mismatch(f"more than {MAX_DEPTH} levels of nesting", (), "Correct or replace it.")
    return _Mismatch("a number has too many digits", (), "Correct or replace it.")


def _check_limits(value: Any, by_hand: bool) -> None:
    """Refuse values beyond the limits of all files, and what `parse_json` describes."""
    forbidden = re.compile(r"[\0\ud800-\udfff]" if by_hand else r"[\ud800-\udfff]").search
    left: list[tuple[Any, Key]] = [(value, ())]
    while left:
        item, key = left.pop()
        if isinstance(item, (dict, list)):
            if len(key) == MAX_DEPTH:
                raise _Mismatch(f"more than {MAX_DEPTH} levels of nesting", (), "Correct or replace it.")
            if isinstance(item, dict):
                left += [(part, (*key, name)) for name, part in item.items()]
                left += [(name, key) for name in item]
            elif set(map(type, item)) != {int} or min(item) not in _NUMBERS or max(item) not in _NUMBERS:
                left += [(part, (*key, place)) for place, part in enumerate(item)]
        elif isinstance(item, str):
            if len(item) > MAX_CHARACTERS or forbidden(item):
                allowed = "without NUL and lone surrogates" if len(item) <= MAX_CHARACTERS else "shorter"
                raise _Mismatch(f"{_shown(item)} is not allowed", key, f"Allowed: a text {allowed}.")
        elif isinstance(item, int) and item not in _NUMBERS:
            raise _Mismatch("a number has too many digits", key, "Allowed: whole numbers of 64 bits.")
        elif by_hand and isinstance(item, float) and not math.isfinite(item):
            raise _Mismatch(f"{item} is not allowed", key, "Allowed: a finite number.")


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS]}…"


def _children(value: Any, kind: Any) -> Iterator[tuple[str | int, Any, Any]]:
    """Yield the parts of a value with their keys and types, if the value has the shape of its type."""
    plain = _plain(kind)
    origin, arguments = typing.get_origin(plain), typing.get_args(plain)
    if dataclasses.is_dataclass(plain) and isinstance(value, Mapping):
        hints = _hints(typing.cast(type, plain))
        yield from ((name, value[name], hint) for name, hint in hints.items() if name in value)
    elif typing.is_typeddict(plain) and isinstance(value, Mapping):
        hints = typing.get_type_hints(plain)
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
    if origin is dict:
        return f"a table, [{_dotted(key)}]"
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
    names = (
        part if isinstance(part, int) or re.fullmatch(r"[\w/-]{1,99}", part) else _shown(part) for part in key
    )
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in names)
    return "".join(parts).removeprefix(".")
