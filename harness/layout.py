"""Folders of a checkout, and the folder of cached artifacts."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SKETCHES = ROOT / "sketches"
RECORDINGS = ROOT / "recordings"
REPORTS = ROOT / "reports"
NIGHTS = REPORTS / "nights"
STUDIES = REPORTS / "studies"
FIELDS = REPORTS / "field"
CONFIGS = ROOT / "models" / "configs"

RECORD, PARTIAL = "run.json", "run.partial.json"
"""Record in a run's folder: of a run that has ended, and until then."""


def store_root() -> Path:
    """Return the folder of cached artifacts: $EARSHOT_HOME, or `.earshot` in the checkout."""
    return Path(os.environ.get("EARSHOT_HOME") or ROOT / ".earshot").expanduser()
