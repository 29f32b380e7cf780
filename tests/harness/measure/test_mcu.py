from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from benchmarks.link_speed import read_night, write_night
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.link.events import Detection, End, Inference, Pcm
from harness.link.records import checksum
from harness.measure.mcu import Inferences, listening_events, read_listening

NUMBER = st.integers(0, 2**32 - 1)


def transcript(folder: Path, *bodies: bytes) -> Path:
    """A log in which a record of these fields arrives every second."""
    path = folder / "listening.log"
    lines = (b"%d.5\t$%b*%b\n" % (second, body, checksum(body)) for second, body in enumerate(bodies))
    path.write_bytes(b"0.1>\tlisten%\n0.2\tm-ready\n" + b"".join(lines))
    return path


def inference(sequence: int, preprocess_us: int = 4100) -> Inference:
    return Inference(float(sequence), sequence, 20 * sequence, 1, preprocess_us, 52000, 30, (0, 12, 230, 13))


@given(st.lists(st.tuples(st.floats(0, 1e6), *[NUMBER] * 6, st.binary(max_size=6))))
def test_inferences_are_kept_as_they_were(rows):
    expected = [Inference(*numbers, tuple(scores)) for *numbers, scores in rows]
    kept = Inferences(expected)
    assert list(kept) == expected
    assert kept == expected
    for stage in ("preprocess", "inference", "postprocess"):
        assert kept.stage_us(stage) == [getattr(record, f"{stage}_us") for record in expected]


def test_inferences_are_a_sequence():
    kept = Inferences(inference(number) for number in range(10))
    assert kept[-1] == inference(9)
    assert kept[2:8:3] == [inference(2), inference(5)]
    assert kept != [inference(0)]
    with pytest.raises(IndexError):
        kept[10]


def test_an_inference_takes_few_bytes():
    tracemalloc.start()
    kept = Inferences(inference(number) for number in range(50_000))
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used / len(kept) < 60


def test_a_listening_is_read_from_its_transcript(tmp_path):
    path = transcript(
        tmp_path,
        b"boot,0,2,emulated,tiny,0123abcd,89abcdef,codegen,dsp,64000000,on,9000",
        b"pcm,0,4,0,0100",
        b"inf,1,40,1,4100,52000,30,0,12,230,13",
        b"inf,2,60,1,4101,52001,31,0,12,230,13",
        b"ovr,3,70,256",
        b"det,5,80,yes,214",
        b"end,6,3,1,1,960",
    )
    listening = read_listening(path)
    assert listening.boot is not None
    assert listening.boot.build_id == "89abcdef"
    assert [record.sequence for record in listening.inferences] == [1, 2]
    assert listening.detections == (Detection(5.5, 5, 80, "yes", 214),)
    assert (listening.samples_lost, listening.records_lost, listening.complete) == (256, 1, True)
    assert listening.wall_s == 1.0
    assert listening.stage_us() == {
        "preprocess": [4100, 4101],
        "inference": [52000, 52001],
        "postprocess": [30, 31],
    }


def test_a_stream_that_broke_off_is_not_complete(tmp_path):
    listening = read_listening(transcript(tmp_path, b"inf,0,40,1,4100,52000,30,0,12,230,13"))
    assert (listening.complete, listening.records_lost) == (False, 1)


def test_events_come_one_after_another(tmp_path):
    path = transcript(tmp_path, b"pcm,0,4,0,0100", b"end,1,0,0,0,0")
    assert [*map(type, listening_events(path))][-2:] == [Pcm, End]


def test_nobody_listened(tmp_path):
    with pytest.raises(UsageError):
        read_listening(tmp_path / "none.log")


def test_a_night_is_read_as_it_was_written(tmp_path):
    count = write_night(tmp_path / "night.log", hours=0.05)
    assert count == 9000
    reading = read_night(tmp_path / "night.log")
    assert reading.records == count
    assert reading.memory_bytes < 30_000_000
