"""Files in the folder of a field run, beside its record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PLAN = "plan.json"


@dataclass(frozen=True)
class FieldPaths:
    """Paths of a field run's files.

    Attributes:
        folder: of the run.
    """

    folder: Path

    @property
    def plan(self) -> Path:
        """Return the playback plan."""
        return self.folder / PLAN

    def transcript(self, variant: str, segment: int) -> Path:
        """Return the transcript of a segment."""
        return self.folder / "transcripts" / variant / f"segment-{segment:04d}.log"

    def facts(self, variant: str, segment: int) -> Path:
        """Return the facts of a segment; where this file exists, the transcript is complete."""
        return self.transcript(variant, segment).with_suffix(".json")

    def host(self, variant: str, segment: int) -> Path:
        """Return the scores and answers of the host's model."""
        return self.folder / "host" / variant / f"segment-{segment:04d}.npz"

    def clips(self, variant: str) -> Path:
        """Return the transcript of single clips; their results lie beside it as .json."""
        return self.folder / "transcripts" / variant / "clips.log"
