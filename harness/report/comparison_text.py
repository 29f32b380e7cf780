"""The text of a comparison of two runs: a headline, a table and remarks, for a terminal or as Markdown."""

from __future__ import annotations

import textwrap
from functools import partial

from harness import format as fmt
from harness.records.verdict import SeriesVerdict
from harness.regression.compare import ClipChange, Comparison
from harness.regression.nights import Night
from harness.regression.sentences import amount, count_statuses
from harness.report.markdown import escaped, markdown
from harness.report.table import Column, Table
from harness.report.variants import calibration_note

_TIMES_ARE_COUPLED = (
    "Times of listening are coupled: if one stage takes longer, more sound arrives, the next hop has other "
    "slices, and every time is rounded down to whole µs. That alone may change a time by 1 µs. The cycles of "
    "a stage are counted apart from the others and change with its code only."
)
_NO_BLOCKS = (
    "Times and other figures of blocks were not compared: a record has no blocks, which only "
    "`earshot nightly` measures."
)
_BY_PROFILE = "The stages were compared by the cycles of the profile."
_HOW_TO_ACCEPT = (
    "If the change is intended: merge it, let the next night measure it, and accept that night with "
    '`earshot baseline accept --board {board} --reason "…"`, in a change that is reviewed like code.'
)
_MOST_CLIPS = 10


def as_text(comparison: Comparison) -> str:
    """Render for a terminal; no trailing newline."""
    fill = partial(textwrap.fill, width=110, break_long_words=False, break_on_hyphens=False)
    remarks = [fill(remark) for remark in _remarks(comparison)]
    return "\n\n".join(filter(None, [fill(_headline(comparison)), _table(comparison).aligned(), *remarks]))


def as_markdown(comparison: Comparison) -> str:
    """Render for a workflow's summary or a comment."""
    page = markdown("Earshot on the emulated board", [_headline(comparison)], [_table(comparison)])
    return "\n\n".join([page.rstrip("\n"), *map(_prose, _remarks(comparison))]) + "\n"


def _table(comparison: Comparison) -> Table:
    columns = [
        Column("series", "Series"),
        Column("status", "Status"),
        Column("before", "Before", _text),
        Column("after", "After", _text),
        Column("by", "By", _text, optional=True),
        Column("share", "Share", _text, optional=True),
        Column("sentence", "Note", fmt.remark, optional=True),
    ]
    rows = [vars(item) | _texts(item) for item in comparison.differences]
    return Table("changes", "Changes", columns, rows)


def _text(value: str) -> str:
    """Return a text that is aligned like the number that it mostly is."""
    return value


def _texts(item: SeriesVerdict) -> dict[str, str]:
    """Return the texts of both values, of their difference and of its share."""
    then, now = item.reference, item.value
    by = fmt.added(now - then) if isinstance(then, int | float) and isinstance(now, int | float) else ""
    if isinstance(then, str) and isinstance(now, str):
        then, now = _where_texts_differ(then, now)
    before, after = (fmt.DASH if value is None else amount(value, item.name) for value in (then, now))
    share = "" if item.change is None else fmt.precise_change(item.change)
    return {"before": before, "after": after, "by": by, "share": share}


def _where_texts_differ(then: str, now: str) -> tuple[str, str]:
    """Cut both texts shortly before the first difference: long ones are cut at their end."""
    same = next((index for index, (a, b) in enumerate(zip(then, now, strict=False)) if a != b), 0)
    start = max(0, same - 20)
    return (f"…{then[start:]}", f"…{now[start:]}") if start else (then, now)


def _headline(comparison: Comparison) -> str:
    base, head = _version(comparison.base), _version(comparison.head)
    board = comparison.head.board
    if not comparison.differences:
        same = f"all {comparison.compared} series are the same"
        return f"Nothing changed on {board} from {base} to {head}: {same}."
    counted, worst = count_statuses(comparison.differences), comparison.differences[0]
    if worst.sentence:  # the reason why the series has no value
        sentence = f"{worst.series} has no value: {worst.sentence}."
    elif worst.status == "changed":
        texts = _texts(worst)
        difference = ", ".join(filter(None, [texts["by"], texts["share"]]))
        by = f" ({difference})" if difference else ""
        sentence = f"{worst.series} went from {texts['before']} to {texts['after']}{by}."
    else:
        sentence = f"{worst.series} is {worst.status}."
    return f"From {base} to {head} on {board}, of {comparison.compared} series: {counted}. {sentence}"


def _remarks(comparison: Comparison) -> list[str]:
    found = [
        f"{night.commit[:10]} was measured with uncommitted changes, so nobody can repeat the measurement."
        for night in (comparison.base, comparison.head)
        if night.dirty
    ]
    if comparison.head.modeled:
        found.append(f"Times are modeled. {calibration_note(comparison.head.calibrations)}")
    if comparison.without_blocks:
        profiled = any(name.metric.endswith("_cycles") for name in comparison.head.exact)
        found.append(f"{_BY_PROFILE} {_NO_BLOCKS}" if profiled else _NO_BLOCKS)
    changed = [item.name for item in comparison.differences if item.status == "changed"]
    if sum(name.metric.endswith("_us") for name in changed) > 1:
        found.append(_TIMES_ARE_COUPLED)
    found += map(_clips, comparison.clips)
    if changed:
        found.append(_HOW_TO_ACCEPT.format(board=comparison.head.board))
    return found


def _clips(change: ClipChange) -> str:
    parts = []
    for word, clips in (("lost", change.lost), ("gained", change.gained)):
        if clips:
            more = f" and {len(clips) - _MOST_CLIPS} more" if len(clips) > _MOST_CLIPS else ""
            parts.append(f"{word} {', '.join(clips[:_MOST_CLIPS])}{more}")
    return f"Clips of {change.variant} ({change.engine}): {'; '.join(parts)}."


def _version(night: Night) -> str:
    return f"{night.commit[:10]}{' with changes' if night.dirty else ''}"


def _prose(remark: str) -> str:
    """Escape a remark for Markdown, except for the command in it."""
    parts = remark.split("`")
    return "`".join(escaped(part) if index % 2 == 0 else part for index, part in enumerate(parts))
