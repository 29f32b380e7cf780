"""What goes wrong while a night is measured: told by its class, retried or not, never turned into a number.

Each is an `earshot run` on the unmodified path of a real board. After each, no process is left and the board
is free again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rehearsal.bench import RehearsalBench, Run
from rehearsal.leftovers import left_over
from rehearsal.wire import Fault

from harness.boards.locks import holder
from harness.link.records import checksum
from harness.link.transcript import read_transcript

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("trained")]

KEYWORD = "yes/gene.wav"


@pytest.fixture
def quiet(quiet_bench) -> Iterator[RehearsalBench]:
    """A bench without a speaker: the board listens to the room for 10 s."""
    yield quiet_bench
    is_free(quiet_bench)


@pytest.fixture
def loud(bench) -> Iterator[RehearsalBench]:
    """A bench with a speaker that says one keyword."""
    bench.write_bench_file(recordings=bench.keywords(KEYWORD))
    yield bench
    is_free(bench)


def is_free(bench: RehearsalBench) -> None:
    assert left_over(bench.environment["EARSHOT_REHEARSAL"]) == {}
    assert holder(bench.serial_number) is None


def intact_records(transcript: Path, kind: bytes) -> set[bytes]:
    """Lines of records that arrived as they were sent, read without the parser."""
    found = set()
    for timed in read_transcript(transcript):
        match = re.fullmatch(rb"\$(%b,[^$*]*)\*([0-9A-F]{4})" % kind, timed.line)
        if match and checksum(match[1]) == match[2]:
            found.add(timed.line)
    return found


def failed(run: Run, failure: str, *parts: str) -> str:
    """The message of the only fault of a run that measured nothing on the board, transcripts kept."""
    assert run.status == 4, run.told
    ((kind, message),) = run.faults()
    assert kind == failure
    for part in parts:
        assert part in message
    (row,) = run.rows
    assert (row["stage_us"], row["stimuli"], row["false_accepts"], row["host"]) == ({}, [], [], [])
    assert message in run.told
    return message


def kept_transcripts(run: Run) -> dict[str, Path]:
    """Those of the only row, by what they are; none is empty."""
    (row,) = run.rows
    found = {name: run.folder / path for name, path in row["transcripts"].items()}
    assert all(path.stat().st_size for path in found.values())
    return found


def test_what_the_cable_loses_is_counted_and_nothing_is_put_in_its_place(quiet):
    faults = [
        Fault(kind, at=50 * n) for n, kind in enumerate(("lose", "garble", "duplicate", "cut", "pause"), 1)
    ]
    quiet.faults(*faults)
    run = quiet.run_here()
    assert run.status == 0, run.told
    assert sorted(quiet.struck()) == sorted(fault.kind for fault in faults)
    (row,) = run.rows
    assert row["faults"] == []
    transcript = run.folder / row["transcripts"]["listening"]
    intact = intact_records(transcript, b"inf")
    assert {len(values) for values in row["stage_us"].values()} == {len(intact)}
    (end,) = intact_records(transcript, b"end")
    sent = int(end.split(b",")[2])
    assert sent - len(intact) == row["records_lost"]
    assert 4 <= row["records_lost"] <= 6  # 64 bytes are two or three records, or parts of them


def test_a_port_that_vanishes_and_comes_back_under_another_name_is_measured_again_and_told(quiet):
    quiet.faults(Fault("vanish", at=100))
    run = quiet.run_here()
    assert run.status == 0, run.told
    assert quiet.struck() == ["vanish"]
    (row,) = run.rows
    (note,) = [note for note in row["notes"] if "again" in note]
    assert "enumerate: the port is gone" in note
    first = run.folder / row["transcripts"]["listening, failed attempt 1"]
    assert 0 < len(intact_records(first, b"inf")) < 100
    second = run.folder / row["transcripts"]["listening"]
    assert {len(values) for values in row["stage_us"].values()} == {len(intact_records(second, b"inf"))}


def test_an_upload_that_fails_once_and_a_board_that_then_restarts_are_retried_and_told(quiet):
    quiet.break_cli("upload", "fail", times=1)
    quiet.faults(Fault("reboot", at=100))
    run = quiet.run_here()
    assert run.status == 0, run.told
    (row,) = run.rows
    notes = [note for note in row["notes"] if "again" in note]
    assert len(notes) == 2
    assert "No device found" in notes[0]
    assert "the port is gone" in notes[1]
    assert len(row["stage_us"]["inference"]) >= 300


def test_an_upload_that_always_fails_is_tried_three_times_and_breaks_the_board(quiet):
    quiet.break_cli("upload", "fail")
    run = quiet.run_here()
    failed(run, "upload", "No device found on ttyACM0", "arduino-cli upload")
    assert [call[0] for call in quiet.calls()].count("upload") == 3


def test_a_port_that_vanishes_every_time_ends_after_three_attempts_with_all_transcripts(quiet):
    quiet.faults(Fault("vanish", at=20, line="m-results", times=3))
    run = quiet.run_here()
    failed(run, "enumerate", "the port is gone", "cable")
    assert quiet.struck() == ["vanish"] * 3
    assert set(kept_transcripts(run)) == {"parity", "parity.failed-1", "parity.failed-2"}


def test_a_board_that_hangs_while_it_listens_is_a_protocol_failure(quiet):
    quiet.faults(Fault("hang", at=100))
    run = quiet.run_here()
    failed(run, "protocol", "did not answer within", "reset button")
    transcript = kept_transcripts(run)["listening"]
    assert len(intact_records(transcript, b"inf")) in (99, 100)


def missing(bench: RehearsalBench) -> None:
    bench.write_bench_file(speaker={"device": "no such speaker"}, recordings=bench.keywords(KEYWORD))


def covered(bench: RehearsalBench) -> None:
    bench.set_gain(0.0)


@pytest.mark.parametrize(
    ("harm", "parts"),
    [
        (missing, ["no such speaker", "[speaker]"]),
        (covered, ["the chirp was not heard", "unmute"]),
    ],
)
def test_a_speaker_that_the_board_does_not_hear_is_an_acoustic_failure(
    loud, harm: Callable[[RehearsalBench], None], parts
):
    harm(loud)
    run = loud.run()
    failed(run, "acoustic", *parts)
    assert "listening" in kept_transcripts(run)
