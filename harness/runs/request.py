"""Request: what a user asked a command to measure, stored in the record so that the run can be resumed."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from harness import layout
from harness.bench_file import Bench, BoardEntry, ClockName, Optimization, WaitSeconds, find_bench
from harness.boards.board import Board
from harness.boards.registry import board_of, check_runs_firmware, engine_name, find_entry
from harness.errors import UsageError
from harness.files import file_name
from harness.firmware.engine import Engine, get_engine
from harness.firmware.firmware import Firmware
from harness.firmware.stage import Instrument
from harness.footprint import FAST, Footprint
from harness.measure.arena import build_sized
from harness.measure.block import SAMPLES
from harness.measure.calibration import read_calibrations
from harness.records.calibration import Calibration
from harness.records.record import BoardRow
from harness.runs.folder import FIELD, RUN
from harness.runs.selection import Selection
from harness.sound.playback_plan import PlanOptions
from models.decoding import decode_json
from models.store import Store

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact

ROUNDS = 3
"""Blocks of each variant in a night: with three the median survives one bad block."""


@dataclass(frozen=True)
class NightlyRequest:
    """Measurement and judgment of a night."""

    baselines: Path  # folder of the boards' accepted figures
    kept: Path  # folder of the images that are never rebuilt
    history: tuple[Path, ...]  # folders with the records of earlier nights
    rounds: int = ROUNDS  # blocks of each variant, 1 or more
    samples: int = SAMPLES  # of each series in a block, 1 or more
    same_images: bool = False  # measure the images of the last night again (A/A), and build nothing
    publish: str = ""  # URL or folder that the finished night is copied to; "" for none

    def canary(self, board: str) -> Path:
        """Return the folder of a board's canary."""
        return self.kept / "canaries" / file_name(board)

    def last_images(self, board: str) -> Path:
        """Return the folder of the images of a board's last night."""
        return self.kept / "a-a" / file_name(board)


@dataclass(frozen=True)
class FieldRequest:
    """Playback of a field run."""

    plan: Path | None = None  # None makes one of the recordings and `options`
    options: PlanOptions = field(default_factory=PlanOptions)  # of that plan
    threshold: int | None = None  # for all labels, applied to the logged scores; None for the board's own
    check: bool = False  # score every segment on the host, see `harness.runs.field.host`


@dataclass(frozen=True)
class Setup:
    """Everything that a run needs."""

    selection: Selection  # models to measure
    board: Board  # is measured, and closed by the run
    firmware_engine: Engine | None  # runs the models on it; None for a board that runs ONNX models
    bench: Bench = field(default_factory=Bench)  # speaker and thresholds
    recordings: Path = layout.RECORDINGS  # folder of what is played
    calibrations: tuple[Calibration, ...] = ()  # of the emulated board, by the real boards of the bench

    @property
    def engine(self) -> Engine:
        assert self.firmware_engine is not None, "the board runs ONNX models"
        return self.firmware_engine

    def describe_timed(self) -> BoardRow:
        """Describe a board whose clock tells the time; raise UsageError for one that counts instructions."""
        described = self.board.describe()
        if described.clock == "instructions":
            what = "the clock counts instructions and not time"
            raise UsageError(what, remedy="Use --clock cycles, the default.")
        return described

    def build(
        self,
        model: ModelArtifact,
        new_log: Callable[[], Path],
        instrument: Instrument = "",
        store: Store | None = None,
    ) -> Firmware:
        """Build a model's image with the recognizer of the bench; see `harness.measure.arena.build_sized`."""
        recognizer, store = self.bench.recognizer_of(model.id), store or Store(layout.store_root())
        return build_sized(self.board, model, self.engine, store, new_log, recognizer, instrument)


