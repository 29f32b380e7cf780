"""What was said of a night that was judged: its sentence, and the series that are not as accepted."""

from __future__ import annotations

from harness.records.record import RunRecord
from harness.records.verdict import Figure, SeriesVerdict
from harness.report import format as figures
from harness.report.table import Column, Table, frame

_PLAIN = ("ok", "new")
"""Of which there is nothing to tell in a row each."""
_LONG = 24
"""Characters; a longer text is shown by its beginning and its end, the CSV has all of it."""
_BAD = ("regressed", "changed", "broken", "missing")


def verdict_sentence(record: RunRecord) -> str:
    """The verdict, as far as it needs no row; "" if the night was not judged."""
    if record.verdict is None:
        return ""
    if record.verdict.status == "ok" or not record.verdict.series:
        return record.verdict.sentence
    return f"{record.verdict.sentence.partition(': ')[0].rstrip('.')}."


def verdict_table(record: RunRecord) -> Table:
    """The series that are not as accepted, the gravest first; none of a night that was not judged."""
    told = [row for row in record.verdict.series if row.status not in _PLAIN] if record.verdict else []
    order = {status: place for place, status in enumerate((*_BAD, "suspect"))}
    told.sort(key=lambda row: (order.get(row.status, len(order)), row.advisory, -_size(row), row.series))
    return Table(
        name="verdict",
        title="Series that are not as accepted",
        frame=frame("status series reference value change sentence", [_row(row) for row in told]),
        columns=[
            Column("Status", ["status"], figure=False),
            Column("Series", ["series"], figure=False),
            Column("Change", ["change"], _change),
            Column("Accepted", ["reference"], _shown),
            Column("This night", ["value"], _shown),
            Column("What happened", ["status", "sentence"], _what, figure=False, optional=True),
        ],
        note="What is advisory gates nothing: its noise is not known well enough yet, or the tree was dirty.",
        tones=["bad" if row.status in _BAD and not row.advisory else "" for row in told],
    )


def _row(row: SeriesVerdict) -> dict[str, object]:
    return {
        "status": f"{row.status}, advisory" if row.advisory else row.status,
        "series": row.series,
        "reference": row.reference,
        "value": row.value,
        "change": row.change,
        "sentence": row.sentence,
    }


def _shown(value: Figure | None) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, str) and len(value) > _LONG:  # of detections and checksums the end tells them apart
        return f"{value[: _LONG // 2]}…{value[-_LONG // 2 :]}"
    return figures.text(value) if isinstance(value, str) else figures.count(value)


def _change(share: float | None) -> str:
    return figures.DASH if share is None else f"{share * 100:+.3f} %".replace("-", "−")


def _what(status: str, sentence: str) -> str:
    """The sentence, unless it only repeats the figures beside it."""
    return "" if status.startswith("changed") else sentence


def _size(row: SeriesVerdict) -> float:
    """Of a change: times by their microseconds and before the rest, as `sentences.gravity` has it."""
    change = abs(row.change or 0.0)
    if "_us/" in row.series and isinstance(row.reference, int | float):
        return 1.0 + change * row.reference
    return min(change, 1.0)
