"""Calibrations: how far the modeled times of images are from a real board's, one file for each board."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from harness.files import write_atomic
from harness.footprint import FAST, Footprint
from harness.records.checksum import dump_with_checksum
from harness.records.reading import RecordFormat
from harness.records.record import BoardRow, CalibrationRow, FirmwareRow, MeasuredVariant

SCHEMA = 1
Cycles = Annotated[int, Meta(gt=0, lt=2**32)]


@dataclass(frozen=True)
class StageCycles:
    """Cycles of a stage: modeled, and each of the real board's runs."""

    modeled: Cycles
    measured: Annotated[list[Cycles], Meta(min_length=1)]

    @property
    def median(self) -> float:
        return statistics.median(self.measured)

    @property
    def error(self) -> float:
        """Modeled time relative to the measured one: 0.03 if the model takes 3 % more."""
        return self.modeled / self.median - 1


@dataclass(frozen=True)
class CalibratedImage:
    """An image on both boards: the same sources, compiled for each."""

    variant: str
    engine: str
    build_id: str
    optimization: str
    toolchain: str  # of the emulated board's image
    board_toolchain: str
    icache: str  # of the real board
    measured: str  # ISO 8601, UTC
    stages: dict[str, StageCycles]
    footprint: Footprint = FAST

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Everything that the user chose; a later image of the same choice replaces this one."""
        return self.variant, self.engine, self.footprint, self.optimization


@dataclass(frozen=True)
class Calibration:
    """Modeled and measured cycles of images."""

    name: str  # of the real board on the bench
    board: BoardRow
    emulated: BoardRow
    images: list[CalibratedImage]
    schema: int = SCHEMA
    checksum: str = ""

    def with_image(self, image: CalibratedImage) -> Calibration:
        """Add an image, in place of an earlier one of the same key."""
        others = [one for one in self.images if one.key != image.key]
        return replace(self, images=[*others, image])

    def row(self, variant: str, firmware: FirmwareRow, emulated: BoardRow) -> CalibrationRow:
        """Return the errors of a row of a record, or the reason why none of them holds for its image."""
        key = (variant, firmware.engine, firmware.footprint, firmware.optimization)
        images = [one for one in self.images if one.key[:2] == key[:2]]
        # Without the image of the same choice, any of them: the reason then says what differs.
        image = min(images, key=lambda one: one.key != key, default=None)
        reason = "not calibrated with this variant and engine"
        if image:
            reasons = [
                f"calibrated with another {what} ({then}, now {now})"
                for what, then, now in (
                    ("clock or compiler", self.emulated.uid, emulated.uid),
                    ("optimization", image.optimization, firmware.optimization),
                    ("footprint", image.footprint, firmware.footprint),
                    ("image", image.build_id, firmware.build_id),
                )
                if then != now
            ]
            if not reasons:
                errors = {stage: cycles.error for stage, cycles in image.stages.items()}
                return CalibrationRow(self.name, self.board.title, image.measured, errors)
            reason = reasons[0]
        return CalibrationRow(self.name, self.board.title, image.measured if image else "", reason=reason)


def calibrations_of(variants: Iterable[MeasuredVariant]) -> tuple[CalibrationRow, ...]:
    """Return the errors of all images, or the reasons for none."""
    return tuple(row for variant in variants if variant.firmware for row in variant.firmware.calibration)


read_calibration = RecordFormat(
    Calibration,
    name="calibration",
    schema=SCHEMA,
    command="earshot calibrate",
    remedy="Calibrate again, or delete the file",
    has_checksum=True,
).read


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write a calibration with its checksum, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(dump_with_checksum(msgspec.to_builtins(calibration)), path)
