"""Name the pages of the history, and find the records, reports and transcripts they link to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from harness.records.verdict import SeriesName
from harness.regression.history import RECORD
from harness.regression.nights import Night
from harness.report.pages.history_data import BoardHistory
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


@dataclass(frozen=True)
class Links:
    """Addresses of one site.

    Attributes:
        folder: folder of the site.
        records: path of each night's record by its id.
        boards: folder of each board, within the site.
        pages: file of each series by board and name, within the board's folder.
    """

    folder: Path
    records: Mapping[str, Path]
    boards: Mapping[str, str]
    pages: Mapping[tuple[str, SeriesName], str]

    @classmethod
    def of(cls, folder: Path, records: Mapping[str, Path], boards: Iterable[BoardHistory]) -> Links:
        """Choose names for everything, each once."""
        boards = list(boards)
        names = [board.name for board in boards]
        pages: dict[tuple[str, SeriesName], str] = {}
        for board in boards:
            series = [one.name for one in board.series]
            files = _file_names(str(name).replace("/", "-") for name in series)
            pages |= {(board.name, name): f"{file}.html" for name, file in zip(series, files, strict=True)}
        return cls(folder, records, dict(zip(names, _file_names(names), strict=True)), pages)

    def board(self, board: BoardHistory) -> Path:
        """Return the folder of a board's pages."""
        return self.folder / self.boards[board.name]

    def series(self, board: BoardHistory, name: SeriesName) -> str:
        """Return the address of a series, seen from the index."""
        return f"{self.boards[board.name]}/{self.pages[board.name, name]}"

    def files(self, night: Night, page_folder: Path) -> Markup:
        """Link a night's record and the files beside it, as far as they exist."""
        record = self.records.get(night.id)
        if record is None:
            return Markup()
        address = os.path.relpath(record.parent, page_folder).replace(os.sep, "/")
        found = [(title, name) for name, title in _FILES if (record.parent / name).exists()]
        return Markup(" ").join(link(title, quote(f"{address}/{name}")) for title, name in found)


def _file_names(texts: Iterable[str]) -> list[str]:
    """Return file names like the texts, no two alike where letter case is ignored."""
    found: list[str] = []
    taken: set[str] = {"nights"}
    for text in texts:
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-") or "unnamed"
        name, number = plain, 2
        while name.lower() in taken:
            name, number = f"{plain}-{number}", number + 1
        taken.add(name.lower())
        found.append(name)
    return found
