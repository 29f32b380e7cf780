"""Checks of a converted model before it goes on a board; TensorFlow's converter guarantees none of them."""

from __future__ import annotations

from models.errors import ConversionError
from models.tflite import TfliteModel

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


def check_operators(model: TfliteModel) -> None:
    """Refuse a model with an operator that is not one of `BOARD_OPERATORS`.

    Raises:
        ConversionError: `where` is the operator's name.
    """
    for operator in model.operators:
        if operator.name not in BOARD_OPERATORS:
            raise ConversionError(
                f"the board's engines do not have operator {operator.name}",
                operator.name,
                f"Build the network from: {', '.join(BOARD_OPERATORS)}.",
            )


def check_types(model: TfliteModel, precision: str) -> None:
    """Refuse a model whose input or output has another type, and an int8 model that is not int8 throughout.

    Args:
        model: the converted model.
        precision: "float32" or "int8".

    Raises:
        ConversionError: `where` is the operator, or "input" or "output".
    """
    for tensor, place in ((model.input_tensors[0], "input"), (model.output_tensors[0], "output")):
        if tensor.type != precision:
            raise ConversionError(f"the {place} is {tensor.type} instead of {precision}", place)
    if precision != "int8":
        return
    for operator in model.operators:
        for index in (*operator.inputs, *operator.outputs):
            if index is None:
                continue
            tensor = model.tensors[index]
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


def check_interface(model: TfliteModel, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
    """Refuse a model that does not have exactly one input and one output of these shapes.

    Raises:
        ConversionError: `where` is "input" or "output".
    """
    for tensors, expected, place in (
        (model.input_tensors, input_shape, "input"),
        (model.output_tensors, output_shape, "output"),
    ):
        shapes = [tensor.shape for tensor in tensors]
        if shapes != [expected]:
            raise ConversionError(f"the model's {place} shapes are {shapes} instead of [{expected}]", place)
