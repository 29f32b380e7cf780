"""Benchmark of `earshot tune`: an hour of scores of three variants, one inference per slice of features.

    python -m benchmarks.tuning_speed

Prints the seconds of one process for search and figures. The scores are made up: words every 3 s in half of
the audio, and short bursts of keywords in all of it. `benchmarks.speeds` times the reading of logs.
"""

from __future__ import annotations

import time

import numpy as np
from made_segments import LABELS, segment, word

from harness.stats.segment import PlayedSegment
from harness.stats.tuning.choice import tune
from harness.stats.tuning.limits import Limits
from harness.stats.tuning.log import read_log

VARIANTS, SEGMENTS, SEGMENT_S = 3, 6, 600


def made(rng: np.random.Generator, number: int) -> PlayedSegment:
    """Return ten minutes, with words in every other segment."""
    onsets = range(1, SEGMENT_S - 3, 3) if number % 2 else range(0)
    words = [word(str(rng.choice(LABELS[1:])), float(onset), speaker=f"{onset % 60}") for onset in onsets]
    says = [(one.label, 1000 * int(one.onset_s) + 300, 1000 * int(one.onset_s) + 800) for one in words]
    for begin in rng.integers(0, 1000 * SEGMENT_S, 600).tolist():
        says.append((str(rng.choice(LABELS[1:])), begin, begin + int(rng.integers(20, 300))))
    return segment(words, says, audio_s=float(SEGMENT_S), number=number)


def main() -> None:
    """Measure and print."""
    total_s = 0.0
    for variant in range(VARIANTS):
        rng = np.random.default_rng(variant)
        segments = [made(rng, number) for number in range(1, SEGMENTS + 1)]
        begun = time.monotonic()
        tune(read_log(LABELS, segments, 1.0), Limits(per_hour=300.0, accepted=1.0))
        total_s += time.monotonic() - begun
    print(f"{VARIANTS} variants, {SEGMENTS * SEGMENT_S / 3600:g} h each: {total_s:.1f} s")


if __name__ == "__main__":
    main()
