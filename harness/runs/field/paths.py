"""Files in the folder of a field run, beside its record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.records.field_record import FieldRecord
from harness.sound.playback_plan import PlaybackPlan, read_plan
from models.store import sha256_of

PLAN = "plan.json"
SOUND = "live.wav"
"""The microphone's sound of a live session."""


@dataclass(frozen=True)
class FieldPaths:
    """Paths of the files in a field run's folder."""

    folder: Path

    @property
    def plan(self) -> Path:
        """Return the playback plan."""
        return self.folder / PLAN

    def read_plan(self, record: FieldRecord) -> PlaybackPlan:
        """Read the playback plan of a record.

        Raises:
            UsageError: it cannot be read, was changed, or the run was killed before it had one.
        """
        if (self.folder / SOUND).exists() and not self.plan.exists():
            raise UsageError(
                "this live session was killed, and has no words and no plan",
                where=str(self.folder),
                remedy=f"Its sound is in {SOUND}: play it with `earshot field --keyword-free {self.folder}`, "
                "or cut words out of it.",
            )
        plan = read_plan(self.plan)
        if sha256_of(self.plan) != record.plan.get("sha256"):
            raise UsageError(
                "the plan was changed after it was written",
                where=str(self.plan),
                remedy="Restore it: it says which word was played when.",
            )
        return plan

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
