"""Inference of one model in each runtime of the host, timed: warmed up, repeated, median and quartiles.

The function of a runtime takes the model's file and its input, and returns the time of one inference and its
output. torch is imported where it runs a model: that takes 2 s, and models from elsewhere do without.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np

from harness import format as fmt
from harness.boards.small_linux.runner import open_session
from harness.link.deadline import Deadline
from models.interpreter import OPTIMIZED, Interpreter

_GPU_WARM_UP_CALLS, _GPU_CALLS = 50, 500
_WARM_UP_ROUNDS, _WARM_UP_S = 10, 0.1
"""A round is three calls. TorchScript optimizes in its first; the others settle caches and thread pools."""
_BLOCK_S = 0.005
"""Length of a block at least: the clock costs nothing of it, and interruptions of the process average out."""
_FEWEST_BLOCKS = 4
"""Fewer have no quartiles worth the name."""
_SHORTEST_S, _LONGEST_S = 0.1, 0.3
"""Limits of one measurement; six of the longest keep a variant's host figures under 3 s."""
_STEADY = 0.05
"""Distance of the quartiles, as a share of the median, at which a measurement ends early."""


@dataclass(frozen=True)
class Timing:
    """Times of one call.

    Attributes:
        p25_us, p75_us: quartiles; None where each call took so long that there are too few samples.
    """

    invocations: int
    median_us: float
    p25_us: float | None
    p75_us: float | None

    @property
    def note(self) -> str:
        """A remark if the quartiles did not come close enough in time; else ""."""
        remark = f"not steady: the quartiles are {fmt.share(self.spread)} of the median apart"
        return remark if _STEADY < self.spread < inf else ""

    @property
    def spread(self) -> float:
        """Distance of the quartiles as a share of the median; infinite without quartiles."""
        if self.p25_us is None or self.p75_us is None:
            return inf
        return (self.p75_us - self.p25_us) / self.median_us


def timing_of(samples_us: Sequence[float], invocations: int) -> Timing:
    """Compute median and quartiles of samples in microseconds."""
    low, median, high = np.percentile(samples_us, [25, 50, 75]).tolist()
    if len(samples_us) < _FEWEST_BLOCKS:
        return Timing(invocations, median, None, None)
    return Timing(invocations, median, low, high)


def time_calls(call: Callable[[], object]) -> Timing:
    """Time a call in blocks long enough to hide the clock's own cost, without garbage collection.

    Measuring continues until the blocks agree or the time is up: longer on a busy machine. The quartiles are
    of the blocks' means: they show the machine's variation, not that of single calls.
    """
    timer, calls = timeit.Timer(call), 1
    warm_up = Deadline(_WARM_UP_S)
    for _ in range(_WARM_UP_ROUNDS):
        timer.timeit(3)
        if warm_up.expired:
            break
    while timer.timeit(calls) < _BLOCK_S:
        calls *= 2
    blocks_s: list[float] = []
    while True:
        blocks_s.append(timer.timeit(calls))
        timing = timing_of([1e6 * seconds / calls for seconds in blocks_s], calls * len(blocks_s))
        measured_s = sum(blocks_s)
        if measured_s > _LONGEST_S or (measured_s > _SHORTEST_S and timing.spread < _STEADY):
            return timing


def time_tflite(model_file: Path, values: np.ndarray, threads: int) -> tuple[Timing, np.ndarray]:
    """Time TensorFlow Lite with its default kernels: the XNNPACK delegate where it knows the operators."""
    interpreter = Interpreter(model_file, OPTIMIZED, threads)
    interpreter.set_input(values)
    interpreter.invoke()
    return time_calls(interpreter.invoke), interpreter.output()


def time_onnx(model_file: Path, values: np.ndarray, threads: int) -> tuple[Timing, np.ndarray]:
    """Time ONNX Runtime's CPU provider; one operator may use `threads` threads."""
    session = open_session(str(model_file), threads)
    feed = {session.get_inputs()[0].name: values}
    output = np.asarray(session.run(None, feed)[0])
    return time_calls(lambda: session.run(None, feed)), output


def time_torch_cpu(script: Path, values: np.ndarray, threads: int) -> tuple[Timing, np.ndarray]:
    """Time a TorchScript model on the CPU."""
    import torch

    network, tensor = torch.jit.load(str(script)).eval(), torch.from_numpy(values)
    others = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            output = network(tensor).numpy()
            return time_calls(lambda: network(tensor)), output
    finally:
        torch.set_num_threads(others)


def gpu_name() -> str:
    """Return the name of the first CUDA device; "" without one."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else ""


def time_torch_gpu(script: Path, values: np.ndarray) -> tuple[Timing, np.ndarray]:
    """Time a TorchScript model on the first CUDA device by CUDA events around each inference.

    The input already lies on the device: the time includes the launch of the kernels, but no copy.
    """
    import torch

    network = torch.jit.load(str(script), map_location="cuda").eval()
    tensor = torch.from_numpy(values).cuda()
    with torch.inference_mode():
        for _ in range(_GPU_WARM_UP_CALLS):
            network(tensor)
        samples_us = []
        for _ in range(_GPU_CALLS):
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            torch.cuda.synchronize()
            start.record()
            output = network(tensor)
            end.record()
            torch.cuda.synchronize()
            samples_us.append(1e3 * start.elapsed_time(end))
    return timing_of(samples_us, _GPU_CALLS), output.cpu().numpy()
