"""The host's inference by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.measure.timing import Timing, time_calls


def measure(model_file: Path, values: np.ndarray, threads: int) -> tuple[Timing, np.ndarray]:
    """Times a session on the CPU provider.

    Args:
        model_file: the .onnx.
        values: its input, float32.
        threads: how many threads one operator may use.

    Returns:
        The time of one inference, and its output.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(model_file), options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: values}
    output = np.asarray(session.run(None, feed)[0])
    return time_calls(lambda: session.run(None, feed), threads=1), output
