"""Transcripts: writing, reading, and files that were cut off."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.link.transcript import TimedLine, TranscriptWriter, read_transcript


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "listening.log"


def write(path, *lines: TimedLine) -> None:
    writer = TranscriptWriter(path)
    for line in lines:
        writer.write(line)
    writer.close()


def test_the_file_is_readable_by_eye(path):
    write(path, TimedLine(1.5, b"boot%", from_host=True), TimedLine(1.25, b"m-ready"))
    assert path.read_bytes() == b"1.500000>\tboot%\n1.250000\tm-ready\n"


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**12), st.binary(max_size=40).filter(lambda b: b"\n" not in b), st.booleans()
        )
    )
)
def test_lines_are_read_as_written(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("log") / "log"
    lines = [TimedLine(microseconds / 1e6, line, from_host) for microseconds, line, from_host in rows]
    write(path, *lines)
    assert list(read_transcript(path)) == lines


def test_logged_lines_survive_a_kill(path):
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from harness.link.transcript import TimedLine, TranscriptWriter\n"
        "writer = TranscriptWriter(Path(sys.argv[1]))\n"
        "for number in range(1000): writer.write(TimedLine(number, b'line'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(read_transcript(path))) == 1000


@pytest.mark.parametrize(
    ("cut", "last"),
    [
        (b"2.500000\tm-rea", TimedLine(2.5, b"m-rea", complete=False)),
        (b"2.50", TimedLine(1.0, b"", complete=False)),
        (b"2.500000>\tnam", TimedLine(2.5, b"nam", from_host=True, complete=False)),
    ],
)
def test_a_last_line_that_was_cut_off_is_marked(path, cut, last):
    write(path, TimedLine(1.0, b"m-ready"))
    path.write_bytes(path.read_bytes() + cut)
    assert list(read_transcript(path)) == [TimedLine(1.0, b"m-ready"), last]


def test_a_log_continues_after_a_cut_line(path):
    write(path, TimedLine(1.0, b"half", complete=False))
    write(path, TimedLine(2.0, b"m-ready"))
    assert [timed.line for timed in read_transcript(path)] == [b"half", b"m-ready"]


def test_lines_of_two_threads_stay_whole(path):
    writer = TranscriptWriter(path)

    def log(line: bytes) -> None:
        for _ in range(500):
            writer.write(TimedLine(0.0, line))

    threads = [threading.Thread(target=log, args=(line,)) for line in (b"a" * 90, b"b" * 90)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert sorted(timed.line for timed in read_transcript(path)) == [b"a" * 90] * 500 + [b"b" * 90] * 500


def test_a_closed_log_writes_nothing(path):
    writer = TranscriptWriter(path)
    writer.close()
    writer.close()
    writer.write(TimedLine(1.0, b"late"))
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    "content", [b"hello\n", b"soon\tm-ready\n", b"1.0\tx\nx\n", b"1.0\t" + b"x" * 100_000]
)
def test_another_or_a_missing_file_is_refused_by_name(path, content):
    with pytest.raises(UsageError, match=r"listening\.log"):
        list(read_transcript(path))
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"not a transcript.*listening\.log"):
        list(read_transcript(path))
