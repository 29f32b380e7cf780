"""reports/baselines/<board>.toml: a baseline written for review, and read with every key checked."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.files import write_atomic
from harness.records.verdict import Figure, SeriesName
from harness.regression.baseline import Acceptance, Baseline, Epoch, TimeReference
from harness.regression.canary import CanaryReference
from harness.regression.nights import moment

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SCHEMA = 1

_HEAD = """\
# What the board's nights are held against. Written by `earshot baseline accept`; review a change like code.
"""
_EPOCH_KEYS = ("number", "since", "uid", "procedure")


def read_baseline(path: Path) -> Baseline | None:
    """Reads what `write_baseline` wrote; None if there is no such file.

    Raises:
        UsageError: it cannot be read, is no TOML, is of a newer schema, or a key is missing or of another
            kind; the message names the file and the key.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise UsageError(
            f"the baseline cannot be read: {problem}",
            where=str(path),
            remedy="Take it back from git, or correct it.",
        ) from None
    top = _Table(tables, path, "")
    if top.whole("schema") > SCHEMA:
        raise UsageError(
            f"the baseline has schema {top.whole('schema')}, this Earshot reads up to {SCHEMA}",
            where=str(path),
            remedy="Update Earshot to the version that wrote it, or a later one.",
        )
    return Baseline(top.text("board"), tuple(_epoch(table) for table in top.tables("epoch")))


def write_baseline(baseline: Baseline, path: Path) -> None:
    """Write a baseline's file atomically."""
    write_atomic(to_toml(baseline), path)


def to_toml(baseline: Baseline) -> str:
    """The text of the file: series sorted by name, so that a change of one is a change of one line."""
    lines = [_HEAD + f"schema = {SCHEMA}", f"board = {_value(baseline.board)}"]
    for epoch in baseline.epochs:
        lines += _pairs("[[epoch]]", {name: getattr(epoch, name) for name in _EPOCH_KEYS})
        lines += _pairs("[epoch.environment]", dict(sorted(epoch.environment.items())))
        if epoch.canary:
            lines += _pairs("[epoch.canary]", vars(epoch.canary))
        lines += _pairs("[epoch.exact]", {str(name): value for name, value in sorted(epoch.exact.items())})
        lines += _pairs(
            "[epoch.times]", {str(name): vars(item) for name, item in sorted(epoch.times.items())}
        )
        for acceptance in epoch.accepted:
            lines += _pairs("[[epoch.accepted]]", vars(acceptance))
    return "\n".join(lines) + "\n"


def _pairs(heading: str, values: Mapping[str, Any]) -> list[str]:
    return ["", heading, *(f"{_key(key)} = {_value(value)}" for key, value in values.items())]


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, str):  # what JSON escapes is escaped alike in TOML, which wants DEL escaped too
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return repr(value)


class _Table:
    """A table of the file that is read with checks; messages name the file and the key."""

    def __init__(self, values: Any, path: Path, at: str) -> None:
        self._path, self._at = path, at
        if not isinstance(values, dict):
            raise self._refusal(at, "a table")
        self._values = values

    def _refusal(self, key: str, expected: str) -> UsageError:
        return UsageError(
            f"`{key}` should be {expected}",
            where=str(self._path),
            remedy="Take it back from git, or correct it.",
        )

    def _get(self, key: str, kinds: tuple[type, ...], expected: str) -> Any:
        value = self._values.get(key)
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise self._refusal(self._name(key), expected)
        return value

    def _name(self, key: str) -> str:
        return f"{self._at}.{key}".lstrip(".")

    def text(self, key: str) -> str:
        return str(self._get(key, (str,), "a text"))

    def time(self, key: str) -> str:
        try:
            moment(self.text(key))
        except ValueError:
            raise self._refusal(self._name(key), "a time of ISO 8601") from None
        return self.text(key)

    def whole(self, key: str) -> int:
        return int(self._get(key, (int,), "a whole number"))

    def number(self, key: str, *, above: bool) -> float:
        expected = "a number above 0" if above else "a number, 0 or more"
        value = float(self._get(key, (int, float), expected))
        if not math.isfinite(value) or value < 0 or (above and value == 0):
            raise self._refusal(self._name(key), expected)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._get(key, (list,), "a list of texts")
        if not all(isinstance(value, str) for value in values):
            raise self._refusal(self._name(key), "a list of texts")
        return tuple(values)

    def table(self, key: str) -> _Table:
        return _Table(self._values.get(key), self._path, self._name(key))

    def tables(self, key: str) -> list[_Table]:
        values = self._values.get(key, [])
        if not isinstance(values, list):
            raise self._refusal(self._name(key), "a list of tables")
        return [
            _Table(value, self._path, f"{self._name(key)}[{index}]") for index, value in enumerate(values)
        ]

    def series(self) -> Iterator[tuple[SeriesName, str]]:
        """The names of series in this table, each with its key."""
        for key in self._values:
            try:
                yield SeriesName.parse(key), key
            except ValueError:
                raise self._refusal(self._name(key), "a series: variant/engine/metric/input-mode") from None

    def exact(self, key: str) -> Figure:
        found: Figure = self._get(key, (int, float, str), "a number or a text")
        return found

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)


def _epoch(table: _Table) -> Epoch:
    environment, times, exact = table.table("environment"), table.table("times"), table.table("exact")
    return Epoch(
        number=table.whole("number"),
        since=table.time("since"),
        uid=table.text("uid"),
        environment={key: environment.text(key) for key in environment},
        procedure=table.whole("procedure"),
        canary=_canary(table.table("canary")) if "canary" in table else None,
        times={name: _time(times.table(key)) for name, key in times.series()},
        exact={name: exact.exact(key) for name, key in exact.series()},
        accepted=tuple(_acceptance(item) for item in table.tables("accepted")),
    )


def _canary(table: _Table) -> CanaryReference:
    return CanaryReference(
        image=table.text("image"),
        reference_us=table.number("reference_us", above=True),
        night_sd=table.number("night_sd", above=False),
    )


def _time(table: _Table) -> TimeReference:
    return TimeReference(
        since=table.time("since"),
        reference_us=table.number("reference_us", above=True),
        night_sd=table.number("night_sd", above=False),
        nights=table.whole("nights"),
    )


def _acceptance(table: _Table) -> Acceptance:
    return Acceptance(
        at=table.time("at"),
        night=table.text("night"),
        commit=table.text("commit"),
        reason=table.text("reason"),
        series=table.texts("series"),
    )
