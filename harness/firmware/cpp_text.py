"""Numbers and names as C++ source text."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence

import numpy as np

WIDTH = 100


def float_literal(number: float) -> str:
    """Return a float32 that the compiler reads as the same number."""
    if math.isinf(number):
        return f"{'-' if number < 0 else ''}std::numeric_limits<float>::infinity()"
    text = f"{np.float32(number):.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def literal(number: int | float) -> str:
    return float_literal(number) if isinstance(number, float) else str(number)


def constant_member(name: str, value: int | float | Sequence[int]) -> str:
    """Return a static member of a struct: int, float or an array of int."""
    if isinstance(value, Sequence):
        return f"  static constexpr int {name}[] = {{{', '.join(map(str, value))}}};"
    kind = "float" if isinstance(value, float) else "int"
    return f"  static constexpr {kind} {name} = {literal(value)};"


def array(declaration: str, items: Iterable[str]) -> str:
    """Return an array's definition in lines of at most WIDTH columns."""
    return f"{declaration} = {{\n{wrapped(', '.join(items))}\n}};\n"


def wrapped(text: str, indent: str = "    ") -> str:
    """Wrap text at blanks into lines of at most WIDTH columns."""
    words = textwrap.TextWrapper(WIDTH, break_long_words=False, break_on_hyphens=False)
    words.initial_indent = words.subsequent_indent = indent
    return words.fill(text)


_MOST_CHARACTERS = 48


def commented(name: str) -> str:
    """Return a model's name for a // comment: the end of its last part, in printable ASCII."""
    last = name.rsplit(";", 1)[-1]
    plain = "".join(character if " " <= character <= "~" and character != "\\" else "?" for character in last)
    return plain if len(plain) <= _MOST_CHARACTERS else f"...{plain[3 - _MOST_CHARACTERS :]}"
