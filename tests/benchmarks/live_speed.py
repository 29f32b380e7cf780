"""Benchmark of live listening: lost samples, and the time from the end of a word to its line on the screen.

    python -m benchmarks.live_speed --minutes 10

Plays recordings into a PulseAudio null sink, one every 4 s, and runs `earshot listen` on its monitor. Samples
are counted three times: by the microphone, by the board, and by the distance between the first and the last
word, which are found in the kept sound by correlation.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pulse import null_sink

from harness.layout import RECORDINGS
from harness.records.field_record import read_field
from harness.sound.sound_files import length_of, read_part
from harness.sound.stimulus import active_part
from models.data.wav import SAMPLE_RATE_HZ, read_wav

_EVERY_S = 4.0
_MARKED = 5  # words at each end by which the place of the sound is found
_SEARCHED_S = 40
_LOUD = 300
_APART = SAMPLE_RATE_HZ // 1000
"""Samples by which the peak of a correlation may move: clocks are compared, not counted."""
_AT_MOST_S = 1.2
_AFTER_S = 2.0  # a line after this is no answer to a word
_LINE = re.compile(r" *[\d.]+ s  (\w+)  \(average \d+\)")
_COUNTS = re.compile(r"The microphone delivered ([\d,]+) samples, the board heard ([\d,]+); (.*)")


def words(minutes: float) -> tuple[NDArray[np.int16], list[tuple[str, int, int]]]:
    """Return a sound, and of each word its label, first sample and end."""
    sound = np.zeros(round(minutes * 60 * SAMPLE_RATE_HZ), np.int16)
    found = []
    files = [path for word in ("yes", "no") for path in sorted((RECORDINGS / word).glob("*.wav"))]
    step = round(_EVERY_S * SAMPLE_RATE_HZ)
    for number, start in enumerate(range(step // 4, len(sound) - step, step)):
        path = files[number % len(files)]
        samples, _ = read_wav(path)
        sound[start : start + len(samples)] = samples
        onset, end = active_part(samples)
        found.append((path.parent.name, start + onset, start + end))
    return sound, found


def place_of(part: NDArray[np.int16], sound: NDArray[np.int16]) -> int:
    """Return where a part lies in a sound, by the peak of their correlation."""
    size = 1 << (len(part) + len(sound)).bit_length()
    product = np.fft.rfft(sound.astype(float), size) * np.conj(np.fft.rfft(part.astype(float), size))
    return int(np.argmax(np.fft.irfft(product, size)[: len(sound)]))


def places_of(marks: tuple[NDArray[np.int16], ...], sound: NDArray[np.int16]) -> tuple[int, int]:
    """Return where the first mark lies in the beginning of a sound, and the last one in its end."""
    searched = _SEARCHED_S * SAMPLE_RATE_HZ
    tail = max(0, len(sound) - searched)
    return place_of(marks[0], sound[:searched]), tail + place_of(marks[1], sound[tail:])


class Witness:
    """A second, independent capture of the null sink, which tells when its sound could be heard.

    Args:
        capture: process that writes the sound.
    """

    def __init__(self, capture: subprocess.Popen[bytes]) -> None:
        self._capture, self._data, self._began_s = capture, bytearray(2), float("inf")
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def sound(self) -> NDArray[np.int16]:
        return np.frombuffer(bytes(self._data[: len(self._data) // 2 * 2]), "<i2")

    def time_of(self, sample: int) -> float:
        """Return when a sample was there, on the monotonic clock: 20 ms late at most."""
        return self._began_s + sample / SAMPLE_RATE_HZ

    def _read(self) -> None:
        stream = self._capture.stdout
        assert stream is not None
        while block := os.read(stream.fileno(), 4096):
            self._data += block
            self._began_s = min(self._began_s, time.monotonic() - len(self._data) / 2 / SAMPLE_RATE_HZ)


def measure(variant: str, minutes: float) -> int:
    """Run the benchmark, print its figures, and return 1 if a bound is broken."""
    sound, played = words(minutes)
    lines: list[tuple[float, str]] = []
    with null_sink() as sink, tempfile.TemporaryDirectory() as folder:
        witness = Witness(sink.open_capture())
        command = [sys.executable, "-m", "harness.cli", "listen", variant, "--save", "--output", folder]
        command += ["--seconds", str(minutes * 60 + 4)]
        process = subprocess.Popen(
            command, env=os.environ | sink.environment, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for line in process.stdout:
            lines.append((time.monotonic(), line))
            if len(lines) == 1:
                sink.play(sound)
        if process.wait():
            return process.returncode
        (path,) = Path(folder).glob("*/*/live.wav")
        kept = read_part(path, 0, length_of(path)).astype(np.int16)
        reference = read_field(path.with_name("field.json")).variants[0].reference
    counts = next(match for _, line in lines if (match := _COUNTS.match(line)))
    first, last = played[0][1], played[-_MARKED][1]
    marks = sound[first : played[_MARKED - 1][2]], sound[last : played[-1][2]]
    heard = witness.sound()
    loud = np.flatnonzero(np.abs(heard) > _LOUD)
    heard = heard[: loud[-1] + SAMPLE_RATE_HZ]
    quiet = max(0, int(loud[0]) - SAMPLE_RATE_HZ)
    begin, end = places_of(marks, kept)
    witnessed = quiet + np.array(places_of(marks, heard[quiet:]))
    missing = int(witnessed[1] - witnessed[0]) - (end - begin)
    print(f"{variant}: {len(kept) / SAMPLE_RATE_HZ:.1f} s, {len(played)} words")
    print(f"  delivered {counts[1]} samples, heard {counts[2]}; {counts[3]}")
    print(f"  scores equal to the host's: {reference.equal:,} of {reference.inferences:,}")
    print(f"  between the first and the last word: {-missing:+d} samples of {end - begin:,} of the witness")
    offset = int(witnessed[0]) - first
    delays = delays_of(lines, [(word, witness.time_of(offset + stop)) for word, _, stop in played])
    print(
        f"  from the end of a word to its line: median {np.median(delays):.2f} s, 95th percentile "
        f"{np.percentile(delays, 95):.2f} s, longest {max(delays):.2f} s, of {len(delays)} detections"
    )
    lost = counts[1] != counts[2] or abs(missing) > _APART or reference.equal != reference.inferences
    return int(lost or max(delays) > _AT_MOST_S)


def delays_of(lines: list[tuple[float, str]], ends: list[tuple[str, float]]) -> list[float]:
    """Return the seconds from the end of each detected word to its line."""
    found = []
    for word, end_s in ends:
        answers = (at_s for at_s, line in lines if (match := _LINE.match(line)) and match[1] == word)
        found += [at_s - end_s for at_s in answers if -1 < at_s - end_s < _AFTER_S][:1]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--variant", default="tinyconv-int8")
    parser.add_argument("--minutes", type=float, default=1.0)
    arguments = parser.parse_args()
    try:
        return measure(arguments.variant, arguments.minutes)
    except pytest.skip.Exception as missing:
        print(f"skipped: {missing}")
        return 0


if __name__ == "__main__":
    sys.exit(main())
