"""The verdict on a run in its report: the sentence, and the series that are not as accepted."""

from __future__ import annotations

from harness import format as fmt
from harness.errors import EXIT_BROKEN, EXIT_REGRESSED
from harness.records.record import RunRecord
from harness.records.verdict import Figure, code_of
from harness.regression.sentences import gravity
from harness.report.table import Column, Table

_UNREMARKABLE = ("ok", "new")
_LONGEST_TEXT = 24
_BAD = (EXIT_REGRESSED, EXIT_BROKEN)


def verdict_sentence(record: RunRecord) -> str:
    """Return the headline without the details that the table shows; "" if the run was not judged."""
    verdict = record.verdict
    if verdict is None:
        return ""
    if verdict.status == "ok" or not verdict.series:
        return verdict.sentence
    return f"{verdict.sentence.partition(': ')[0].rstrip('.')}."


def verdict_table(record: RunRecord) -> Table:
    """List the series that are not as accepted, the gravest first."""
    series = record.verdict.series if record.verdict else ()
    listed = sorted((item for item in series if item.status not in _UNREMARKABLE), key=gravity)
    rows = [
        vars(item)
        | {"status": f"{item.status}, advisory" if item.advisory else item.status}
        | {"sentence": "" if item.status == "changed" else item.sentence}  # repeats the figures beside it
        for item in listed
    ]
    columns = [
        Column("status", "Status"),
        Column("series", "Series"),
        Column("change", "Change", fmt.precise_change),
        Column("reference", "Accepted", _value),
        Column("value", "This run", _value),
        Column("sentence", "Finding", fmt.remark, optional=True),
    ]
    note = "Advisory findings do not fail the run: the noise is not known yet, or changes were uncommitted."
    tones = ["bad" if code_of(item.status) in _BAD and not item.advisory else "" for item in listed]
    return Table("verdict", "Series that are not as accepted", columns, rows, note, tones=tones)


def _value(value: Figure | None) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:  # detections and checksums differ at the end
        return f"{value[: _LONGEST_TEXT // 2]}…{value[-_LONGEST_TEXT // 2 :]}"
    return fmt.text(value) if isinstance(value, str) else fmt.count(value)
