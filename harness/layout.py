"""Folders of a checkout or an installed package, and the folder of cached artifacts."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_CODE = Path(__file__).resolve().parents[1]
IS_CHECKOUT = (_CODE / "pyproject.toml").exists()
"""Without a checkout, in an environment of `pip install`, reports go to the current folder."""

ROOT = _CODE if IS_CHECKOUT else Path.cwd()
_DATA = ROOT if IS_CHECKOUT else Path(__file__).parent / "data"  # copied there by setup.py
SKETCHES = _DATA / "sketches"
RECORDINGS = _DATA / "recordings"
REPORTS = ROOT / "reports"
NIGHTS = REPORTS / "nights"
STUDIES = REPORTS / "studies"
FIELDS = REPORTS / "field"
CONFIGS = _CODE / "models" / "configs"

RECORD, PARTIAL = "run.json", "run.partial.json"
"""Record in a run's folder: of a run that has ended, and until then."""


def store_root() -> Path:
    """Return the folder of cached artifacts: $EARSHOT_HOME, `.earshot` in a checkout, or the user's cache."""
    if home := os.environ.get("EARSHOT_HOME"):
        return Path(home).expanduser()
    return ROOT / ".earshot" if IS_CHECKOUT else platformdirs.user_cache_path("earshot")
