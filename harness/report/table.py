"""Tables that are declared once and rendered as HTML, Markdown and CSV."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal

import pandas as pd

from harness import format as fmt

Row = Mapping[str, Any]

_WIDEST = 120
"""Characters of a terminal's line, above which headers of a table wrap."""
_NARROWEST = 10
"""Characters of a header's line."""


@dataclass(frozen=True)
class Column:
    """One column: the raw values that the CSV keeps, and the text that a reader sees."""

    keys: str | Sequence[str]
    """Names of the row values that `show` takes, separated by spaces, or as a tuple where a name has spaces
    in it. They are the names of the CSV columns too."""
    header: str = ""  # text above the column; a column without a header is in the CSV only
    show: Callable[..., str] = fmt.text
    """Makes the text out of the values; numbers have their formatters in `harness.format`."""
    text: bool = False
    """Align left. Columns that `fmt.text` and `fmt.remark` show are always aligned left."""
    mark: Literal["", "bar", "interval", "link"] = ""
    """Drawing that the page adds: a bar for a fraction 0 to 1 (first key), a track with an interval (keys:
    fraction, low, high), or a link to the file that is named."""
    optional: bool = False  # leave the column out where all of its texts are empty or dashes
    group: str = ""  # header above adjacent columns

    def __post_init__(self) -> None:
        if isinstance(self.keys, str):
            object.__setattr__(self, "keys", self.keys.split())

    @property
    def figure(self) -> bool:
        """True if the texts are numbers, aligned right."""
        return not self.text and self.show not in (fmt.text, fmt.remark)

    @property
    def full_header(self) -> str:
        """The header with its group on one line."""
        return f"{self.group}: {self.header}" if self.group else self.header


@dataclass(frozen=True)
class Cell:
    """The text of a table cell and the raw values behind it."""

    text: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Table:
    """A table of raw values with a description of how they are shown."""

    name: str  # file name of the CSV, without extension
    title: str
    columns: Sequence[Column]  # shown columns, and those that only the CSV has
    rows: Sequence[Row] = ()
    """Raw values by key, in the units of the keys' names; a key that is not there is None."""
    note: str = ""  # one or two sentences that a reader needs for the figures
    headed: bool = False  # show the first column as a heading above its rows
    groups: int = 1  # number of leading columns whose equal adjacent cells are merged
    cards: bool = False  # on a phone, show each row as a card of its own: its columns do not fit side by side
    tones: Sequence[str] = ()  # one of "", "strong" and "bad" for each row

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The raw values, one column for each key."""
        keys = list(dict.fromkeys(key for column in self.columns for key in column.keys))
        values = [[row.get(key) for key in keys] for row in self.rows]
        return pd.DataFrame(values, columns=keys, dtype=object)  # keeps integers beside None integers

    def shown(self) -> tuple[list[Column], list[list[Cell]]]:
        """Return the columns that are shown, and the cells of each row."""
        columns, cells = [], []
        for column in self.columns:
            if not column.header:
                continue
            values = self.frame[list(column.keys)].itertuples(index=False, name=None)
            of_column = [Cell(column.show(*those), those) for those in values]
            if not column.optional or any(cell.text not in ("", fmt.DASH) for cell in of_column):
                columns.append(column)
                cells.append(of_column)
        return columns, [list(row) for row in zip(*cells, strict=True)]

    def tone(self, row: int) -> str:
        """Return the tone of a row by its index."""
        return self.tones[row] if self.tones else ""

    def short(self, keys: str) -> Table:
        """Return the table with only the columns whose first key is among `keys`, separated by spaces."""
        return replace(self, columns=[one for one in self.columns if one.keys[0] in keys.split()])

    def csv(self) -> str:
        """Return the raw values as CSV."""
        return self.frame.to_csv(index=False, lineterminator="\n")

    def aligned(self) -> str:
        """Return the shown texts in columns for a terminal, numbers to the right; "" without rows."""
        columns, rows = self.shown()
        if not rows:
            return ""
        texts = [[cell.text for cell in row] for row in rows]
        headings = [row.pop(0) if self.headed else "" for row in texts]
        headers = _wrapped([column.header for column in columns[self.headed :]], texts)
        headings = [columns[0].header] * len(headers) + headings
        lines = headers + texts
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        shown = [
            "  ".join(
                text.rjust(width) if column.figure else text.ljust(width)
                for text, width, column in zip(line, widths, columns[self.headed :], strict=True)
            ).rstrip()
            for line in lines
        ]
        if self.headed:
            groups = groupby(zip(headings, shown, strict=True), key=itemgetter(0))
            shown = [
                text for heading, those in groups for text in (heading, *(f"  {line}" for _, line in those))
            ]
        return "\n".join(shown)


def _wrapped(headers: Sequence[str], texts: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the headers in one line, or in several if the table is wider than a terminal."""
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    if sum(map(max, widths, map(len, headers))) + 2 * (len(widths) - 1) <= _WIDEST:
        return [list(headers)]
    parts = [
        textwrap.wrap(header, max(width, _NARROWEST, *map(len, header.split())))
        for header, width in zip(headers, widths, strict=True)
    ]
    lines = max(map(len, parts))
    return list(map(list, zip(*([""] * (lines - len(part)) + part for part in parts), strict=True)))
