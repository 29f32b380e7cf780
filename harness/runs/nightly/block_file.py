"""The blocks of a night on disk, one line each, appended as they are measured."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from harness.errors import UsageError
from harness.records.record import BlockRow

FILE = "blocks.jsonl"


class BlockFile:
    """The file of a night; whoever is killed while a line is written loses that line.

    Args:
        folder: of the night.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def rows(self) -> list[BlockRow]:
        """All blocks, in the order they were measured.

        Raises:
            UsageError: a line before the last is no block.
        """
        rows = []
        for number, line in enumerate(self._whole_lines(), start=1):
            try:
                rows.append(BlockRow(**json.loads(line)))
            except (ValueError, TypeError) as problem:
                raise UsageError(
                    f"line {number} is no block: {problem}",
                    where=str(self.path),
                    remedy="Begin a new night: this one's blocks cannot be trusted.",
                ) from None
        return rows

    def append(self, row: BlockRow) -> None:
        """Adds a block; it is on the disk when this returns."""
        whole = b"".join(self._whole_lines())
        with self.path.open("ab") as stream:
            stream.truncate(len(whole))  # what a kill left of a line
            stream.write(json.dumps(asdict(row)).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())

    def remove(self) -> None:
        """When the record has them."""
        self.path.unlink(missing_ok=True)

    def _whole_lines(self) -> list[bytes]:
        lines = self.path.read_bytes().splitlines(keepends=True) if self.path.exists() else []
        return lines[:-1] if lines and not lines[-1].endswith(b"\n") else lines
