"""Nights of small models on the emulated board, in a store and with folders of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from small_models import classifier

from harness.boards.board import BoardDescription
from harness.boards.emulated import EmulatedBoard
from harness.errors import EarshotError
from harness.firmware.engine import get_engine
from harness.firmware.firmware import Firmware
from harness.layout import RECORDINGS
from harness.regression.acceptance import accept
from harness.regression.baseline import read_baseline, write_baseline
from harness.regression.from_record import NIGHTLY, night_of
from harness.runs.night import Night
from harness.runs.nightly.nightly import nightly
from harness.runs.nightly.outcome import Outcome
from harness.runs.nightly.settings import Settings
from models.data.wav import read_wav, write_wav
from models.model_artifact import ModelArtifact
from models.pipeline import external
from models.store import Store

LABELS = ("silence", "unknown", "yes", "no")


class Models:
    """A selection of .tflite files."""

    def __init__(self, paths: Iterable[Path], store: Store) -> None:
        self.paths, self.store = paths, store

    def models(self, say, failed) -> Iterable[ModelArtifact]:
        for path in self.paths:
            yield external(path, LABELS, self.store)


class TroubledBoard(EmulatedBoard):
    """The emulated board, under another identity, and with uploads that fail.

    Args:
        trouble: asked before each upload; what it gives is raised.
        identity: fields of its description that are others than the emulated board's.
    """

    def __init__(self, trouble: Callable[[], EarshotError | None] = lambda: None, **identity: str) -> None:
        super().__init__()
        self.trouble, self.identity = trouble, identity

    def describe(self) -> BoardDescription:
        return replace(super().describe(), **self.identity)

    def upload(self, firmware: Firmware) -> None:
        if failure := self.trouble():
            raise failure
        super().upload(firmware)


@dataclass
class SmallBench:
    """A bench in a folder.

    Attributes:
        folder: of everything.
        said: what the nights told.
    """

    folder: Path
    store: Store
    paths: list[Path] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    samples: int = 6
    rounds: int = 3

    def __post_init__(self) -> None:
        words = self.folder / "words"
        words.mkdir(parents=True)
        samples, _ = read_wav(RECORDINGS / "yes" / "gene.wav")
        write_wav(words / "yes_1.wav", np.asarray(samples[:16_000], dtype=np.int16))

    def model(self, name: str, elements: int = 40, hidden: int = 0) -> Path:
        self.paths.append(classifier(self.folder / f"{name}.tflite", elements, hidden))
        return self.paths[-1]

    @property
    def settings(self) -> Settings:
        return Settings(
            baselines=self.folder / "baselines",
            kept=self.folder / "kept",
            history=(self.folder / "nights",),
            rounds=self.rounds,
            samples=self.samples,
        )

    def night(self, board: EmulatedBoard | None = None, interrupted: Path | None = None) -> Night:
        return Night(
            Models(self.paths, self.store),
            board or EmulatedBoard(),
            get_engine("codegen"),
            recordings=self.folder / "words",
            output=self.folder / "nights",
            say=self.said.append,
            about={"kind": NIGHTLY, "board": "desk", "engine": "codegen"},
            interrupted=interrupted,
        )

    def run(self, board: EmulatedBoard | None = None, interrupted: Path | None = None) -> Outcome:
        self.said.clear()
        return nightly(self.night(board, interrupted), self.settings, self.said.append)

    def accept(self, outcome: Outcome, earlier: Sequence[Outcome] = ()) -> None:
        path = self.settings.baselines / "desk.toml"
        night, before = night_of(outcome.record), [night_of(other.record) for other in earlier]
        write_baseline(
            accept(read_baseline(path), night, before, reason="test", at=outcome.record.run["ended"]), path
        )


def statuses(outcome: Outcome) -> dict[str, str]:
    """By the name of the series."""
    return {str(item.key.name): item.status for item in outcome.verdict.series}
