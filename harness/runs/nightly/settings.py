"""How a night is measured, and against what it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.measure.block import SAMPLES
from harness.runs.nightly.schedule import ROUNDS


@dataclass(frozen=True)
class Settings:
    """How a night is measured and judged.

    Attributes:
        baselines: the folder of the boards' accepted figures.
        kept: the folder of the images that are kept.
        history: folders with the records of earlier nights.
        rounds: blocks of each variant, 1 or more.
        samples: of each series in a block, 1 or more.
    """

    baselines: Path
    kept: Path
    history: tuple[Path, ...]
    rounds: int = ROUNDS
    samples: int = SAMPLES

    def canary(self, board: str) -> Path:
        """Where the canary of a board is kept."""
        return self.kept / "canaries" / board

    def same_images(self, board: str) -> Path:
        """Where the images of a board's last night are kept, for A/A nights."""
        return self.kept / "a-a" / board
