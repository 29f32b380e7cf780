"""A listening transcript as arrays, with its losses."""

from __future__ import annotations

import numpy as np
import pytest
import record_lines
from record_lines import boot_line

from harness.errors import UsageError
from harness.measure.listening_log import ListeningLog
from harness.measure.listening_log import read_listening as read_log


def read_listening(path, sound_starts_s: float = 0.0) -> ListeningLog:
    return read_log(path, 4, sound_starts_s)


def record(*fields) -> str:
    return record_lines.record(*fields).decode()


def inference(sequence: int, ms: int, slices: int = 1, scores=(0, 1, 250, 4), times=(600, 11_000, 5)) -> str:
    return record("inf", sequence, ms, slices, *times, *scores)


@pytest.fixture
def transcript(tmp_path):
    def write(*lines: str):
        path = tmp_path / "segment.log"
        path.write_text("".join(f"{number / 10:.6f}\t{line}\n" for number, line in enumerate(lines)))
        return path

    return write


def test_every_inference_is_a_row(transcript):
    log = read_listening(
        transcript(
            inference(0, 40, 1),
            inference(1, 60, 2, scores=(9, 8, 7, 255)),
            record("det", 2, 60, "no", 210),
            record("end", 3, 2, 1, 0, 960),
        )
    )
    assert log.times_ms.tolist() == [40, 60]
    assert log.scores.tolist() == [[0, 1, 250, 4], [9, 8, 7, 255]]
    assert log.scores.dtype == np.uint8
    assert log.slices.tolist() == [1, 3]
    assert {stage: values.tolist() for stage, values in log.stage_us.items()} == {
        "preprocess": [600, 600],
        "inference": [11_000, 11_000],
        "postprocess": [5, 5],
    }
    assert [(one.label, one.score, one.device_ms) for one in log.detections] == [("no", 210, 60)]
    assert (log.intact, log.complete, log.records_lost, log.gaps) == (2, True, 0, ())
    assert log.wall_s == pytest.approx(0.2)


def test_gap_lies_between_the_records_around_it_on_the_clock_of_the_sound(transcript):
    log = read_listening(
        transcript(inference(0, 1040), inference(3, 1120), record("end", 4, 4, 0, 0, 960)), sound_starts_s=1.0
    )
    (gap,) = log.gaps
    assert (gap.begin_s, gap.end_s) == (pytest.approx(0.04), pytest.approx(0.12))
    assert gap.reason == "2 records lost"
    assert (log.records_lost, log.intact) == (2, 1)


def test_records_that_others_overtook_stand_at_their_place(transcript):
    lines = [
        inference(0, 40, 1, scores=(1, 0, 0, 0)),
        inference(1, 60, 2, scores=(2, 0, 0, 0), times=(1, 2, 3)),
        record("det", 2, 60, "no", 210),
        inference(3, 80, 3, scores=(3, 0, 0, 0)),
        record("det", 4, 80, "yes", 220),
        record("end", 5, 3, 2, 0, 960),
    ]
    expected = read_listening(transcript(*lines))
    found = read_listening(transcript(*(lines[place] for place in (0, 3, 2, 1, 4, 5))))
    for name in ("times_ms", "scores", "slices"):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist()
    assert {name: values.tolist() for name, values in found.stage_us.items()} == {
        name: values.tolist() for name, values in expected.stage_us.items()
    }
    assert [event.label for event in found.detections] == ["no", "yes"]
    assert (found.intact, found.records_lost, found.gaps) == (3, 0, ())


def test_lost_audio_is_counted_and_ends_the_intact_part(transcript):
    log = read_listening(
        transcript(
            inference(0, 40),
            record("ovr", 1, 60, 700),
            inference(2, 80),
            record("ovr", 3, 90, 60),
            record("end", 4, 2, 0, 2, 960),
        )
    )
    assert (log.overruns, log.samples_lost, log.intact) == (2, 760, 1)
    assert log.gaps == ()
    assert len(log.times_ms) == 2


def test_stream_without_its_end_has_an_endless_gap(transcript):
    log = read_listening(transcript(inference(0, 40), inference(1, 60)))
    assert not log.complete
    assert log.gaps[-1].end_s == np.inf


def test_stream_without_inferences_has_empty_arrays(transcript):
    log = read_listening(transcript(record("end", 0, 0, 0, 0, 0)))
    assert log.complete
    assert len(log.times_ms) == len(log.scores) == len(log.slices) == log.intact == 0
    assert log.wall_s is None


def test_missing_transcript_is_refused(tmp_path):
    with pytest.raises(UsageError, match="transcript"):
        read_listening(tmp_path / "none.log")


def test_boot_record(transcript):
    log = read_listening(
        transcript(
            boot_line().decode(),
            record("pcm", 0, 4, 0, "0100"),
            inference(1, 40),
            record("end", 3, 2, 0, 0, 960),
        )
    )
    assert log.boot is not None and (log.boot.build_id, log.boot.arena_bytes) == ("89abcdef", 9000)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("scores", [(99,), (99, 0, 0), (99, 0, 0, 0, 0)])
def test_record_with_another_number_of_scores_than_labels_is_lost(transcript, place, scores):
    rows = [(0, 1, 250, 4)] * 2
    rows.insert(place, scores)
    lines = [inference(number, 20 * number, scores=row) for number, row in enumerate(rows)]
    log = read_listening(transcript(*lines, record("end", 3, 3, 0, 0, 960)))
    assert log.scores.tolist() == [[0, 1, 250, 4]] * 2
    assert (log.records_lost, log.intact, log.complete) == (1, place, True)
