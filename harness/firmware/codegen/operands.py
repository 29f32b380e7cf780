"""Checked operands of an operator: activations, constants and options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from harness.errors import Unsupported
from harness.firmware.codegen.program import Value, Weights
from harness.firmware.codegen.quantization import ACTIVATIONS, INT8_MAX, INT8_MIN
from models.tflite import Operator, Tensor, TfliteModel

FOLD = "Convert again with constants folded (the converter's default)."
CONVERT_AGAIN = "Convert the model again."
DENSE = "Convert without sparsity; zeros may stay as zeros."
TRAIN_AGAIN = "Train again: the training has diverged."
CONVERT_FIXED = "Convert with a fixed input shape and batch 1."
CONVERT_INT8_OR_FLOAT = (
    "Convert it in float32, or in int8 throughout with a representative dataset; or use --engine tflm."
)

_ACTIVATION_TYPES = ("int8", "float32")


@dataclass(frozen=True)
class Operands:
    """The operands of one operator of a model; `operator` is None for the model's own input and output."""

    model: TfliteModel
    operator: Operator | None = None

    def refuse(self, what: str, remedy: str) -> NoReturn:
        """Raise Unsupported about this operator."""
        raise Unsupported(what, where=str(self.operator or "the model's input and output"), remedy=remedy)

    def value(self, number: int, constants: bool = False) -> Value:
        """Return a tensor as an activation, or also as a constant."""
        tensor = self.model.tensors[number]
        name = tensor.name
        if tensor.dynamic or tensor.elements < 1:
            self.refuse(f"tensor {name!r} has no fixed shape ({list(tensor.shape)})", CONVERT_FIXED)
        if tensor.type not in _ACTIVATION_TYPES:
            self.refuse(
                f"tensor {name!r} is {tensor.type}, engine codegen takes int8 and float32",
                CONVERT_INT8_OR_FLOAT,
            )
        if tensor.variable:
            self.refuse(
                f"tensor {name!r} is a state of another kind than VAR_HANDLE, which engine codegen lacks",
                "Use --engine tflm, or give the state as an input of a stateless network.",
            )
        if tensor.constant and not constants:
            self.refuse(
                f"tensor {name!r} is a constant, expected is an activation",
                FOLD,
            )
        if tensor.sparse:
            self.refuse(f"tensor {name!r} is stored sparse", DENSE)
        data = tensor.data
        if tensor.type == "float32":
            if data is not None and not np.isfinite(data).all():
                self.refuse(f"the constant {name!r} is not all finite numbers", TRAIN_AGAIN)
            return Value(tensor.index, name, tensor.shape, "float32", 0.0, 0, data)
        quantization = tensor.quantization
        if quantization is None or len(quantization.scales) != 1:
            self.refuse(
                f"activation {name!r} is int8 without a scale",
                "Convert with a representative dataset.",
            )
        zero_point = quantization.zero_points[0]
        if not INT8_MIN <= zero_point <= INT8_MAX:
            self.refuse(f"the zero point of {name!r} is {zero_point}, outside int8", CONVERT_AGAIN)
        return Value(tensor.index, name, tensor.shape, "int8", quantization.scales[0], zero_point, data)

    def in_and_out(self) -> tuple[Value, Value]:
        """Return the operator's input and output."""
        assert self.operator is not None
        if not self.operator.inputs or self.operator.inputs[0] is None or len(self.operator.outputs) != 1:
            self.refuse("it has no input, or not one output", CONVERT_AGAIN)
        return self.value(self.operator.inputs[0]), self.value(self.operator.outputs[0])

    def input(self, position: int) -> Value:
        """Return one of the operator's inputs, an activation."""
        tensor = self._input(position)
        if tensor is None:
            self.refuse("it lacks an input", CONVERT_AGAIN)
        return self.value(tensor.index)

    def values_in(self, count: int | None = None) -> list[Value]:
        """Return the operator's inputs, each an activation or a constant.

        Args:
            count: how many there have to be; None for at least one.
        """
        assert self.operator is not None
        numbers = [number for number in self.operator.inputs if number is not None]
        if len(numbers) != len(self.operator.inputs) or len(numbers) != (count or max(len(numbers), 1)):
            self.refuse(f"it has {len(numbers)} inputs", CONVERT_AGAIN)
        return [self.value(number, constants=True) for number in numbers]

    def option(self, name: str, default: int) -> int:
        assert self.operator is not None
        return int(self.operator.options.get(name, default))

    def activation(self) -> str:
        """Return the name of the fused activation."""
        assert self.operator is not None
        name = self.operator.options.get("fused_activation_function", "NONE")
        if name not in ACTIVATIONS:
            self.refuse(f"its fused activation is {name}", f"Engine codegen fuses {', '.join(ACTIVATIONS)}.")
        return name

    def constant(self, position: int, what: str, *types: str) -> np.ndarray:
        """Return the values of a constant input of one of the given types."""
        tensor = self._input(position)
        if tensor is None or not tensor.constant:
            self.refuse(f"its {what} is not a constant", "Convert again with the weights frozen.")
        if tensor.type not in types:
            self.refuse(f"its {what} is {tensor.type} and not {' or '.join(types)}", CONVERT_INT8_OR_FLOAT)
        if tensor.data is None:
            self.refuse(f"its {what} is stored sparse", DENSE)
        return tensor.data

    def weights(self, source: Value, output: Value, dimensions: int, axis: int) -> Weights:
        """Return filter and bias.

        Args:
            source: the operator's input.
            output: the operator's output, of the same type.
            dimensions: number of dimensions of the filter.
            axis: the filter's dimension of outputs.
        """
        self.require_same_type(source, output)
        quantized = source.type == "int8"
        values = self.constant(1, "filter", source.type)
        if values.ndim != dimensions or values.size == 0:
            self.refuse(f"its filter has the shape {values.shape}", CONVERT_AGAIN)
        outputs = values.shape[axis]
        bias = np.zeros(outputs, np.int32 if quantized else np.float32)
        if self._input(2) is not None:
            bias = self.constant(2, "bias", "int32" if quantized else "float32").reshape(-1)
        if bias.size != outputs:
            self.refuse(f"it has {bias.size} biases for {outputs} outputs", CONVERT_AGAIN)
        if not quantized and not (np.isfinite(values).all() and np.isfinite(bias).all()):
            self.refuse("its weights are not all finite numbers", TRAIN_AGAIN)
        return Weights(values, bias, self._weight_scales(outputs, axis) if quantized else ())

    def require_same_type(self, source: Value, output: Value) -> None:
        """Refuse an operator that changes the type."""
        if source.type != output.type:
            self.refuse(f"it turns {source.type} into {output.type}", CONVERT_INT8_OR_FLOAT)

    def require_same_quantization(self, source: Value, output: Value) -> None:
        """Refuse an operator whose output differs from its input in type, scale or zero point."""
        if not source.same_numbers_as(output):
            self.refuse(
                "its input and output differ in type, scale or zero point",
                "Convert with TensorFlow Lite's int8 scheme, which keeps them equal here.",
            )

    def shape(self, value: Value, expected: tuple[int, ...]) -> None:
        """Refuse an output of another shape than follows from the input."""
        if value.shape != expected:
            self.refuse(
                f"its output {value.name!r} is {value.shape}; {expected} follows from its input",
                CONVERT_FIXED,
            )

    def _input(self, position: int) -> Tensor | None:
        assert self.operator is not None
        number = self.operator.inputs[position] if position < len(self.operator.inputs) else None
        return None if number is None else self.model.tensors[number]

    def _weight_scales(self, outputs: int, axis: int) -> tuple[float, ...]:
        tensor = self._input(1)
        assert tensor is not None
        quantization = tensor.quantization
        if quantization is None or len(quantization.scales) not in (1, outputs):
            self.refuse("its filter has neither one scale nor one for each output", CONVERT_AGAIN)
        by_output = len(quantization.scales) == 1 or quantization.axis == axis
        if any(quantization.zero_points) or not by_output:
            self.refuse(
                "its filter is not quantized symmetrically by output",
                "Convert with TensorFlow Lite's int8 scheme.",
            )
        return quantization.scales
