"""Families: a TOML file with lists as alternatives, one variant per combination, and templates for names.

    id = "pruned-{threshold}"
    [pruning]
    threshold = [0.125, 0.25]

describe the variants "pruned-12.5" and "pruned-25". With several lists the family is their product.
"""

from __future__ import annotations

import copy
import itertools
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from models.decoding import TomlFile

TEMPLATES = ("id", "title")
"""Keys whose texts are templates: {key} stands for the value of that key."""

Key = tuple[str, ...]

_MAX_MEMBERS = 10_000

_SHARES = ("threshold",)
"""Shares that names show as percentages."""

_BOOLEANS = {"symmetric": ("asymmetric", "symmetric"), "per_channel": ("per-tensor", "per-channel")}


def members(family: TomlFile) -> list[TomlFile]:
    """Return one file per member of the family, as if each had been written on its own.

    Args:
        family: lists are alternatives; the last list varies fastest.

    Raises:
        ConfigError: a list is empty, the family is too large, or a template names no key of the file.
    """
    lists = {key: values for key, values in _values(family.tables) if _is_choice(values)}
    for key, values in lists.items():
        if not values:
            raise family.refusal("an empty list describes no variant", key, "Give one value or more.")
    count = math.prod(map(len, lists.values()))
    if count > _MAX_MEMBERS:
        what = f"the lists describe {count:,} variants"
        raise family.refusal(what, next(iter(lists)), f"Describe at most {_MAX_MEMBERS:,} in a file.")
    found = []
    for choice in itertools.product(*lists.values()):
        tables = copy.deepcopy(family.tables)
        for key, value in zip(lists, choice, strict=True):
            _set(tables, key, value)
        for name in TEMPLATES:
            if isinstance(tables.get(name), str):
                tables[name] = _filled(tables[name], (name,), tables, family)
        member = copy.copy(family)
        member.tables = tables
        found.append(member)
    return found


def varying(family: TomlFile) -> list[str]:
    """Return the template names of the keys that have several values, such as "threshold"."""
    several = [key for key, values in _values(family.tables) if _is_choice(values) and len(values) > 1]
    names = keys_by_name(family.tables)
    return [next(name for name, found in names.items() if found == key) for key in several]


def keys_by_name(tables: Mapping[str, Any]) -> dict[str, Key]:
    """Return the keys of a file by template name: the last part if it is unique, else the whole key."""
    keys = [key for key, _ in _values(tables)]
    lasts = [key[-1] for key in keys]
    return {key[-1] if lasts.count(key[-1]) == 1 else ".".join(key): key for key in keys}


def format_value(key: str, value: Any) -> str:
    """Format a value for an id or title: 12.5 for the threshold 0.125, "per-channel" for True.

    Args:
        key: the last part of the value's key.
        value: from a TOML file.
    """
    if isinstance(value, bool) and key in _BOOLEANS:
        return _BOOLEANS[key][value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value * 100 if key in _SHARES else value:.6g}"
    return str(value)


def _is_choice(value: Any) -> bool:
    """Return True for a list of alternatives; a list of tables is none."""
    return isinstance(value, list) and not any(isinstance(item, Mapping) for item in value)


def _values(tables: Mapping[str, Any], at: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Yield every key and value that is not a table, in the order of the file."""
    for name, value in tables.items():
        if isinstance(value, Mapping):
            yield from _values(value, (*at, name))
        else:
            yield (*at, name), value


def _set(tables: dict[str, Any], key: Key, value: Any) -> None:
    for name in key[:-1]:
        tables = tables[name]
    tables[key[-1]] = value


def _filled(text: str, at: Key, tables: Mapping[str, Any], family: TomlFile) -> str:
    values, names = dict(_values(tables)), keys_by_name(tables)

    def value_of(found: re.Match[str]) -> str:
        name = found[1]
        if name not in names or names[name][0] in TEMPLATES:
            known = ", ".join(f"{{{key}}}" for key in names if key not in TEMPLATES)
            raise family.refusal(f"the file has no key for {found[0]}", at, f"Allowed: {known}.")
        return format_value(names[name][-1], values[names[name]])

    return re.sub(r"\{([^{}]*)\}", value_of, text)
