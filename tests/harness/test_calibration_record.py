"""Calibrations: to which images their errors apply."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.errors import UsageError
from harness.records.calibration import (
    CalibratedImage,
    Calibration,
    StageCycles,
    read_calibration,
    write_calibration,
)
from harness.records.record import BoardRow, FirmwareRow
from harness.report.variants import calibration_cell, calibration_note

EMULATED = BoardRow("emulated", "emulated-cycles6", "Emulated", 64_000_000, "modeled cycles", 1, 1)
REAL = BoardRow("nano33ble", "F0A1", "Nano", 64_000_000, "measured", 1, 1)
FIRMWARE = FirmwareRow("codegen", "dsp", "-Os", "gcc 12", "0123abcd", 1, 1, 1)
IMAGE = CalibratedImage(
    variant="tiny",
    engine="codegen",
    build_id="0123abcd",
    optimization="-Os",
    toolchain="gcc 12",
    board_toolchain="gcc 7",
    icache="on",
    measured="2026-01-01T00:00:00+00:00",
    stages={"inference": StageCycles(96, [100, 90, 300])},
)
CALIBRATION = Calibration("desk", REAL, EMULATED, [IMAGE])


def test_the_error_of_the_same_image_is_relative_to_the_median():
    row = CALIBRATION.row("tiny", FIRMWARE, EMULATED)
    assert row.errors == {"inference": pytest.approx(-0.04)}
    assert row.reason == ""


@pytest.mark.parametrize(
    ("variant", "firmware", "emulated", "reason"),
    [
        ("other", FIRMWARE, EMULATED, "not calibrated with this variant and engine"),
        ("tiny", replace(FIRMWARE, engine="tflm"), EMULATED, "not calibrated with this variant and engine"),
        ("tiny", replace(FIRMWARE, build_id="ffff0000"), EMULATED, "another image (0123abcd, now ffff0000)"),
        ("tiny", replace(FIRMWARE, optimization="-O2"), EMULATED, "another optimization (-Os, now -O2)"),
        ("tiny", replace(FIRMWARE, footprint="small"), EMULATED, "another footprint (fast, now small)"),
        ("tiny", FIRMWARE, replace(EMULATED, uid="emulated-cycles7"), "another clock or compiler"),
    ],
)
def test_what_was_calibrated_otherwise_is_not_applied(variant, firmware, emulated, reason):
    row = CALIBRATION.row(variant, firmware, emulated)
    assert row.errors == {}
    assert reason in row.reason


@pytest.mark.parametrize("change", [{"engine": "tflm"}, {"footprint": "small"}, {"optimization": "-O2"}])
def test_an_image_replaces_the_one_of_the_same_choice_alone(change):
    newer, other = replace(IMAGE, build_id="ffff0000"), replace(IMAGE, build_id="1", **change)
    both = CALIBRATION.with_image(other).with_image(newer)
    assert both.images == [other, newer]
    for image in both.images:
        built = replace(FIRMWARE, **{"build_id": image.build_id, **(change if image is other else {})})
        assert both.row("tiny", built, EMULATED).errors


def test_a_calibration_is_read_as_it_was_written(tmp_path):
    write_calibration(CALIBRATION, tmp_path / "bench.calibrations" / "desk.json")
    read = read_calibration(tmp_path / "bench.calibrations" / "desk.json")
    assert replace(read, checksum="") == CALIBRATION


def test_an_edited_calibration_is_refused(tmp_path):
    path = tmp_path / "desk.json"
    write_calibration(CALIBRATION, path)
    path.write_text(path.read_text().replace("300", "301"))
    with pytest.raises(UsageError, match="calibration was changed after it was written"):
        read_calibration(path)


def test_a_note_has_the_span_of_the_errors_and_every_reason():
    errors = CALIBRATION.row("tiny", FIRMWARE, EMULATED)
    larger, none = replace(errors, errors={"inference": 0.02}), CALIBRATION.row("other", FIRMWARE, EMULATED)
    note = calibration_note([errors, larger, none])
    assert "off by −4.00\u00a0% to +2.00\u00a0%" in note
    assert "desk: not calibrated with this variant and engine" in note


def test_without_a_calibration_pages_say_so_and_tables_have_no_column():
    assert "Not calibrated on your board" in calibration_note([])
    assert calibration_cell(FIRMWARE, "inference") == ""
