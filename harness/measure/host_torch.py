"""The host's inference by torch: on the CPU, on a CUDA device, and operator by operator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from harness.measure.timing import Timing, time_calls, timing_of
from harness.records.record import OperatorRow
from models.log_filter import known_noise_dropped

_GPU_WARM_UP_CALLS, _GPU_CALLS = 50, 500
_PROFILED_CALLS = 100


def measure_cpu(script: Path, values: np.ndarray, threads: int) -> tuple[Timing, np.ndarray]:
    """Times a TorchScript model on the CPU.

    Args:
        script: the model, as `torch.jit.save` wrote it.
        values: its input, float32.
        threads: how many it may use.

    Returns:
        The time of one inference, and its output.
    """
    network, tensor = torch.jit.load(str(script)).eval(), torch.from_numpy(values)
    with torch.inference_mode():
        output = network(tensor).numpy()
        return time_calls(lambda: network(tensor), threads), output


def measure_gpu(script: Path, values: np.ndarray) -> tuple[Timing, np.ndarray]:
    """Times a TorchScript model on the first CUDA device by CUDA events around each inference.

    The input lies on the device already, so no copy is in the figure; the launch of the kernels is.

    Args:
        script: the model, as `torch.jit.save` wrote it.
        values: its input, float32.

    Returns:
        The time of one inference, and its output.
    """
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


def profile_operators(script: Path, values: np.ndarray) -> list[OperatorRow]:
    """The operators of one inference on one CPU thread, by the torch profiler; the costliest first.

    Profiling itself costs about a microsecond a call, so shares are to be read, not sums.

    Args:
        script: the model, as `torch.jit.save` wrote it.
        values: its input, float32.
    """
    network, tensor = torch.jit.load(str(script)).eval(), torch.from_numpy(values)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            for _ in range(_PROFILED_CALLS):
                network(tensor)
            # Without Kineto's traces, which take a second to start and add nothing on a CPU.
            with known_noise_dropped(), torch.autograd.profiler.profile(use_kineto=False) as profile:
                for _ in range(_PROFILED_CALLS):
                    network(tensor)
    finally:
        torch.set_num_threads(threads)
    events = sorted(profile.key_averages(), key=lambda event: -event.self_cpu_time_total)
    whole = sum(event.self_cpu_time_total for event in events)
    return [
        OperatorRow(
            name=event.key,
            calls=event.count // _PROFILED_CALLS,
            self_us=event.self_cpu_time_total / _PROFILED_CALLS,
            share=event.self_cpu_time_total / whole,
        )
        for event in events
    ]
