"""Calibration: the stages of one image in cycles of the real board and of the emulated one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.bench_file import FILE, Bench
from harness.boards.board import Board
from harness.errors import AccuracyFailed, UsageError
from harness.files import file_name
from harness.firmware.engine import Engine
from harness.firmware.firmware import Firmware
from harness.layout import ROOT
from harness.measure.arena import sized_engine
from harness.measure.conformance import output_difference, output_tolerance
from harness.measure.retry import Retries
from harness.measure.session import noise_inputs
from harness.recognizer import DEFAULT, Recognizer
from harness.records.calibration import CalibratedImage, Calibration, StageCycles, read_calibration
from models.reference import ReferenceModel
from models.store import Store

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact

REPEATS = 20
"""Runs of each stage on the real board, whose interrupts vary; the median counts."""


def calibration_folder(bench: Bench) -> Path:
    """Return the folder of a bench's calibrations, beside its bench file: `bench.calibrations`."""
    return (bench.path or ROOT / FILE).with_suffix(".calibrations")


def calibration_file(bench: Bench, board: str) -> Path:
    """Return the file of a board's calibration by the board's name on the bench."""
    return calibration_folder(bench) / f"{file_name(board)}.json"


def read_calibrations(bench: Bench) -> tuple[Calibration, ...]:
    """Read the calibrations of a bench; raises UsageError if one is damaged."""
    return tuple(map(read_calibration, sorted(calibration_folder(bench).glob("*.json"))))


def check_boards(real: Board, emulated: Board) -> None:
    """Refuse boards whose times cannot be compared.

    Raises:
        UsageError: the first one is not real, the second one models no cycles, or their clocks differ.
    """
    board, model = real.describe(), emulated.describe()
    if board.clock != "measured":
        raise UsageError(
            f"{board.title} measures no time",
            remedy="Name a real board with --board; `earshot boards` lists them.",
        )
    if model.clock != "modeled cycles":
        raise UsageError(
            f"{model.title} models no cycles", remedy="Leave `clock` out of the bench file's entry."
        )
    if board.clock_hz != model.clock_hz:
        raise UsageError(
            f"the board's clock has {board.clock_hz:,} Hz, the emulated one's {model.clock_hz:,}",
            remedy="Only boards with the emulated board's clock can calibrate it.",
        )


def calibrate(
    real: Board,
    emulated: Board,
    model: ModelArtifact,
    engine: Engine,
    store: Store,
    folder: Path,
    recognizer: Recognizer = DEFAULT,
) -> CalibratedImage:
    """Run each stage of one image on both boards.

    Args:
        real, emulated: see `check_boards`.
        folder: receives the transcripts.

    Raises:
        UsageError: the images or the instruction caches differ.
        AccuracyFailed: the boards' outputs differ from the reference kernels'.
        EarshotError: a board cannot be reached, or an image cannot be built.
    """
    sized = sized_engine(real, model, engine, store, lambda: folder / "arena.log", recognizer)
    images = [board.build(model, sized, recognizer) for board in (real, emulated)]
    for what, (measured, modeled) in {
        "image": [image.build_id for image in images],
        "optimization": [image.optimization for image in images],
    }.items():
        if measured != modeled:
            raise UsageError(
                f"the boards have another {what}: {measured}, and {modeled} on the emulated one",
                where=model.name,
                remedy="Build both with the same flags and the same version of Earshot.",
            )
    board_cycles, icache = _stage_cycles(real, images[0], model, REPEATS, folder / "board.log")
    (cycles,), modeled_icache = _stage_cycles(emulated, images[1], model, 1, folder / "emulated.log")
    if icache not in (modeled_icache, "none"):
        raise UsageError(
            f"the board's instruction cache is {icache}, the modeled one {modeled_icache}",
            where=model.name,
            remedy=f'Write icache = "{modeled_icache}" into the board\'s entry of the bench file.',
        )
    return CalibratedImage(
        variant=model.id,
        engine=engine.name,
        build_id=images[0].build_id,
        optimization=images[0].optimization,
        footprint=images[0].footprint,
        toolchain=images[1].toolchain,
        board_toolchain=images[0].toolchain,
        icache=icache,
        measured=datetime.now(UTC).isoformat(timespec="seconds"),
        stages={
            stage: StageCycles(count, [those[stage] for those in board_cycles])
            for stage, count in sorted(cycles.items())
        },
    )


def _stage_cycles(
    board: Board, firmware: Firmware, model: ModelArtifact, repeats: int, transcript: Path
) -> tuple[list[dict[str, int]], str]:
    """Return the cycles of each run of the stages, and the state of the instruction cache."""
    reference = ReferenceModel(model.tflite, model.front_end)
    tensor = noise_inputs(reference, 1)[0]
    retries = Retries(board.recover)

    def attempt() -> tuple[list[dict[str, int]], str]:
        board.upload(firmware)
        device = board.open(transcript)
        device.load(tensor.tobytes())
        output = device.infer().results
        difference = output_difference(reference, tensor, output)
        if difference > output_tolerance(reference):
            raise AccuracyFailed(
                f"the outputs of the {board.name} differ from the reference kernels' by {difference:.3g}",
                where=model.name,
                remedy="Run `earshot run` on this board, which checks it in detail.",
            )
        found = []
        for _ in range(repeats):
            if not reference.hears:
                device.load(tensor.tobytes())
            found.append(device.stage_cycles())
        return found, device.handshake(firmware).icache

    return retries.run(f"{model.id}, calibration", attempt, [transcript])
