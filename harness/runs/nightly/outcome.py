"""What a night came to, for whoever called it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.records.record import RunRecord
from harness.records.verdict import RunVerdict


@dataclass(frozen=True)
class Outcome:
    """What a night came to.

    Attributes:
        record: as it was written.
        verdict: on it.
        page: the report.
        text: for people, Markdown.
        exit_code: of the command, see `harness.errors`.
    """

    record: RunRecord
    verdict: RunVerdict
    page: Path
    text: str
    exit_code: int
