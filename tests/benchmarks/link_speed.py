"""Benchmark of reading a 12-hour transcript, and of a link's processor time."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tempfile
import threading
import time
import tty
from dataclasses import dataclass
from pathlib import Path

from harness.link.deadline import Deadline
from harness.link.records import checksum
from harness.link.serial_link import SerialLink

INFERENCES_PER_S = 50
"""Rate of a listening board: one inference per new slice of features."""

_READER = (
    "import json, resource, sys, time; from pathlib import Path\n"
    "from harness.measure.listening_log import read_listening\n"
    "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
    "start = time.perf_counter(), time.process_time()\n"
    "found = read_listening(Path(sys.argv[1]), 4)\n"
    "times = time.perf_counter() - start[0], time.process_time() - start[1]\n"
    "after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
    "print(json.dumps([len(found.times_ms), found.records_lost, *times, (after - before) * 1024]))\n"
)


@dataclass(frozen=True)
class Reading:
    """The cost of reading a transcript.

    Attributes:
        records: number of inference records.
        seconds: wall time.
        processor_s: processor time.
        memory_bytes: memory beyond the program's own.
    """

    records: int
    seconds: float
    processor_s: float
    memory_bytes: int


def write_transcript(transcript: Path, hours: float) -> None:
    """Write the transcript of a board that listened without losses."""
    count = int(hours * 3600 * INFERENCES_PER_S)
    with transcript.open("wb") as file:
        for sequence in range(count):
            body = b"inf,%d,%d,1,4100,%d,30,0,12,230,13" % (sequence, sequence * 20, 52000 + sequence % 7)
            file.write(b"%.6f\t$%b*%b\n" % (1000 + sequence / INFERENCES_PER_S, body, checksum(body)))
        body = b"end,%d,%d,0,0,%d" % (count, count, count * 320)
        file.write(b"%.6f\t$%b*%b\n" % (1000 + count / INFERENCES_PER_S, body, checksum(body)))


def measure_reading(transcript: Path) -> Reading:
    """Read a transcript in a process of its own, to measure its memory."""
    answer = subprocess.run(
        [sys.executable, "-c", _READER, str(transcript)], capture_output=True, text=True, check=True
    )
    records, lost, seconds, processor_s, memory_bytes = json.loads(answer.stdout)
    if lost:
        raise ValueError(f"{lost} records of {transcript} are lost")
    return Reading(records, seconds, processor_s, memory_bytes)


def processor_share(lines_per_s: int, seconds: float, transcript: Path) -> float:
    """Return the share of a processor that a link and the sender of its lines take.

    Args:
        lines_per_s: rate of lines; 0 for a silent board.
        seconds: duration.
        transcript: file of the log.
    """
    board, host = pty.openpty()
    tty.setraw(host)
    body = b"inf,1000,20000,1,4100,52000,30,0,12,230,13"
    line = b"$%b*%b\r\n" % (body, checksum(body))
    over = threading.Event()

    def send() -> None:
        while not over.wait(1 / lines_per_s if lines_per_s else seconds):
            os.write(board, line)

    try:
        with SerialLink(os.ttyname(host), transcript) as link:
            sender = threading.Thread(target=send)
            sender.start()
            before, end = time.process_time(), Deadline(seconds)
            while not end.expired:
                if lines_per_s:
                    link.next_line(Deadline(seconds))
                else:
                    time.sleep(seconds)
            share = (time.process_time() - before) / seconds
            over.set()
            sender.join()
    finally:
        os.close(board)
        os.close(host)
    return share


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="earshot-link-") as folder:
        log = Path(folder, "board.log")
        write_transcript(log, 12.0)
        size_mb = log.stat().st_size / 1e6
        reading = measure_reading(log)
        print(
            f"12 h, {size_mb:.0f} MB: {reading.records:,} records in {reading.seconds:.1f} s "
            f"({reading.processor_s:.1f} s of the processor), {reading.memory_bytes / 1e6:.0f} MB of memory"
        )
        for lines_per_s in (0, 500):
            share = processor_share(lines_per_s, 5.0, Path(folder, "link.log"))
            print(f"a link with {lines_per_s} lines/s: {100 * share:.2f} % of a processor")


if __name__ == "__main__":
    main()
