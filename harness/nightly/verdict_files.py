"""What a night leaves for others beside its record: for programs, for a CI, and for a chat."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from harness.nightly.junit import junit
from harness.results.record import NightRecord
from harness.results.regression.statuses import NightVerdict
from harness.results.writing import write_whole

VERDICT, JUNIT, SUMMARY = "verdict.json", "junit.xml", "summary.md"


def write_verdict(verdict: NightVerdict, record: NightRecord, folder: Path) -> None:
    """Writes verdict.json and junit.xml into the night's folder."""
    length = record.run.get("length_s")
    write_whole(json.dumps(asdict(verdict), indent=1) + "\n", folder / VERDICT)
    write_whole(junit(verdict, record.run["started"], float(length) if length else None), folder / JUNIT)


def write_text(text: str, folder: Path) -> None:
    """Writes summary.md into the night's folder."""
    write_whole(text, folder / SUMMARY)