@dataclass(frozen=True)
class RunRequest:
    """Options of `earshot run`, `nightly` or `field`."""

    selection: Selection  # models to measure
    board: str  # an entry of the bench file, or a kind of board
    engine: str = ""  # runs the models; "" takes the entry's, or else the kind's default
    bench: Path | None = None  # the bench file; None for the usual one, see `harness.bench_file.find_bench`
    port: str = ""  # overrides the board's serial port
    clock: ClockName = ""  # overrides the emulated board's clock
    optimization: Optimization = ""  # overrides the compiler's level of the entry
    wait_s: WaitSeconds | None = None  # overrides the longest wait for a board that another process holds
    recordings: Path | None = None  # to play; None takes the bench's, or else those of the checkout
    nightly: NightlyRequest | None = None  # of `earshot nightly` only
    field: FieldRequest | None = None  # of `earshot field` only
    footprint: Footprint = FAST  # of the images, see `Engine.with_footprint`

    def entry(self) -> BoardEntry:
        """Return the requested board's entry.

        Raises:
            UsageError: there is no such board.
            ConfigError: the bench file is invalid.
        """
        bench = find_bench(self.bench)
        return find_entry(self.board, bench, self.port, self.clock, self.wait_s, self.optimization)

    def setup(self, any_board: bool = False) -> Setup:
        """Find board, engine and recordings; with `any_board` the board need not run firmware.

        Raises:
            UserFacingError: see `setup_of` and `entry`.
        """
        bench, entry = find_bench(self.bench), self.entry()
        if not any_board:
            check_runs_firmware(entry)
        return setup_of(self.selection, bench, entry, self.engine, self.recordings, self.footprint)

    def about(self, kind: str) -> dict[str, str]:
        """Return the entries of a record's `run` that describe the request."""
        bench = find_bench(self.bench)
        described = about(kind, self.entry(), self.engine, bench)
        return {**described, "test set": self.selection.test_set, "request": self.dump()}

    def dump(self) -> str:
        """Encode the request as JSON with absolute paths: it may be resumed from another folder."""
        return json.dumps(msgspec.to_builtins(self, enc_hook=_absolute))  # also names that are not UTF-8


def setup_of(
    selection: Selection,
    bench: Bench,
    entry: BoardEntry,
    engine: str = "",
    recordings: Path | None = None,
    footprint: Footprint = FAST,
) -> Setup:
    """Find a board's engine and recordings.

    Raises:
        EarshotError: the board cannot be used on this machine, see `Board.check`.
        UsageError: there is no such engine, or it has no such footprint.
    """
    board = board_of(entry, bench)
    name = engine_name(entry, engine)
    if not board.runs_firmware and (name, footprint) != (board.default_engine, FAST):
        raise UsageError(
            f"the board {entry.name} runs models by {board.default_engine} only, not by {footprint} {name}",
            remedy="Leave out --engine and --footprint, and `engine` in the bench file.",
        )
    board.check()
    recordings = recordings or bench.recordings or layout.RECORDINGS
    runs = engine_of(entry, engine, footprint) if board.runs_firmware else None
    return Setup(selection, board, runs, bench, recordings, read_calibrations(bench))


def about(kind: str, entry: BoardEntry, engine: str, bench: Bench) -> dict[str, str]:
    """Return the entries of a record's `run` that say what is measured, and where."""
    where = bench.name or platform.node()
    return {"kind": kind, "board": entry.name, "engine": engine_name(entry, engine), "bench": where}


def load_request(folder: Path) -> RunRequest:
    """Read the request of a run.

    Raises:
        UsageError: the folder has no run.
        ConfigError: its record has no valid request.
    """
    files = FIELD if FIELD.find(folder).exists() else RUN
    text = files.read(files.find(folder)).run.get("request", "")
    return decode_json(text, RunRequest, f"{folder}, request")


def engine_of(entry: BoardEntry, name: str = "", footprint: Footprint = FAST) -> Engine:
    """Return a board's engine: the named one, else the entry's, else its kind's default.

    Raises:
        UsageError: there is no such engine, or it has no such footprint.
    """
    return get_engine(engine_name(entry, name), entry.libraries, footprint)


def _absolute(value: Any) -> str:
    if isinstance(value, Path):
        return str(value.resolve())
    raise NotImplementedError(type(value))  # what msgspec expects for a type that is not encoded
