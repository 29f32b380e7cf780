"""Processor time of the emulated board, by QEMU: `python -m benchmarks.qemu_speed FOLDER…`.

Each folder holds a `qemu-system-arm`, which is compared with the installed one. The versions take turns, and
only the emulator's processor time counts, so other work on the machine weighs on all alike.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.boards.emulated import EmulatedBoard
from harness.boards.qemu.tools import find_qemu
from harness.firmware.engine import get_engine
from harness.layout import RECORDINGS
from harness.runs.selection import DEFAULT_VARIANTS, Selection
from harness.sound.recording_scan import read_recordings
from harness.sound.stimulus import compose
from models.data.wav import SAMPLE_RATE_HZ
from models.model_artifact import ModelArtifact


def processor_s(model: ModelArtifact, sound: np.ndarray) -> float:
    """Return the processor time of a board that hears a sound, its start included."""
    with EmulatedBoard() as board, tempfile.TemporaryDirectory(prefix="earshot-bench-") as folder:
        firmware = board.build(model, get_engine(board.default_engine))
        board.describe()  # builds the cycle model
        before_s = _children_s()
        board.upload(firmware)
        link = board.open(Path(folder) / "transcript.log")
        for _ in link.listen(lambda: board.listen(sound)):
            pass
        board.close()
        return _children_s() - before_s


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(argv: Sequence[str] | None = None) -> None:
    """Print a line for each model and QEMU."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.qemu_speed", description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--variants", default=DEFAULT_VARIANTS, metavar="PATTERN,…")
    parser.add_argument("--seconds", type=int, default=60, metavar="S", help="of audio")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="the median counts")
    options = parser.parse_args(argv)
    installed = os.environ["PATH"]
    paths = [installed, *(os.pathsep.join([str(one.resolve()), installed]) for one in options.folders)]
    for model in Selection(options.variants).models():
        sound = compose(read_recordings(RECORDINGS, model.labels).recordings).samples
        sound = sound[: options.seconds * SAMPLE_RATE_HZ]
        taken: dict[str, list[float]] = {}
        for number in range(options.rounds * len(paths)):
            os.environ["PATH"] = paths[number % len(paths)]
            taken.setdefault(find_qemu().version, []).append(processor_s(model, sound))
            print(f"round {number // len(paths) + 1}: {model.id}", file=sys.stderr, flush=True)
        reference_s = statistics.median(next(iter(taken.values())))
        for version, times_s in taken.items():
            median_s = statistics.median(times_s)
            speed, ratio = options.seconds / median_s, median_s / reference_s
            figures = f"{median_s:>8.2f} s{speed:>8.1f} × real time{ratio:>7.2f} × the installed"
            print(f"{model.id:<20}{version:<16}{figures}")


if __name__ == "__main__":
    main()
