"""MLPerf Tiny's keyword benchmark by its rules, with the benchmark's own commands.

Accuracy: each file is loaded and inferred once. Performance: five windows, each one file, 10 warm-ups and
at least 70 inferences in at least 10 s; the median of the five counts. Energy: the same windows, between
timestamps that the board shows by a pin.
Source: mlcommons/tiny, benchmark/runner/tests_accuracy.yaml and tests_performance.yaml, MLPerfTiny_Rules.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import numpy as np

from harness.errors import AccuracyFailed, MeterFailed, ProtocolError
from harness.link.dut import DeviceUnderTest
from harness.measure.conformance import output_difference, output_tolerance
from harness.measure.mlperf_files import InputFile
from harness.meters.meter import Meter
from harness.records.mlperf import LabelAccuracy, Window
from harness.stats.energy import BrokenTrace, between_pulses
from models import progress
from models.errors import located
from models.reference import ReferenceModel

WINDOWS, FEWEST_INVOCATIONS, WARMUPS = 5, 70, 10
SHORTEST_S = 10.0
_LAG_S = 0.5  # of a meter's samples, at most
_MARGIN = 1.02  # of a window's length over the shortest, so that it is seldom repeated


def measure_accuracy(
    board: DeviceUnderTest, reference: ReferenceModel, files: Sequence[InputFile], labels: Sequence[str]
) -> list[LabelAccuracy]:
    """Infer each file once; return the counts by label, [] for files without labels.

    Raises:
        AccuracyFailed: an output differs from the reference kernels': the board is not timed.
    """
    advance = progress.count(len(files), "files")
    counts = [[0, 0] for _ in labels]
    for file in files:
        board.load(file.tensor)
        results = board.infer(1, 0).results
        tensor = np.frombuffer(file.tensor, reference.input_type).reshape(reference.input_shape)
        with located(file.name):
            apart = output_difference(reference, tensor, results, board.printed)
        if apart > output_tolerance(reference):
            raise AccuracyFailed(
                f"the board's output differs from the reference kernels' by {apart:.3g}",
                where=file.name,
                remedy="Build and upload again. Outputs must agree before timing.",
            )
        if file.label is not None:
            counts[file.label][0] += int(np.argmax(results)) == file.label
            counts[file.label][1] += 1
        advance()
    known = any(total for _, total in counts)
    rows = [LabelAccuracy(label, *count) for label, count in zip(labels, counts, strict=True)]
    return rows if known else []


def measure_performance(board: DeviceUnderTest, files: Sequence[InputFile]) -> list[Window]:
    """Time five windows, each on the next file.

    Raises:
        ProtocolError: the board's answers have no times.
    """

    def window(file: InputFile, invocations: int) -> Window:
        answer = board.infer(invocations, WARMUPS)
        if answer.lap_us is None:
            raise ProtocolError(
                "the board's answer to `infer` has no two times",
                remedy="Measure performance in the benchmark's performance mode, not in its energy mode.",
            )
        return Window(file.name, invocations, round(answer.lap_us * invocations))

    return _windows(board, files, window)


def measure_energy(
    board: DeviceUnderTest, files: Sequence[InputFile], meter: Meter, pin: int
) -> list[Window]:
    """Measure five windows by the rules of the energy mode, each on the next file, while the meter records.

    Args:
        board: runs an image with the timestamp pin.
        pin: digital input of the meter that the timestamp pin is wired to.

    Raises:
        MeterFailed: the meter failed, or shows no timestamps.
    """

    def window(file: InputFile, invocations: int) -> Window:
        begin_s = meter.mark()
        board.infer(invocations, WARMUPS)
        time.sleep(_LAG_S)
        trace = meter.so_far()
        try:
            joules, seconds = between_pulses(trace.blocks(begin_s), pin)
        except BrokenTrace as problem:
            raise MeterFailed(
                str(problem),
                where=str(trace.file),
                remedy="Wire it to the first of `stage_inputs` in the bench file. The samples are kept.",
            ) from problem
        return Window(file.name, invocations, round(seconds * 1e6), joules)

    return _windows(board, files, window)


def _windows(
    board: DeviceUnderTest, files: Sequence[InputFile], measure: Callable[[InputFile, int], Window]
) -> list[Window]:
    """Measure windows that are long enough, each on the next file."""
    advance = progress.count(WINDOWS, "windows")
    windows = []
    board.load(files[0].tensor)
    invocations = _enough(measure(files[0], 1))
    for number in range(WINDOWS):
        file = files[number % len(files)]
        board.load(file.tensor)
        while (window := measure(file, invocations)).taken_us < SHORTEST_S * 1e6:
            invocations = _enough(window)
        windows.append(window)
        advance()
    return windows


def _enough(window: Window) -> int:
    """Return the number of invocations that take long enough, more than a window had."""
    least = math.ceil(_MARGIN * SHORTEST_S * 1e6 / window.inference_us)
    return max(FEWEST_INVOCATIONS, window.invocations + 1, least)
