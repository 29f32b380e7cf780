"""Nights of small models on the emulated board, and made-up verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from emulated_runs import Models
from reported import reported
from small_models import classifier

from harness.boards.board import BoardDescription
from harness.boards.emulated import EmulatedBoard
from harness.errors import EarshotError
from harness.firmware.engine import get_engine
from harness.firmware.firmware import Firmware
from harness.layout import RECORDINGS
from harness.records.verdict import STATUSES, RunVerdict, SeriesVerdict, Status
from harness.regression.acceptance import accept
from harness.regression.baseline import read_baseline, write_baseline
from harness.regression.from_record import NIGHTLY, night_of
from harness.runs.folder import RUN, begin, resume
from harness.runs.nightly.nightly import NightlyResult, measure_night, measure_same_images
from harness.runs.request import NightlyRequest, Setup
from harness.runs.run import Run
from models.data.wav import read_wav, write_wav
from models.store import Store

ABOUT = {"board": "desk", "engine": "codegen"}


class TroubledBoard(EmulatedBoard):
    """The emulated board with another identity and failing uploads.

    Args:
        trouble: called before each upload; its result is raised.
        identity: changed fields of the board's description.
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
    """A bench in a folder; `lines` are the log of the last night."""

    folder: Path
    store: Store
    paths: list[Path] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
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
    def request(self) -> NightlyRequest:
        return NightlyRequest(
            baselines=self.folder / "baselines",
            kept=self.folder / "kept",
            history=(self.folder / "nights",),
            rounds=self.rounds,
            samples=self.samples,
        )

    def night(self, board: EmulatedBoard | None = None) -> Run:
        self.lines.clear()
        board = board or EmulatedBoard()
        models = Models(*self.paths, store=self.store)
        setup = Setup(models, board, get_engine("codegen"), recordings=self.folder / "words")
        about = {"kind": NIGHTLY, **ABOUT}
        return Run(setup, begin(RUN, self.folder / "nights", board.describe(), about))

    def run(self, board: EmulatedBoard | None = None) -> NightlyResult:
        with reported(self.lines):
            return measure_night(self.night(board), self.request)

    def run_same_images(self, board: EmulatedBoard, interrupted: Path | None = None) -> NightlyResult:
        self.lines.clear()

        def folder_for(board, code):
            if interrupted:
                return resume(RUN, interrupted, board.describe(), code)
            return begin(RUN, self.folder / "nights", board.describe(), {"kind": "a-a", **ABOUT}, code)

        with reported(self.lines):
            return measure_same_images(board, self.request, "desk", folder_for)

    def accept(self, result: NightlyResult, earlier: Sequence[NightlyResult] = ()) -> None:
        path = self.request.baselines / "desk.toml"
        night, before = night_of(result.record), [night_of(other.record) for other in earlier]
        write_baseline(
            accept(read_baseline(path), night, before, reason="test", at=result.record.run["ended"]), path
        )


def statuses(result: NightlyResult) -> dict[str, str]:
    """Return the statuses by the names of the series."""
    return {item.series: item.status for item in result.verdict.series}


def series(status: Status, advisory: bool = False, variant: str = "", **more) -> SeriesVerdict:
    name = f"{variant or f'model-{status}'}/codegen/inference_us/clip"
    return SeriesVerdict(name, status, f"{name} is {status}.", advisory, **more)


def verdict(*items: SeriesVerdict, status: Status = "ok", proposes_epoch: bool = False) -> RunVerdict:
    return RunVerdict("n-1", "desk", status, "The sentence.", 0, items, proposes_epoch=proposes_epoch)


def verdict_of_every_status() -> RunVerdict:
    return verdict(*(series(status) for status in STATUSES), status=STATUSES[0])
