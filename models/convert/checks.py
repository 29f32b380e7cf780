"""What a converted model has to be before it goes on a board; TensorFlow's converter promises none of it."""

from __future__ import annotations

from collections.abc import Collection

from models.convert.model_file import ModelFile, Tensor
from models.errors import ConversionError

BOARD_OPERATORS = (
    "RESHAPE",
    "PAD",
    "TRANSPOSE",
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "FULLY_CONNECTED",
    "AVERAGE_POOL_2D",
    "SOFTMAX",
    "QUANTIZE",
    "DEQUANTIZE",
)
"""The operators that every engine of the bench runs."""


def check_operators(model: ModelFile, known: Collection[str] = BOARD_OPERATORS) -> None:
    """Refuses a model with an operator that is not known.

    Raises:
        ConversionError: `where` is the operator's name.
    """
    for operator in model.operators:
        if operator.name not in known:
            raise ConversionError(
                f"operator {operator.name} is not one that the board's engines know",
                operator.name,
                f"Build the network from: {', '.join(known)}.",
            )


def check_int8(model: ModelFile) -> None:
    """Refuses a model that is not int8 throughout.

    Raises:
        ConversionError: names the operator (or the input or output) that has a float tensor or a scale that
            is not above 0.
    """
    for tensor, place in ((model.inputs[0], "input"), (model.outputs[0], "output")):
        if tensor.dtype != "int8":
            raise ConversionError(f"the {place} is {tensor.dtype} instead of int8", place)
    for operator in model.operators:
        for tensor in (item for item in (*operator.inputs, *operator.outputs) if item is not None):
            if tensor.dtype.startswith("float"):
                raise ConversionError(
                    f"operator {operator.name} still has a {tensor.dtype} tensor, {tensor.name}",
                    operator.name,
                    "The quantizer has no int8 form of it: replace the operator.",
                )
            if tensor.dtype == "int8" and not (tensor.scales and min(tensor.scales) > 0):
                raise ConversionError(
                    f"operator {operator.name} has an int8 tensor without a scale above 0, {tensor.name}",
                    operator.name,
                    "Calibrate with clips that reach every part of the network.",
                )


def check_float32(model: ModelFile) -> None:
    """Refuses a float model whose input or output is not float32.

    Raises:
        ConversionError: names the input or output.
    """
    for tensor, place in ((model.inputs[0], "input"), (model.outputs[0], "output")):
        if tensor.dtype != "float32":
            raise ConversionError(f"the {place} is {tensor.dtype} instead of float32", place)


def check_interface(model: ModelFile, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
    """Refuses a model that has not exactly one input and one output of these shapes.

    Raises:
        ConversionError: names the input or output.
    """

    def check(tensors: tuple[Tensor, ...], expected: tuple[int, ...], place: str) -> None:
        shapes = [tensor.shape for tensor in tensors]
        if shapes != [expected]:
            raise ConversionError(f"the model's {place} shapes are {shapes} instead of [{expected}]", place)

    check(model.inputs, input_shape, "input")
    check(model.outputs, output_shape, "output")
