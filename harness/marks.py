"""Mark expressions of pytest's `-m`."""

from __future__ import annotations

import re
from itertools import compress, product

import pytest
from _pytest.mark.expression import Expression, ParseError  # private: pytest has no public parser


def asks_for(mark: str, expression: str) -> bool:
    """Return whether an expression selects some tests because of a mark.

    "hardware" and "hardware or slow" ask for hardware; "slow", "not hardware" and "" do not.

    Args:
        mark: its name.
        expression: of `-m`; "" selects everything.

    Raises:
        pytest.UsageError: the expression is invalid.
    """
    if mark not in expression:
        return False
    try:
        compiled = Expression.compile(expression)
    except ParseError as problem:
        raise pytest.UsageError(f"-m {expression!r}: {problem}") from problem
    others = sorted(set(re.findall(r"[^\W\d][\w.:-]*", expression)) - {mark, "and", "or", "not"})

    def selects(carried: set[str]) -> bool:
        return compiled.evaluate(lambda name, /, **_: name in carried)

    tests = (set(compress(others, present)) for present in product((False, True), repeat=len(others)))
    return any(selects({*carried, mark}) and not selects(carried) for carried in tests)
