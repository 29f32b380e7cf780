"""Inference of one model in each runtime of the host.

Each function takes the model's file and its input, and returns the time of one inference and its output.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from harness.measure.timing import Timing, time_calls, timing_of
from models.log_filter import known_noise_dropped

_GPU_WARM_UP_CALLS, _GPU_CALLS = 50, 500


def time_tflite(model_file: Path, values: np.ndarray, threads: int) -> tuple[Timing, np.ndarray]:
    """Time TensorFlow Lite with its default kernels: the XNNPACK delegate where it knows the operators."""
    with known_noise_dropped():
        from tensorflow import lite

        interpreter = lite.Interpreter(str(model_file), num_threads=threads)
        interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    details = interpreter.get_output_details()[0]
    output = interpreter.get_tensor(details["index"])
    if output.dtype == np.int8:
        scale, zero_point = details["quantization"]
        output = (output.astype(np.float32) - zero_point) * np.float32(scale)
    return time_calls(interpreter.invoke, threads=1), output


def time_onnx(model_file: Path, values: np.ndarray, threads: int) -> tuple[Timing, np.ndarray]:
    """Time ONNX Runtime's CPU provider; one operator may use `threads` threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(model_file), options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: values}
    output = np.asarray(session.run(None, feed)[0])
    return time_calls(lambda: session.run(None, feed), threads=1), output


def time_torch_cpu(script: Path, values: np.ndarray, threads: int) -> tuple[Timing, np.ndarray]:
    """Time a TorchScript model on the CPU."""
    network, tensor = torch.jit.load(str(script)).eval(), torch.from_numpy(values)
    with torch.inference_mode():
        output = network(tensor).numpy()
        return time_calls(lambda: network(tensor), threads), output


def time_torch_gpu(script: Path, values: np.ndarray) -> tuple[Timing, np.ndarray]:
    """Time a TorchScript model on the first CUDA device by CUDA events around each inference.

    The input already lies on the device: the time includes the launch of the kernels, but no copy.
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
