"""A verdict as one paragraph of Markdown, for a chat or a pull request. Pure."""

from __future__ import annotations

from harness.records.verdict import RunVerdict, SeriesVerdict, Status
from harness.regression import sentences

ROWS = 10
"""At most so many series are named: who wants to see more opens the report."""

_QUIET: frozenset[Status] = frozenset({"ok"})
_ACCEPTABLE: frozenset[Status] = frozenset({"regressed", "changed", "improved", "missing", "new"})


def chat(verdict: RunVerdict) -> str:
    """The verdict's sentence, the series that changed with their figures, and the command that accepts."""
    told = [item for item in verdict.series if item.status not in _QUIET]
    if told and all(item.status == "new" for item in verdict.series):
        return (
            f"**Earshot on {verdict.board}: new.** Nothing was accepted on {verdict.board} yet that the "
            f"{len(told)} series of this night could be held against. To hold the next nights against this "
            f"one: {sentences.acceptance(verdict.board)}.\n"
        )
    told.sort(key=sentences.gravity)
    lines = [f"**Earshot on {verdict.board}: {verdict.status}.** {verdict.sentence}"]
    if len(told) > 1:
        lines += ["", *(f"- {_row(item)}" for item in told[:ROWS])]
        if len(told) > ROWS:
            lines.append(f"- and {len(told) - ROWS} more")
    if verdict.proposes_epoch and verdict.status != "broken":
        lines += ["", f"To begin a new epoch with this night: {sentences.acceptance(verdict.board)}."]
    elif any(item.status in _ACCEPTABLE for item in told):
        lines += ["", f"To accept all of it: {sentences.acceptance(verdict.board)}."]
    return "\n".join(lines) + "\n"


def _row(item: SeriesVerdict) -> str:
    advisory = " (advisory)" if item.advisory else ""
    return f"{item.status}{advisory}: `{item.name}`{_figures(item)}"


def _figures(item: SeriesVerdict) -> str:
    name = item.name
    if item.reference is not None and item.value is not None and item.reference != item.value:
        change = f" ({item.change:+.2%})" if item.change is not None else ""
        return f" {sentences.amount(item.reference, name)} → {sentences.amount(item.value, name)}{change}"
    return f" {sentences.amount(item.value, name)}" if item.value is not None else ""
