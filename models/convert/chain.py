"""The conversion from a torch network to a checked .tflite."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.compress.quantize import learned_ranges
from models.convert.export import export_onnx, export_torchscript
from models.convert.parity import check_parity
from models.convert.to_tflite import float_model, int8_model, saved_model
from models.errors import ConversionError
from models.log_filter import known_noise_dropped
from models.networks import example_input
from models.scratch import ScratchFolder
from models.tflite import Tensor, TfliteModel, read_tflite

PARITY_INPUTS = 32

BOARD_OPERATORS = (
    *("RESHAPE", "PAD", "TRANSPOSE", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"),
    *("AVERAGE_POOL_2D", "SOFTMAX", "QUANTIZE", "DEQUANTIZE"),
)
"""The operators that every engine of the bench runs."""


@dataclass(frozen=True)
class Conversion:
    """Result of a conversion.

    Attributes:
        model: content of the .tflite.
        parity: largest absolute difference to torch by step: "torchscript", "onnx", "savedmodel", "tflite"
            (the float32 one, in an int8 conversion too).
    """

    model: TfliteModel
    parity: dict[str, float]


def convert(network: nn.Module, folder: Path, *, precision: str, samples: np.ndarray) -> Conversion:
    """Convert a network: torch, ONNX, SavedModel, .tflite, each step compared with torch.

    The same network and samples give the same bytes.

    Args:
        network: gives probabilities; is put into evaluation mode. A network with `LearnedRanges` (see
            `models.compress.quantize`) becomes an int8 model with exactly these ranges.
        folder: gets model.tflite, model.onnx and model.torchscript.pt.
        precision: "float32" or "int8".
        samples: float features float32 (N, size) of training clips, for calibration and comparison.

    Raises:
        ConversionError: a step is impossible, differs from torch, or its result breaks a check.
    """
    network.eval()
    example = example_input(network)
    files = {"torchscript": folder / "model.torchscript.pt", "onnx": folder / "model.onnx"}
    tflite = folder / "model.tflite"
    with ScratchFolder("convert") as scratch:
        saved, float_tflite = scratch / "saved", scratch / "float.tflite"
        with known_noise_dropped():
            export_torchscript(network, example, files["torchscript"])
            export_onnx(network, example, files["onnx"])
        saved_model(files["onnx"], saved)
        float_tflite.write_bytes(float_model(saved))
        # Before quantization: the quantizer's errors name operators that the user did not write.
        check_operators(read_tflite(float_tflite))
        files |= {"savedmodel": saved, "tflite": float_tflite}
        parity = check_parity(network, files, samples[:PARITY_INPUTS])
        if precision == "int8":
            tflite.write_bytes(int8_model(saved, samples, learned_ranges(network)))
        else:
            tflite.write_bytes(float_tflite.read_bytes())
    model = read_tflite(tflite)
    check_operators(model)
    check_types(model, precision)
    _check_shapes(model.input_tensors, example.shape, "input")
    with torch.no_grad():
        _check_shapes(model.output_tensors, network(example).shape, "output")
    return Conversion(model, parity)


def export_alone(network: nn.Module, folder: Path, samples: np.ndarray) -> None:
    """Write model.onnx, and samples.npz: `inputs`, some of the samples, and `outputs`, torch's of them.

    Args:
        network: see `convert`.
        samples: float features float32 (N, size).

    Raises:
        ConversionError: torch cannot express an operation in ONNX.
    """
    network.eval()
    with known_noise_dropped():
        export_onnx(network, example_input(network), folder / "model.onnx")
    inputs = samples[:PARITY_INPUTS]
    with torch.no_grad():
        np.savez(folder / "samples.npz", inputs=inputs, outputs=network(torch.from_numpy(inputs)).numpy())


def check_operators(model: TfliteModel) -> None:
    """Refuse a model with an operator that is not one of `BOARD_OPERATORS`; raises ConversionError."""
    for operator in model.operators:
        if operator.name not in BOARD_OPERATORS:
            raise ConversionError(
                f"the board's engines do not have operator {operator.name}",
                operator.name,
                f"Build the network from: {', '.join(BOARD_OPERATORS)}.",
            )


def check_types(model: TfliteModel, precision: str) -> None:
    """Refuse a model whose input or output has another type, and an int8 model that is not int8 throughout.

    Raises:
        ConversionError: `where` is the operator, or "input" or "output".
    """
    for tensor, place in ((model.input_tensors[0], "input"), (model.output_tensors[0], "output")):
        if tensor.type != precision:
            raise ConversionError(f"the {place} is {tensor.type} instead of {precision}", place)
    if precision != "int8":
        return
    for operator in model.operators:
        for tensor in (model.tensors[i] for i in (*operator.inputs, *operator.outputs) if i is not None):
            if tensor.type.startswith("float"):
                raise ConversionError(
                    f"operator {operator.name} still has a {tensor.type} tensor, {tensor.name}",
                    operator.name,
                    "The quantizer has no int8 form of the operator: replace it.",
                )
            if tensor.type == "int8" and tensor.quantization is None:
                raise ConversionError(
                    f"operator {operator.name} has an int8 tensor without a scale, {tensor.name}",
                    operator.name,
                    "Calibrate with clips that reach every part of the network.",
                )


def _check_shapes(tensors: tuple[Tensor, ...], expected: torch.Size, place: str) -> None:
    shapes = [tensor.shape for tensor in tensors]
    if shapes != [tuple(expected)]:
        raise ConversionError(
            f"the model's {place} shapes are {shapes} instead of [{tuple(expected)}]", place
        )
