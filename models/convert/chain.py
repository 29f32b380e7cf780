"""The whole way from a torch network to a checked .tflite."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.compress.quantization.ranges import learned_ranges
from models.convert.c_array import write_c_array
from models.convert.checks import BOARD_OPERATORS, check_float32, check_int8, check_interface, check_operators
from models.convert.export import export_onnx, export_torchscript
from models.convert.model_file import ModelFile, read_model
from models.convert.parity import check_parity
from models.convert.to_tflite import float_model, int8_model, saved_model
from models.errors import ConversionError
from models.log_filter import known_noise_dropped

PARITY_INPUTS = 32


@dataclass(frozen=True)
class Conversion:
    """What came of a conversion.

    Attributes:
        model: what the .tflite holds.
        parity: largest absolute difference to torch by step: "torchscript", "onnx", "savedmodel", "tflite"
            (the float one, in an int8 conversion too).
    """

    model: ModelFile
    parity: dict[str, float]


def convert(
    network: nn.Module,
    folder: Path,
    *,
    precision: str,
    samples: np.ndarray | None = None,
    input_shape: Sequence[int] = (1, 1960),
    known_operators: Collection[str] = BOARD_OPERATORS,
) -> Conversion:
    """Converts a network: torch, ONNX, SavedModel, .tflite, each step compared with torch.

    The same network and samples give the same bytes.

    Args:
        network: gives probabilities; is put into evaluation mode. One with `LearnedRanges` (see
            `models.compress.quantization`) has an int8 model of just these ranges.
        folder: gets model.tflite, model.onnx, model.torchscript.pt, model_data.h and model_data.cc.
        precision: "float32" or "int8".
        samples: float32 (N, *input_shape[1:]): what the network is calibrated and compared with. The int8
            precision needs them; without them float32 is compared on random features.
        input_shape: of one inference, batch of 1 included.
        known_operators: those of the engines that will run the model.

    Raises:
        ConversionError: a step is impossible, differs from torch, or its result breaks a check.
    """
    if precision == "int8" and (samples is None or not len(samples)):
        raise ConversionError(
            "an int8 model cannot be made without a representative dataset",
            type(network).__name__,
            "Give training clips: without them the result is a hybrid that microcontrollers refuse.",
        )
    if samples is None:
        size = (PARITY_INPUTS, *input_shape[1:])
        samples = np.random.default_rng(0).uniform(0, 26, size).astype(np.float32)
    network.eval()
    example = torch.zeros(*input_shape)
    files = {"torchscript": folder / "model.torchscript.pt", "onnx": folder / "model.onnx"}
    tflite = folder / "model.tflite"
    with tempfile.TemporaryDirectory() as scratch:
        saved, float_tflite = Path(scratch) / "saved", Path(scratch) / "float.tflite"
        with known_noise_dropped():
            export_torchscript(network, example, files["torchscript"])
            export_onnx(network, example, files["onnx"])
        saved_model(files["onnx"], saved)
        float_tflite.write_bytes(float_model(saved))
        # Before quantization, whose errors name no operator that its user wrote.
        check_operators(read_model(float_tflite), known_operators)
        files |= {"savedmodel": saved, "tflite": float_tflite}
        parity = check_parity(network, files, samples[:PARITY_INPUTS])
        quantized = precision == "int8"
        ranges = learned_ranges(network)
        tflite.write_bytes(int8_model(saved, samples, ranges) if quantized else float_tflite.read_bytes())
    model = read_model(tflite)
    check_operators(model, known_operators)
    check_int8(model) if quantized else check_float32(model)
    with torch.no_grad():
        check_interface(model, tuple(input_shape), tuple(network(example).shape))
    write_c_array(tflite, folder)
    return Conversion(model, parity)
