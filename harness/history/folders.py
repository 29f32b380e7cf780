"""The nights of many folders, merged: the door to the history."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from harness import layout
from harness.history.files import find_records
from harness.history.history import History
from harness.history.index import Index, using

INDEX = layout.REPORTS / "history.sqlite"


def read_nights(
    folders: Sequence[Path],
    say: Callable[[str], None] = lambda line: None,
    *,
    boards: Collection[str] = (),
    index: Path | None = None,
    rebuild: bool = False,
) -> History:
    """Every night of the folders once; only records that the index does not have are read.

    A file that is no record, or one that is cut off, was edited or contradicts another, is left out and told.

    Args:
        folders: see `harness.history.files.find_records`.
        say: told each sentence about what is left out, and if it takes long.
        boards: names or identities; nights of others are not read from the index. All if there are none.
        index: by default `INDEX`.
        rebuild: whether the index is made from nothing.
    """
    found, without = find_records(folders)

    def use(opened: Index) -> History:
        opened.update(found, folders, say)
        return opened.history(found, boards)

    history = using(index or INDEX, use, say, rebuild)
    history = replace(history, refused=(*without, *history.refused))
    for sentence in [
        *(one.sentence for one in history.refused),
        *(one.sentence for one in history.conflicts),
    ]:
        say(sentence)
    return history
