"""A table that the page, the Markdown and the CSV all show: one frame of raw figures, and how to read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from harness.report import format as figures


@dataclass(frozen=True)
class Column:
    """One column as it is read: the frame's values of `names`, made into a text by `show`.

    Attributes:
        header: what stands above it.
        names: the columns of the frame that `show` takes, in this order.
        show: makes the text; `harness.report.format` has those for figures.
        figure: the text is a figure: set flush right, digits of one width.
        mark: what the page adds to the text: a bar for a fraction 0 to 1 (first name), a track with an
            interval (names: fraction, low, high), or a link to the file that is named.
        optional: the column is left out when all of its texts are empty or dashes.
        group: what adjacent columns of it have in common; stands above their headers.
    """

    header: str
    names: Sequence[str]
    show: Callable[..., str] = figures.text
    figure: bool = True
    mark: Literal["", "bar", "interval", "link"] = ""
    optional: bool = False
    group: str = ""

    @property
    def full_header(self) -> str:
        """The header with its group, for where there is one line for both."""
        return f"{self.group}: {self.header}" if self.group else self.header


@dataclass(frozen=True)
class Cell:
    """One text of a table, with the raw values behind it."""

    text: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Table:
    """Raw figures (the CSV) with what is shown of them (the page, the Markdown).

    Attributes:
        name: of the CSV file, without its extension.
        title: the heading.
        frame: raw values in the units of the columns' names, None where nothing was measured.
        columns: what is shown.
        note: what a reader must know to read the figures, one or two sentences.
        headed: the page shows the first column as a heading above the rows that are alike in it.
        groups: how many of the first columns the page shows once for adjacent rows that are alike in them.
        tones: one for each row: "" plain, "strong" what the table is about, "bad" what went wrong.
    """

    name: str
    title: str
    frame: pd.DataFrame
    columns: Sequence[Column]
    note: str = ""
    headed: bool = False
    groups: int = 1
    tones: Sequence[str] = ()

    def shown(self) -> tuple[list[Column], list[list[Cell]]]:
        """The columns that have something to say, and the cells of each row under them."""
        by_column = [
            [Cell(column.show(*values), values) for values in self._values(column)] for column in self.columns
        ]
        kept = [
            index
            for index, column in enumerate(self.columns)
            if not column.optional or any(cell.text not in ("", figures.DASH) for cell in by_column[index])
        ]
        rows = [list(row) for row in zip(*(by_column[index] for index in kept), strict=True)]
        return [self.columns[index] for index in kept], rows

    def tone(self, row: int) -> str:
        """The tone of a row by its index."""
        return self.tones[row] if self.tones else ""

    def _values(self, column: Column) -> Iterable[tuple[Any, ...]]:
        return self.frame[list(column.names)].itertuples(index=False, name=None)


def frame(names: str, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A frame that keeps every value as it is: integers beside None stay integers.

    Args:
        names: the columns, separated by blanks.
        rows: values by column; one that is not there is None.
    """
    columns = names.split()
    table = [[row.get(name) for name in columns] for row in rows]
    return pd.DataFrame(table, columns=columns, dtype=object)
