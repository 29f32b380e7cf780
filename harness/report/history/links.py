"""Where the pages of a site are, and where they find records, reports and transcripts: relative paths."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from harness.records.verdict import SeriesName
from harness.regression.nights import Night
from harness.report.history.boards import BoardHistory

INDEX = "index.html"
_BESIDE = (("report.html", "report"), ("summary.md", "summary"), ("transcripts", "transcripts"))
"""What lies beside a record, with its name for people."""


@dataclass(frozen=True)
class Links:
    """The places of one site.

    Attributes:
        folder: of the site.
        records: the files of nights by their ids; those of others are not linked.
        boards: the folder of each board, within that of the site.
        pages: the file of each series by its board, within the board's folder.
    """

    folder: Path
    records: Mapping[str, Path]
    boards: Mapping[str, str]
    pages: Mapping[tuple[str, SeriesName], str]

    @classmethod
    def of(cls, folder: Path, records: Mapping[str, Path], boards: Iterable[BoardHistory]) -> Links:
        """Names for everything, each once."""
        boards = list(boards)
        names_of = [board.name for board in boards]
        folders = dict(zip(names_of, _names(names_of), strict=True))
        pages: dict[tuple[str, SeriesName], str] = {}
        for board in boards:
            names = [series.name for series in board.series]
            files = _names(str(name).replace("/", "-") for name in names)
            pages |= {(board.name, name): f"{file}.html" for name, file in zip(names, files, strict=True)}
        return cls(folder, records, folders, pages)

    def board(self, board: BoardHistory) -> Path:
        """The folder of a board's pages."""
        return self.folder / self.boards[board.name]

    def series(self, board: BoardHistory, name: SeriesName) -> str:
        """The page of a series, seen from the index."""
        return f"{self.boards[board.name]}/{self.pages[board.name, name]}"

    def night(self, board: BoardHistory, number: int) -> str:
        """Where a night is told of, seen from another page of the board."""
        return f"{self.year_page(board.nights[number])}#n{number}"

    def year_page(self, night: Night) -> str:
        """The page of a night's year."""
        return f"nights-{night.started[:4]}.html"

    def files(self, night: Night, page_folder: Path) -> list[tuple[str, str]]:
        """Name and address of a night's record and of what lies beside it, as far as it is there."""
        record = self.records.get(night.id)
        if record is None:
            return []
        address = os.path.relpath(record.parent, page_folder).replace(os.sep, "/")
        beside = ((record.name, "record"), *_BESIDE)
        return [
            (title, quote(f"{address}/{name}"))
            for name, title in beside
            if Path(f"{record.parent}/{name}").exists()
        ]


def _names(texts: Iterable[str]) -> list[str]:
    """File names like the texts, no two of them alike where letters have no case."""
    found: list[str] = []
    taken: set[str] = set()
    for text in texts:
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-") or "unnamed"
        name, number = plain, 2
        while name.lower() in taken:
            name, number = f"{plain}-{number}", number + 1
        taken.add(name.lower())
        found.append(name)
    return found
