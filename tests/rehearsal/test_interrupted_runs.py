"""A run stopped in the middle, by a signal, a full disk or a stalled host, keeps its results."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import pytest
from rehearsal.bench import RehearsalBench, Run
from small_disk import small_disk

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("trained")]

_UNTIL_S = 1200.0
VARIANT = "tinyconv-int8"


def wait_for_listening(bench: RehearsalBench, process: subprocess.Popen[str], variant: str) -> None:
    """Wait until the board sends inferences of this variant."""
    started, end = time.time(), time.monotonic() + _UNTIL_S
    while time.monotonic() < end:
        for log in bench.nights.rglob(f"{variant}/listening.log"):
            if log.stat().st_mtime > started and b"\t$inf," in log.read_bytes():  # not an earlier attempt's
                return
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    raise AssertionError(f"{variant} is not listening after {_UNTIL_S:.0f} s")


def ended(process: subprocess.Popen[str], bench: RehearsalBench) -> Run:
    said, told = process.communicate(timeout=_UNTIL_S)
    return Run(subprocess.CompletedProcess(process.args, process.returncode, said, told), bench.nights)


def test_run_killed_and_interrupted_frees_the_board_and_is_resumed(quiet_bench):
    bench = quiet_bench
    process = bench.start(*bench.run_arguments())
    wait_for_listening(bench, process, VARIANT)
    process.kill()
    killed = ended(process, bench)
    assert killed.status == -signal.SIGKILL
    bench.check_free()
    (log,) = killed.folder.rglob(f"{VARIANT}/listening.log")
    assert b"\t$inf," in log.read_bytes()

    process = bench.start("resume", str(killed.folder))
    wait_for_listening(bench, process, VARIANT)
    process.send_signal(signal.SIGINT)
    interrupted = ended(process, bench)
    assert interrupted.status == 5, interrupted.told
    assert "Traceback" not in interrupted.told
    assert "earshot resume" in interrupted.told
    bench.check_free()

    answer = bench.earshot_here("resume", str(killed.folder))
    assert answer.returncode == 0, answer.stderr
    record = json.loads((killed.folder / "run.json").read_text())
    assert [row["id"] for row in record["variants"]] == [VARIANT]
    assert all(row["faults"] == [] and row["stage_us"] for row in record["variants"])
    assert len(list(bench.nights.glob("*/*Z-*"))) == 1
    bench.check_free()


def test_sound_of_a_stalled_host_is_not_judged_but_repeated(bench):
    bench.write_bench_file(words=("yes/gene.wav", "no/annie.wav"))
    process = bench.start(*bench.run_arguments())
    wait_for_listening(bench, process, VARIANT)
    os.killpg(process.pid, signal.SIGSTOP)
    time.sleep(3.0)
    os.killpg(process.pid, signal.SIGCONT)
    run = ended(process, bench)
    assert run.status == 0, run.told
    (row,) = run.rows
    assert row["faults"] == []
    assert "retry 1 of 2 after acoustic: the sound has a gap" in " ".join(row["notes"])
    assert "listening, failed attempt 1" in row["transcripts"]
    assert len(row["stimuli"]) == 2
    bench.check_free()


def test_disk_that_fills_up_during_a_run_is_reported(quiet_bench, tmp_path):
    with small_disk(tmp_path / "disk", kib=256) as disk:
        quiet_bench.nights = disk
        run = quiet_bench.run_here()
        assert run.status == 4, run.told
        assert "disk" in run.told
        assert not list(disk.rglob("run.json"))
    quiet_bench.check_free()
