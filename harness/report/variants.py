"""Facts of a variant that several tables need: stages, conformance, and reasons for missing values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness import format as fmt
from harness.footprint import FAST
from harness.records.calibration import calibrations_of
from harness.records.record import (
    STAGES,
    BoardRow,
    CalibrationRow,
    Fault,
    FirmwareRow,
    HostRow,
    RunRecord,
    VariantRow,
)

ALL_STAGES = "all stages"


def time_is(board: BoardRow) -> str:
    """Return the label of a board's times: "modeled", "instructions" or "measured"."""
    return board.clock.split()[0]


def clock_text(board: BoardRow) -> str:
    """Return a board's clock: "modeled cycles at 64 MHz"; without the frequency if it is not known."""
    return f"{board.clock} at {board.clock_hz / 1e6:g}\u00a0MHz" if board.clock_hz else board.clock


def clock_note(records: Iterable[RunRecord]) -> str:
    """Return sentences on each board whose times were not measured on a physical one; "" for none."""
    emulated: dict[str, list[RunRecord]] = {}
    for record in records:
        if time_is(record.board) != "measured":
            emulated.setdefault(record.board.title, []).append(record)
    return " ".join(
        f"{title}: times are {time_is(those[0].board)}, not measured on a physical board. "
        + calibration_note(calibrations_of(variant for record in those for variant in record.variants))
        for title, those in emulated.items()
    )


def calibration_note(found: Sequence[CalibrationRow]) -> str:
    """Return sentences on the errors of modeled times of images."""
    sentences = []
    for board in dict.fromkeys((row.board, row.title) for row in found if row.errors):
        errors = [row.errors["inference"] for row in found if row.errors and (row.board, row.title) == board]
        span = " to ".join(dict.fromkeys(map(fmt.precise_change, (min(errors), max(errors)))))
        sentences.append(
            f"Against {board[0]} ({board[1]}), the modeled time of an inference is off by {span}."
        )
    if not sentences:
        sentences.append("Not calibrated on your board; “earshot calibrate” does that.")
    for reason in dict.fromkeys(f"{row.board}: {row.reason}" for row in found if row.reason):
        sentences.append(f"{reason}.")
    return " ".join(sentences)


def calibration_cell(image: FirmwareRow | None, stage: str) -> str:
    """Return the error of a modeled time for a table; "" where no board of the bench is calibrated."""
    if image is None or not image.calibration:
        return ""
    errors = [
        f"{fmt.precise_change(row.errors[stage])} on {row.board}"
        for row in image.calibration
        if stage in row.errors
    ]
    return "; ".join(errors) or "not calibrated"


def footprint_cell(footprint: str | None) -> str:
    """Return an image's footprint for a table; "" for "fast", the default."""
    return "" if footprint in (None, FAST) else str(footprint)


def stage_samples(variant: VariantRow) -> dict[str, list[int | float]]:
    """Return µs by stage in time order, and `ALL_STAGES`, their sum, if every pass has all stages."""
    samples = {stage: variant.stage_us[stage] for stage in STAGES if variant.stage_us.get(stage)}
    if len(samples) == len(STAGES) and len({len(values) for values in samples.values()}) == 1:
        samples[ALL_STAGES] = list(map(sum, zip(*samples.values(), strict=True)))
    return samples


LINUX = "linux"
"""Name of the kind of board that runs ONNX models and no firmware."""

DEVICES = {"mcu": "MCU", "linux": "small Linux", "cpu": "CPU", "gpu": "GPU"}
"""Kinds of devices that run a model, from the smallest, as a reader sees them."""


def throttled(row: HostRow) -> bool:
    """Return whether a processor was slowed down while it was timed: such times are not compared."""
    return bool(row.linux and row.linux.throttled)


def conformance(variant: VariantRow) -> str:
    """Return the result of the conformance checks: "holds", "broken" or "not checked"."""
    if not variant.parity.holds or any(fault.failure == "accuracy" for fault in variant.faults):
        return "broken"
    return "holds" if variant.parity.clips is not None else "not checked"


def why_missing(variant: VariantRow) -> str:
    """Return a short reason why a variant has no measurements from the board."""
    if not variant.faults:
        return "not measured" if variant.model is None or variant.model.deployable else "no board can run it"
    return "; ".join(dict.fromkeys(f"failed: {fault.failure}" for fault in variant.faults))


def fault_text(fault: Fault) -> str:
    """Return a fault's message without the failure class in front."""
    return fault.message.removeprefix(f"{fault.failure}:").strip()
