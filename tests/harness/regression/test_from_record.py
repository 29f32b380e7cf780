"""A record as the night that is judged: what becomes a time, what is exact, what is only seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.errors import UsageError
from harness.records.reading import read_record
from harness.records.record import (
    BlockRow,
    BoardRow,
    DetectionRow,
    Fault,
    FirmwareRow,
    LabelCount,
    ModelRow,
    RunRecord,
    StimulusRow,
    VariantRow,
    write_record,
)
from harness.records.verdict import SeriesName
from harness.regression.from_record import kind_of, night_of
from harness.regression.verdict import judge

CLIP = SeriesName("int8", "codegen", "inference_us", "clip")
LISTENING = SeriesName("int8", "codegen", "preprocess_us", "pcm")
FIGURES = ModelRow("5ha", 19_736, "int8", 16_652, 336_000, {"SOFTMAX": 1, "CONV_2D": 2})
IMAGE = FirmwareRow("codegen", "dsp", "-O2", "gcc 12.2.1", "cafe0123", 36_576, 30_272, 6_452)


def block(*samples: int, subject: str = "int8", phase: str = "round", **changes) -> BlockRow:
    made = BlockRow(
        subject,
        "codegen",
        phase,
        image_sha256="1ma9e",
        planned=len(samples),
        samples_us={"inference_us/clip": list(samples)},
    )
    return replace(made, **changes)


def row(identity: str = "int8", **changes) -> VariantRow:
    return replace(VariantRow(identity, identity, ["yes"], model=FIGURES, firmware=IMAGE), **changes)


def record(*blocks: BlockRow, clock: str = "modeled cycles", **changes) -> RunRecord:
    made = RunRecord(
        run={
            "id": "n1",
            "started": "2026-11-20T01:00:00Z",
            "ended": "2026-11-20T01:50:00Z",
            "kind": "nightly",
        },
        code={"commit": "c0ffee", "dirty": False, "procedure_version": 1},
        environment={"host": "bench-1", "torch": "2.13.0"},
        board=BoardRow("emulated", "uid-1", "Emulated", 64_000_000, clock, 983_040, 262_144),
        variants=[row()],
        blocks=list(blocks),
    )
    return replace(made, **changes)


def exact(made: RunRecord, metric: str, mode: str = "-", variant: str = "int8"):
    return night_of(made).exact.get(SeriesName(variant, "codegen", metric, mode))


def test_a_series_is_the_median_of_the_rounds():
    night = night_of(record(block(10, 10, 12), block(11, 11, 11), block(90, 90, 90)))
    assert (night.times[CLIP].value_us, night.times[CLIP].blocks) == (11, 3)


def test_every_key_of_a_block_is_a_series():
    samples = {"inference_us/clip": [1, 1], "preprocess_us/pcm": [2, 2]}
    assert night_of(record(block(1, 1, samples_us=samples))).times.keys() == {CLIP, LISTENING}


def test_a_block_that_broke_is_one_that_was_lost():
    broken = block(planned=2, samples_us={}, fault="upload: gone", lost={"inference_us/clip": 2})
    night = night_of(record(block(7, 7), broken, broken))
    assert night.times[CLIP].value_us is None
    assert "2 of 6 samples arrived, 4 lines were damaged or missing" in night.times[CLIP].problem


def test_a_variant_none_of_whose_blocks_has_samples_broke():
    broken = block(planned=2, samples_us={}, fault="upload: gone")
    assert night_of(record(broken, broken)).faults == {("int8", "codegen"): "upload: gone"}


def test_blocks_of_different_images_are_no_series():
    night = night_of(record(block(7, 7), block(7, 7, image_sha256="another")))
    assert night.times[CLIP].problem == "its blocks ran 2 different images"


def test_the_canary_is_no_series_but_measured_first_and_last():
    first, last = (block(5, 5, subject="canary", phase=f"canary-{when}") for when in ("first", "last"))
    night = night_of(record(first, block(7, 7), replace(last, samples_us={"inference_us/clip": [6, 6]})))
    assert night.times.keys() == {CLIP}
    assert (night.canary.first.value_us, night.canary.last.value_us) == (5, 6)


def test_a_canary_that_was_measured_once():
    night = night_of(record(block(5, 5, subject="canary", phase="canary-last")))
    assert night.canary.first is None


def test_no_canary():
    assert night_of(record(block(7, 7))).canary is None


def test_a_confirmation_is_no_round():
    night = night_of(record(block(7, 7), block(9, 9, phase="confirmation")))
    assert (night.times[CLIP].value_us, night.confirmations[CLIP].value_us) == (7, 9)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("flash_bytes", 36_576),
        ("ram_bytes", 30_272),
        ("arena_bytes", 6_452),
        ("tflite_bytes", 19_736),
        ("tflite_sha256", "5ha"),
        ("operators", "CONV_2D 2, SOFTMAX 1"),
        ("image_sha256", "1ma9e"),
        ("fits", "yes"),
    ],
)
def test_what_is_exact(metric, value):
    assert exact(record(block(7, 7)), metric) == value


def test_the_right_answers_on_the_test_set_are_exact():
    model = replace(FIGURES, accuracy={"testing": [LabelCount("yes", 40, 50), LabelCount("no", 45, 50)]})
    assert exact(record(variants=[row(model=model)]), "test_correct") == 85


def test_checks_of_a_block_are_exact():
    assert exact(record(block(7, 7, checks={"features_crc": "1a2b"})), "features_crc", "clip") == "1a2b"


def test_checks_that_differ_between_rounds_are_both_told():
    made = record(block(7, 7, checks={"output": "b"}), block(7, 7, checks={"output": "a"}))
    assert exact(made, "output", "clip") == "a | b"


def heard(*clips: StimulusRow, false: tuple[DetectionRow, ...] = (), clock: str = "modeled cycles"):
    return exact(
        record(clock=clock, variants=[row(stimuli=list(clips), false_accepts=[*false])]), "heard", "pcm"
    )


YES = StimulusRow("yes", "yes", "yes/1.wav", 1.0, 1.5, "yes", 210, 1.9, True)
MISSED = StimulusRow("no", "no", "no/1.wav", 3.0, 3.5, None, None, None, False)


def test_what_a_modeled_board_heard_is_exact():
    assert heard(YES, MISSED, false=(DetectionRow("no", 201, 9.0),)).startswith(
        "1 of 2 clips right, 1 false "
    )


@pytest.mark.parametrize("change", [{"detected_at_s": 1.92}, {"score": 211}, {"source": "yes/2.wav"}])
def test_every_detection_with_its_time_is_part_of_it(change):
    assert heard(YES) != heard(replace(YES, **change))


def test_what_a_real_board_heard_is_not_exact():
    assert heard(YES, clock="measured") is None


def test_a_variant_that_does_not_fit_is_a_figure_and_no_fault():
    row_too_large = row(firmware=None, faults=[Fault("does-not-fit", "does-not-fit: too large.")])
    made = record(variants=[row(), replace(row_too_large, id="wide")])
    assert exact(made, "fits", variant="wide") == "no"
    assert not night_of(made).faults


def test_a_variant_that_broke_has_the_engine_of_the_night():
    broken = VariantRow("float", "float", [], faults=[Fault("build", "build: no compiler.")])
    assert night_of(record(variants=[row(), broken])).faults == {("float", "codegen"): "build: no compiler."}


def test_what_no_board_can_run_has_no_figures():
    made = record(variants=[row(model=replace(FIGURES, deployable=False), firmware=None)])
    assert not night_of(made).exact


def environment(details: dict[str, str], **changes):
    made = record(**changes)
    return night_of(replace(made, board=replace(made.board, details=details))).environment


def test_the_environment_is_what_times_depend_on():
    found = environment({"core": "mbed_nano 4.2.1", "fqbn": "arduino:mbed_nano:nano33ble"})
    assert found == {
        "core": "mbed_nano 4.2.1",
        "fqbn": "arduino:mbed_nano:nano33ble",
        "clock": "modeled cycles, 64,000,000 Hz",
        "compiler": "gcc 12.2.1",
        "flags": "-O2",
    }


def test_a_library_is_part_of_the_environment():
    kernels = "cmsis-nn 4.1 of Arduino_TensorFlowLite 2.4.0"
    found = environment({}, variants=[row(firmware=replace(IMAGE, kernels=kernels))])
    assert found["libraries"] == "Arduino_TensorFlowLite 2.4.0"


@pytest.mark.parametrize("name", ["port", "temperature", "supply", "arduino-cli", "cycle model build"])
def test_what_is_only_seen_of_a_bench_is_no_part_of_it(name):
    assert environment({name: "one"}) == environment({name: "another"})


@pytest.mark.parametrize(("clock", "modeled"), [("measured", False), ("instructions", True)])
def test_whether_the_clock_is_a_model(clock, modeled):
    assert night_of(record(clock=clock)).modeled == modeled


def test_the_name_on_the_bench_goes_before_the_kinds():
    made = record()
    assert night_of(replace(made, run={**made.run, "board": "left"})).board == "left"


@pytest.mark.parametrize(("text", "length_s"), [("3000.5", 3000.5), ("", None)])
def test_the_length_by_the_monotonic_clock(text, length_s):
    made = record()
    assert night_of(replace(made, run={**made.run, "length_s": text})).length_s == length_s


def test_a_fault_of_the_whole_night():
    assert night_of(record(fault=Fault("enumerate", "no board."))).fault == "no board"


def test_a_record_without_a_kind_is_of_a_run():
    assert kind_of(record(run={})) == "run"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"run": {"started": "x", "ended": "x"}}, "its id"),
        ({"code": {"commit": "c", "dirty": "no", "procedure_version": 1}}, "its dirty"),
        ({"code": {"commit": "c", "dirty": False}}, "its procedure version"),
        (
            {"run": {"id": "n", "started": "x", "ended": "x", "length_s": "long"}},
            "'long', no number of seconds",
        ),
        ({"variants": [row("")]}, "has no name"),
        (
            {"blocks": [block(7, samples_us={"inference_us": [7]})]},
            "not a series: write variant/engine/metric/input-mode",
        ),
    ],
)
def test_what_does_not_say_what_it_is_is_refused(change, told):
    with pytest.raises(UsageError, match=told):
        night_of(record(**change))


def test_a_verdict_survives_the_record(tmp_path):
    made = record(block(7, 7))
    said = judge(night_of(made, "tonight"), [], None)
    write_record(replace(made, verdict=said), tmp_path / "run.json")
    read = read_record(tmp_path / "run.json")
    assert read.verdict == said
    assert night_of(read).judged == {item.name: item for item in said.series}


def test_a_record_is_known_by_its_seal(tmp_path):
    write_record(record(), tmp_path / "run.json")
    read = read_record(tmp_path / "run.json")
    assert night_of(read).digest == read.checksum != ""
