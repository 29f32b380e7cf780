"""A comparison as people read it: a sentence, and a table on the terminal or as Markdown. Pure."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence

from harness.records.clips import ClipChange
from harness.records.verdict import STATUSES, Figure, SeriesName
from harness.regression import sentences
from harness.regression.compare import Comparison, Difference
from harness.regression.nights import Night
from harness.report.format import DASH
from harness.report.markdown import escaped, markdown
from harness.report.table import Column, Table
from harness.runs.bisect.bisection import Found
from harness.runs.bisect.repository import Commit

_TIMES_HANG_TOGETHER = (
    "Times of listening hang together: while one stage takes longer more sound arrives, so that the next hop "
    "has other slices, and every time is cut to whole µs. What changed by a µs or less may be that alone."
)
_NO_TIMES = "Times were not compared: neither record has blocks, which `earshot nightly` measures."
_HOW_TO_ACCEPT = (
    "If a change is meant: merge it, let the next night measure it, and accept that night with "
    '`earshot baseline accept --board {board} --reason "…"`, in a change that is reviewed like code.'
)
_WIDTH = 110
_MOST_CLIPS = 10
"""Named of those that a variant lost, and of those that it gained; the reports of both nights have all."""
_COLUMNS = ("Series", "", "Before", "After", "By", "Share")


def headline(comparison: Comparison) -> str:
    """How many of what, and the gravest of it."""
    base, head = _version(comparison.base), _version(comparison.head)
    board = comparison.head.board
    if not comparison.differences:
        same = f"all {comparison.compared} series are the same"
        return f"Nothing changed on {board} from {base} to {head}: {same}."
    counts = Counter(difference.status for difference in comparison.differences)
    told = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
    return (
        f"From {base} to {head} on {board}, of {comparison.compared} series: {told}. {_sentence(comparison)}"
    )


def bisection_text(found: Found, series: SeriesName) -> str:
    """What a bisection came to; no trailing newline."""
    lines = [f"{reading.commit} was skipped: {reading.problem}." for reading in found.skipped]
    culprit = found.culprit
    if culprit is None:
        lines.append(f"{series} changed with one of these commits, and those between cannot be measured:")
        return "\n".join([*lines, *(f"  {_described(commit)}" for commit in found.candidates)])
    assert culprit.value is not None, "git names a commit that was measured"
    change = Difference(series, "changed", found.good.value, culprit.value)
    lines += [_described(culprit.commit), _went(change)]
    if culprit.value != found.bad.value:
        sha, bad = culprit.commit.sha[:10], found.bad.commit.sha[:10]
        lines.append(
            f"A later commit changed it again, to {found.bad.shown(series)}: "
            f"`earshot bisect {sha} {bad} --series {series}` finds that one."
        )
    return "\n".join(lines)


def _described(commit: Commit) -> str:
    return f"{commit.sha} by {commit.author}, {commit.date}: {commit.subject}"


def as_text(comparison: Comparison) -> str:
    """For a terminal; no trailing newline."""
    parts = [_filled(headline(comparison))]
    if comparison.differences:
        parts.append("\n".join(_lines(comparison.differences)))
    return "\n\n".join([*parts, *map(_filled, _remarks(comparison))])


def as_markdown(comparison: Comparison) -> str:
    """For the summary of a workflow, or a comment."""
    names = "series status base head by share"
    rows = [
        dict(zip(names.split(), _cells(difference), strict=True)) for difference in comparison.differences
    ]
    columns = [
        Column(header, [name], figure=header in _COLUMNS[2:])
        for header, name in zip(_COLUMNS, names.split(), strict=True)
    ]
    table = Table("changes", "Changes", columns, rows)
    page = markdown("Earshot on the emulated board", [headline(comparison)], [table])
    return "\n\n".join([page.rstrip("\n"), *map(_prose, _remarks(comparison))]) + "\n"


def _filled(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _prose(remark: str) -> str:
    """Escaped, but for the command in it."""
    parts = remark.split("`")
    return "`".join(escaped(part) if index % 2 == 0 else part for index, part in enumerate(parts))


def _lines(differences: Sequence[Difference]) -> list[str]:
    """In columns; a reason is as long as it is."""
    rows = [_COLUMNS, *(_cells(difference) for difference in differences)]
    reasons = [False, *(bool(difference.reason) for difference in differences)]
    plain = [row for row, has_reason in zip(rows, reasons, strict=True) if not has_reason]
    names, statuses = (max(len(row[column]) for row in rows) for column in range(2))
    figures = [max(len(row[column]) for row in plain) for column in range(2, len(_COLUMNS))]
    lines = []
    for (name, status, *rest), has_reason in zip(rows, reasons, strict=True):
        aligned = (
            rest if has_reason else [text.rjust(width) for text, width in zip(rest, figures, strict=True)]
        )
        lines.append("  ".join([name.ljust(names), status.ljust(statuses), *aligned]).rstrip())
    return lines


def _cells(difference: Difference) -> tuple[str, ...]:
    then, now = difference.base, difference.head
    if difference.reason:
        return str(difference.name), difference.status, difference.reason, "", "", ""
    if isinstance(then, str) and isinstance(now, str):
        then, now = _where_texts_part(then, now)
    by, share = difference.by, difference.share
    return (
        str(difference.name),
        difference.status,
        _amount(then, difference.name),
        _amount(now, difference.name),
        "" if by is None else f"{by:+,.6g}",
        "" if share is None else f"{share:+.3%}",
    )


def _amount(value: Figure | None, name: SeriesName) -> str:
    return DASH if value is None else sentences.amount(value, name)


def _where_texts_part(then: str, now: str) -> tuple[str, str]:
    """Both from a little before the first character that is not the same: long ones are cut at their end."""
    same = next((index for index, (a, b) in enumerate(zip(then, now, strict=False)) if a != b), 0)
    start = max(0, same - 20)
    return (f"…{then[start:]}", f"…{now[start:]}") if start else (then, now)


def _sentence(comparison: Comparison) -> str:
    """Of the gravest difference."""
    worst = comparison.differences[0]
    if worst.reason:
        return f"{worst.name} has no figure: {worst.reason}."
    if worst.status == "missing":
        return f"{worst.name} is not measured any more."
    if worst.status == "new":
        return f"{worst.name} is new."
    return _went(worst)


def _went(change: Difference) -> str:
    _, _, then, now, *amounts = _cells(change)
    by = f" ({', '.join(filter(None, amounts))})" if any(amounts) else ""
    return f"{change.name} went from {then} to {now}{by}."


def _remarks(comparison: Comparison) -> list[str]:
    found = [
        f"{_version(night)} was measured with changes that are in no commit: nobody can measure it again."
        for night in (comparison.base, comparison.head)
        if night.dirty
    ]
    if not comparison.base.times and not comparison.head.times:
        found.append(_NO_TIMES)
    changed = [difference.name for difference in comparison.differences if difference.status == "changed"]
    if sum(name.metric.endswith("_us") for name in changed) > 1:
        found.append(_TIMES_HANG_TOGETHER)
    found += map(_clips, comparison.clips)
    if changed:
        found.append(_HOW_TO_ACCEPT.format(board=comparison.head.board))
    return found


def _clips(change: ClipChange) -> str:
    """What a variant no longer hears, and what it hears now."""
    parts = [
        f"{word} {', '.join(clips[:_MOST_CLIPS])}{_and_more(clips)}"
        for word, clips in (("lost", change.lost), ("gained", change.gained))
        if clips
    ]
    return f"Of the clips {change.variant} ({change.engine}) {' and '.join(parts)}."


def _and_more(clips: Sequence[str]) -> str:
    return f" and {len(clips) - _MOST_CLIPS} more" if len(clips) > _MOST_CLIPS else ""


def _version(night: Night) -> str:
    return f"{night.commit[:10]}{' with changes' if night.dirty else ''}"
