"""What a night leaves for others beside its record: for programs, for a CI, and for a chat."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from harness.files import write_atomic
from harness.records.record import RunRecord
from harness.records.verdict import RunVerdict
from harness.runs.nightly.junit import junit

VERDICT, JUNIT, SUMMARY = "verdict.json", "junit.xml", "summary.md"


def write_verdict(verdict: RunVerdict, record: RunRecord, folder: Path) -> None:
    """Writes verdict.json and junit.xml into the night's folder."""
    length = record.run.get("length_s")
    write_atomic(json.dumps(asdict(verdict), indent=1) + "\n", folder / VERDICT)
    write_atomic(junit(verdict, record.run["started"], float(length) if length else None), folder / JUNIT)


def write_text(text: str, folder: Path) -> None:
    """Writes summary.md into the night's folder."""
    write_atomic(text, folder / SUMMARY)
