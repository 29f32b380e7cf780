"""All nights together, each once with its file; and files that are none of them, each with why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.regression.nights import Night


@dataclass(frozen=True)
class RecordFile:
    """The record of a night.

    Attributes:
        path: of its file; of the copies in several folders the first one.
        kind: "nightly" or "a-a".
        status, sentence, exit_code: what was said of the night then; "", "" and None if it was not judged.
    """

    path: Path
    kind: str
    status: str = ""
    sentence: str = ""
    exit_code: int | None = None


@dataclass(frozen=True)
class Refused:
    """A file or folder that was left out.

    Attributes:
        path: of it.
        sentence: what is wrong with it, and what to do.
    """

    path: Path
    sentence: str


@dataclass(frozen=True)
class Conflict:
    """Files that claim to be one night, and say different things.

    Attributes:
        id: of the night.
        paths: all of them; none is believed.
    """

    id: str
    paths: tuple[Path, ...]

    @property
    def sentence(self) -> str:
        """For people."""
        files = ", ".join(map(str, self.paths))
        return (
            f"{len(self.paths)} records have the id {self.id} and different content, so none of them counts: "
            f"keep the one that the bench wrote, and remove the others ({files})."
        )


@dataclass(frozen=True)
class History:
    """Nights of the kinds that are compared.

    Attributes:
        nights: each once, in order of time.
        records: of each night by its id.
        refused: what was left out.
        conflicts: nights that were left out because their records contradict each other.
        runs: how many records were of `earshot run`, whose figures are no history.
    """

    nights: tuple[Night, ...] = ()
    records: Mapping[str, RecordFile] = field(default_factory=dict)
    refused: tuple[Refused, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    runs: int = 0
