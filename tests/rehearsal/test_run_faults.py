"""Faults during a run on the path of a real board: classed, retried or not, never turned into a number.

After each, no process is left and the board is free again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rehearsal.bench import RehearsalBench, Run
from rehearsal.remote_host import remote_host
from rehearsal.wire import Fault

from harness.link.records import checksum
from harness.link.transcript import read_transcript

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("trained")]


@pytest.fixture
def quiet(quiet_bench) -> Iterator[RehearsalBench]:
    """A bench without a speaker: the board listens to the room."""
    yield quiet_bench
    quiet_bench.check_free()


def intact_records(transcript: Path, kind: bytes) -> set[bytes]:
    """Records that arrived as they were sent, also behind the rest of a cut one, read without the parser."""
    found = set()
    for timed in read_transcript(transcript):
        for match in re.finditer(rb"\$(%b,[^$*]*)\*([0-9A-Fa-f]{4})" % kind, timed.line):
            if checksum(match[1]) == match[2].upper():
                found.add(match[1])
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


def test_records_lost_by_the_cable_are_counted_and_not_replaced(quiet):
    faults = [
        Fault(kind, at=8 * n) for n, kind in enumerate(("lose", "garble", "duplicate", "cut", "pause"), 1)
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


def test_failed_upload_and_vanished_port_are_retried_and_noted(quiet):
    quiet.break_cli("upload", "fail", times=1)
    quiet.faults(Fault("vanish", at=20))
    run = quiet.run_here()
    assert run.status == 0, run.told
    assert quiet.struck() == ["vanish"]
    (row,) = run.rows
    notes = [note for note in row["notes"] if "retry" in note]
    assert len(notes) == 2
    assert "No device found" in notes[0]
    assert "enumerate: the port is gone" in notes[1]
    first = run.folder / row["transcripts"]["listening, failed attempt 2"]
    assert 0 < len(intact_records(first, b"inf")) < 20
    second = run.folder / row["transcripts"]["listening"]
    assert {len(values) for values in row["stage_us"].values()} == {len(intact_records(second, b"inf"))}


def test_upload_is_tried_three_times_and_then_breaks_the_board(quiet):
    quiet.break_cli("upload", "fail")
    run = quiet.run_here()
    failed(run, "upload", "No device found on ttyACM0", "arduino-cli upload")
    assert [call[0] for call in quiet.calls()].count("upload") == 3


def test_connection_to_another_host_that_breaks_is_retried_and_noted(quiet, tmp_path):
    with remote_host(tmp_path / "host", f"{quiet.folder}/host") as host:
        url = host.serve(quiet.state / "by-id", "socket")
        upload = f'{quiet.command} upload --fqbn {{fqbn}} --port "$PWD"/state/by-id --json --input-dir'
        until_back = 'until [ -e "$PWD"/state/by-id ]; do sleep 0.05; done'
        command = f'{until_back}; {upload} "$(dirname {{image}})"'
        quiet.write_bench_file(board={"port": url, "upload_command": command})
        quiet.faults(Fault("vanish", at=20))
        run = quiet.run_here()
    assert run.status == 0, run.told
    assert quiet.struck() == ["vanish"]
    (row,) = run.rows
    (note,) = [note for note in row["notes"] if "retry" in note]
    assert "enumerate: the port is gone" in note and url in note
    assert run.record["board"]["details"]["port"] == url
    transcript = run.folder / row["transcripts"]["listening"]
    assert {len(values) for values in row["stage_us"].values()} == {len(intact_records(transcript, b"inf"))}


def test_recovery_of_the_board_stands_in_the_record(quiet):
    quiet.break_cli("upload", "fail")
    quiet.write_bench_file(board={"recover": "rm state/faults/upload"})
    run = quiet.run_here()
    assert run.status == 0, run.told
    (row,) = run.rows
    assert [note for note in row["notes"] if note.endswith("recovered by command after 2 attempts")]


def test_vanishing_port_ends_after_three_attempts_with_all_transcripts(quiet):
    quiet.faults(Fault("vanish", at=5, line="m-results", times=3))
    run = quiet.run_here()
    failed(run, "enumerate", "the port is gone", "cable")
    assert quiet.struck() == ["vanish"] * 3
    assert set(kept_transcripts(run)) == {"conformance", "conformance.failed-1", "conformance.failed-2"}


def test_board_that_hangs_while_listening_is_a_protocol_failure(quiet):
    quiet.faults(Fault("hang", at=20))
    run = quiet.run_here()
    failed(run, "protocol", "did not answer within", "reset button")
    transcript = kept_transcripts(run)["listening"]
    assert len(intact_records(transcript, b"inf")) in (19, 20)


def missing(bench: RehearsalBench) -> None:
    bench.write_bench_file(speaker={"device": "no such speaker"})


def covered(bench: RehearsalBench) -> None:
    bench.set_gain(0.0)


@pytest.mark.parametrize(
    ("harm", "parts"),
    [
        (missing, ["no such speaker", "[speaker]"]),
        (covered, ["the chirp was not found", "unmute"]),
    ],
)
def test_silent_speaker_is_an_acoustic_failure(bench, harm: Callable[[RehearsalBench], None], parts):
    harm(bench)
    run = bench.run()
    failed(run, "acoustic", *parts)
    assert "listening" in kept_transcripts(run)
    bench.check_free()
