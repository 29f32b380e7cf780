"""The checksum of a record: its last line is the SHA-256 of all bytes before it.

It does not prevent forgery; it detects what an editor, a merge or a bad disk changed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

_BEFORE, _AFTER = ',\n "checksum": "', '"\n}\n'
_LINE = re.compile(rb',\n "checksum": "([0-9a-f]{64})"\n}\n?\Z')
_TAIL_BYTES = len(_BEFORE) + 64 + len(_AFTER)


class WrongChecksum(ValueError):
    """A missing or wrong checksum; the message has no full stop."""


def dump_with_checksum(fields: Mapping[str, Any]) -> str:
    """Dump fields, at least one, as JSON that ends in its checksum; a list of scalars takes one line."""
    body = _dump({name: value for name, value in fields.items() if name != "checksum"}, "\n")
    body = body[: -len("\n}")]
    return f"{body}{_BEFORE}{hashlib.sha256(body.encode()).hexdigest()}{_AFTER}"


def check_checksum(data: bytes) -> str:
    """Return the checksum of the bytes of a record file.

    Raises:
        WrongChecksum: there is none, or the content does not match it.
    """
    found = _LINE.search(data, max(0, len(data) - _TAIL_BYTES))
    if not found:
        raise WrongChecksum("its last line has no checksum of 64 hex digits")
    written = found[1].decode()
    if hashlib.sha256(memoryview(data)[: found.start()]).hexdigest() != written:
        raise WrongChecksum(f"its content does not match its checksum {written[:8]}…")
    return written


def _dump(value: Any, newline: str) -> str:
    """Dump a value as JSON; `newline` is a line break and the indentation of the value."""
    inner = newline + " "
    if isinstance(value, dict) and value:
        items = (f"{json.dumps(name)}: {_dump(item, inner)}" for name, item in value.items())
        return "{" + inner + f",{inner}".join(items) + newline + "}"
    if isinstance(value, (list, tuple)) and any(isinstance(item, (dict, list, tuple)) for item in value):
        return "[" + inner + f",{inner}".join(_dump(item, inner) for item in value) + newline + "]"
    return json.dumps(value)
