from __future__ import annotations

from dataclasses import replace

import pytest
from made_runs import IMAGE, INFERENCE, block, record, row

from harness.errors import UsageError
from harness.records.reading import read_record
from harness.records.record import DetectionRow, Fault, RunRecord, StimulusRow, VariantRow, write_record
from harness.records.verdict import SeriesName
from harness.regression.from_record import night_of
from harness.regression.verdict import judge

PREPROCESS = SeriesName("tiny", "codegen", "preprocess_us", "pcm")
ENERGY = SeriesName("tiny", "codegen", "inference_nj", "clip")


def exact(made: RunRecord, metric: str, mode: str = "-", variant: str = "tiny"):
    return night_of(made).exact.get(SeriesName(variant, "codegen", metric, mode))


def test_each_key_of_the_blocks_is_a_series_with_the_median_of_the_rounds():
    samples = {"inference_us/clip": [11, 11], "preprocess_us/pcm": [2, 2]}
    night = night_of(record(block(10, 10), block(11, 11, samples_us=samples), block(90, 90)))
    assert night.times.keys() == {INFERENCE, PREPROCESS}
    assert (night.times[INFERENCE].value_us, night.times[INFERENCE].blocks) == (11, 3)


def test_a_broken_block_counts_as_lost():
    broken = block(planned=2, samples_us={}, fault="upload: gone", lost={"inference_us/clip": 2})
    night = night_of(record(block(7, 7), broken, broken))
    assert night.times[INFERENCE].value_us is None
    assert "2 of 6 samples arrived, 4 lines were damaged or missing" in night.times[INFERENCE].problem
    assert not night.faults


def test_energies_are_series_of_their_own():
    bursts = {"inference_nj/clip": [5000, 5200, 5400]}
    night = night_of(record(*(block(7, 7, samples_nj=bursts) for _ in range(3))))
    assert night.times[ENERGY].value_us == 5200
    assert night.times[INFERENCE].value_us == 7


def test_a_meter_that_failed_in_most_blocks_leaves_no_energy():
    failed = block(7, 7, observations={"energy": "meter: it was unplugged."})
    night = night_of(record(block(7, 7, samples_nj={"inference_nj/clip": [5000]}), failed, failed))
    assert night.times[ENERGY].value_us is None
    assert night.times[ENERGY].problem.startswith("meter: it was unplugged; ")
    assert night.times[INFERENCE].value_us == 7


def test_a_variant_without_any_sample_or_image_is_faulty():
    lost = block(planned=2, samples_us={}, fault="upload: gone")
    unbuilt = VariantRow("float", "float", [], faults=[Fault("build", "build: no compiler.")])
    assert night_of(record(lost, lost, variants=[row(), unbuilt])).faults == {
        ("tiny", "codegen"): "upload: gone",
        ("float", "codegen"): "build: no compiler.",
    }


def test_blocks_of_different_images_have_no_value():
    night = night_of(record(block(7, 7), block(7, 7, image_sha256="another")))
    assert night.times[INFERENCE].problem == "its blocks ran 2 different images"


def test_canary_and_confirmation_are_kept_apart_from_the_rounds():
    first, last = (block(5, 5, subject="canary", phase=f"canary-{when}") for when in ("first", "last"))
    night = night_of(record(first, block(7, 7), replace(last, samples_us={"inference_us/clip": [6, 6]})))
    assert night.times.keys() == {INFERENCE}
    assert (night.canary.first.value_us, night.canary.last.value_us) == (5, 6)
    assert night_of(record(last)).canary.first is None
    night = night_of(record(block(7, 7), block(9, 9, phase="confirmation")))
    assert (night.times[INFERENCE].value_us, night.confirmations[INFERENCE].value_us) == (7, 9)
    assert night_of(record(block(7, 7))).canary is None


@pytest.mark.parametrize(
    ("series", "value"),
    [
        (("flash_bytes",), 36_576),
        (("tflite_sha256",), "5ha"),
        (("operators",), "CONV_2D 2, SOFTMAX 1"),
        (("image_sha256",), "1ma9e"),
        (("fits",), "yes"),
        (("test_correct",), 85),
        (("features_crc", "clip"), "1a2b"),
        (("output", "clip"), "a | b"),  # of rounds that differ
    ],
)
def test_exact_figures(series, value):
    checks = [{"features_crc": "1a2b", "output": output} for output in "ba"]
    assert exact(record(*(block(7, 7, checks=found) for found in checks)), *series) == value


YES = StimulusRow("yes", "yes", "yes/1.wav", 1.0, 1.5, "yes", 210, 1.9, True)
MISSED = StimulusRow("no", "no", "no/1.wav", 3.0, 3.5, None, None, None, False)


def detections(*clips: StimulusRow, clock: str = "modeled cycles"):
    listened = row(stimuli=list(clips), false_accepts=[DetectionRow("no", 201, 9.0)])
    return exact(record(clock=clock, variants=[listened]), "detections", "pcm")


def test_detections_of_a_modeled_board_are_exact():
    assert detections(YES, MISSED).startswith("1 of 2 clips correct, 1 false ")
    for change in ({"detected_at_s": 1.92}, {"score": 211}, {"source": "yes/2.wav"}):
        assert detections(YES) != detections(replace(YES, **change))
    assert detections(YES, clock="measured") is None


def test_an_image_that_does_not_fit_is_a_figure_and_not_a_fault():
    too_large = row("wide", firmware=None, faults=[Fault("does-not-fit", "does-not-fit: too large.")])
    made = record(variants=[row(), too_large])
    assert exact(made, "fits", variant="wide") == "no"
    assert not night_of(made).faults


def test_the_environment_has_what_influences_times():
    kernels = "cmsis-nn 4.1 of Arduino_TensorFlowLite 2.4.0"
    made = record(variants=[row(firmware=replace(IMAGE, kernels=kernels, footprint="small"))])
    details = {"core": "mbed_nano 4.2.1", "port": "/dev/ttyACM0"}
    assert night_of(replace(made, board=replace(made.board, details=details))).environment == {
        "core": "mbed_nano 4.2.1",
        "clock": "modeled cycles, 64,000,000 Hz",
        "compiler": "gcc 12.2.1",
        "flags": "-O2",
        "footprint": "small",
        "libraries": "Arduino_TensorFlowLite 2.4.0",
    }


TIMES = {"started": "x", "ended": "x"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"run": TIMES}, "'id'"),
        ({"variants": [row("")]}, "not a series"),
        ({"blocks": [block(7, samples_us={"inference_us": [7]})]}, "not a series"),
    ],
)
def test_an_incomplete_record_is_refused(change, message):
    with pytest.raises(UsageError, match=message):
        night_of(record(**change))


def test_verdict_and_checksum_are_read_from_the_record(tmp_path):
    made = record(block(7, 7))
    verdict = judge(night_of(made, "tonight"), [], None)
    write_record(replace(made, verdict=verdict), tmp_path / "run.json")
    read = read_record(tmp_path / "run.json")
    assert read.verdict == verdict
    assert night_of(read).judged == {item.name: item for item in verdict.series}
    assert night_of(read).digest == read.checksum != ""
