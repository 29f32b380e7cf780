"""Name the pages of the history, and find the records, reports and transcripts they link to."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from harness.records.verdict import SeriesName
from harness.regression.history import RECORD
from harness.regression.nights import Night
from harness.report.pages.history_text import link

NIGHTS = "nights.html"
_FILES = (
    (RECORD, "record"),
    ("report.html", "report"),
    ("summary.md", "summary"),
    ("transcripts", "transcripts"),
)


def night_anchor(number: int) -> str:
    """Return the address of a night, seen from another page of the board."""
    return f"{NIGHTS}#n{number}"


def board_folder(board: str) -> str:
    """Return the folder of a board's pages, within the site."""
    return _file_name(board)


def series_file(name: SeriesName) -> str:
    """Return the file of a series, within the folder of its board."""
    return f"{_file_name(str(name).replace('/', '-'))}.html"


@dataclass(frozen=True)
class Links:
    """Places of the site and of the records that it links to.

    Attributes:
        folder: folder of the site.
        records: path of each night's record by its id.
    """

    folder: Path
    records: Mapping[str, Path]

    def files(self, night: Night, page_folder: Path) -> Markup:
        """Link a night's record and the files beside it, as far as they exist."""
        record = self.records.get(night.id)
        if record is None:
            return Markup()
        address = os.path.relpath(record.parent, page_folder).replace(os.sep, "/")
        found = [(title, name) for name, title in _FILES if (record.parent / name).exists()]
        return Markup(" ").join(link(title, quote(f"{address}/{name}")) for title, name in found)


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-") or "unnamed"
