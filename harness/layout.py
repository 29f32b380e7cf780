"""Folders of a checkout or an installed package, and the folder of cached artifacts."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path

import platformdirs

from models.decoding import user_path

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
FIELD_RECORD = "field.json"
"""Record of a field run that has ended."""


def store_root() -> Path:
    """Return the folder of cached artifacts: $EARSHOT_HOME, `.earshot` in a checkout, or the user's cache."""
    if home := os.environ.get("EARSHOT_HOME"):
        return user_path(home)
    return ROOT / ".earshot" if IS_CHECKOUT else platformdirs.user_cache_path("earshot")


def is_disk_full(problem: OSError) -> bool:
    """Tell if a write failed for want of space; NumPy reports that without an error number."""
    return problem.errno in (errno.ENOSPC, errno.EDQUOT) or " requested and " in str(problem)


def full_disk(problem: OSError | None = None, output: Path | None = None) -> tuple[Path, str]:
    """Return a place on the full disk, and what to do.

    Args:
        problem: failure of the write; without the name of a file the folder with the least space is taken.
        output: folder that the command writes its result into.
    """
    folders = {
        **({output: "--output"} if output else {}),
        store_root(): "EARSHOT_HOME",
        Path(tempfile.gettempdir()): "TMPDIR",
    }
    named = problem and (problem.filename2 or problem.filename)  # the second one is the copy
    if isinstance(named, str):
        place = Path(named)
        owners = (folder for folder in folders if place.absolute().is_relative_to(folder.absolute()))
        owner = next(owners, None)
    else:
        place = owner = min(folders, key=_free_bytes)
    move = f", or point {folders[owner]} at another disk" if owner else ""
    return place, f"Free some space{move}."


def _free_bytes(folder: Path) -> int:
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
