"""The seal of a record: its last line is the hash of all bytes before it, so that an edit is seen. Pure.

A seal keeps nobody from forging a record; it tells what an editor, a merge or a bad disk did to one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

_BEFORE, _AFTER = ',\n "seal": "', '"\n}\n'
_LINE = re.compile(rb',\n "seal": "([0-9a-f]{64})"\n}\n?\Z')
_TAIL_BYTES = len(_BEFORE) + 64 + len(_AFTER)
_FORM = "the seal is no 64 hex digits in the last line"


class Broken(ValueError):
    """The seal does not hold; the message says why, without a full stop."""


def sealed_text(fields: Mapping[str, Any]) -> str:
    """A record as JSON with its seal.

    Args:
        fields: at least one, JSON-able; "seal" is left out. A list of numbers or texts takes one line.
    """
    body = _text({name: value for name, value in fields.items() if name != "seal"}, "\n")
    body = body[: -len("\n}")]
    return f"{body}{_BEFORE}{hashlib.sha256(body.encode()).hexdigest()}{_AFTER}"


def check_seal(data: bytes) -> str:
    """The seal of a record that has one.

    Args:
        data: the bytes of the file.

    Raises:
        Broken: there is no seal, or the content is another one than was sealed.
    """
    found = _LINE.search(data, max(0, len(data) - _TAIL_BYTES))
    if not found:
        raise Broken(_FORM)
    written = found[1].decode()
    if hashlib.sha256(memoryview(data)[: found.start()]).hexdigest() != written:
        raise Broken(f"its content is not what was sealed as {written[:8]}…")
    return written


def _text(value: Any, line: str) -> str:
    """`value` as JSON; `line` begins a line at its depth."""
    inner = line + " "
    if isinstance(value, Mapping) and value:
        items = (f"{json.dumps(name)}: {_text(item, inner)}" for name, item in value.items())
        return "{" + inner + f",{inner}".join(items) + line + "}"
    if isinstance(value, list | tuple) and any(isinstance(item, Mapping | list | tuple) for item in value):
        return "[" + inner + f",{inner}".join(_text(item, inner) for item in value) + line + "]"
    return json.dumps(value)
