"""Reads a .tflite: its tensors, operators, input and output."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import ConversionError
from models.log_filter import quiet_tensorflow


@dataclass(frozen=True)
class Tensor:
    """A tensor of a model. `scales` and `zero_points`: one, or one per channel; empty when not quantized."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    is_constant: bool

    @property
    def elements(self) -> int:
        """The product of the shape."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Operator:
    """An operator by its name in the schema, such as "CONV_2D"; a custom one by its own name."""

    name: str
    inputs: tuple[Tensor | None, ...]
    """None where an optional input is left out."""
    outputs: tuple[Tensor, ...]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one run: of CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED, otherwise 0."""
        if self.name not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            return 0
        weights = self.inputs[1]
        assert weights is not None
        # (out, h, w, in), (1, h, w, out), (out, in): an output element takes the weights of its channel.
        channels = weights.shape[-1] if self.name == "DEPTHWISE_CONV_2D" else weights.shape[0]
        return self.outputs[0].elements * (weights.elements // channels)


@dataclass(frozen=True)
class ModelFile:
    """What a .tflite holds, in the order in which it runs."""

    operators: tuple[Operator, ...]
    tensors: tuple[Tensor, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @property
    def operator_counts(self) -> dict[str, int]:
        """How often each operator occurs, in order of first appearance."""
        return dict(Counter(operator.name for operator in self.operators))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(operator.macs for operator in self.operators)


def read_model(path: Path) -> ModelFile:
    """Reads a model of one subgraph.

    Raises:
        ConversionError: the file cannot be read, is no .tflite, or has control flow (several subgraphs).
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConversionError(f"the model cannot be read: {error.strerror}", str(path)) from error
    quiet_tensorflow()
    from tensorflow.lite.python import schema_py_generated as schema

    if content[4:8] != b"TFL3":
        raise ConversionError("this is no TensorFlow Lite model", str(path), "Give a .tflite file.")
    try:
        model = schema.ModelT.InitFromPackedBuf(content, 0)
        if len(model.subgraphs) != 1:
            raise ConversionError(
                f"the model has {len(model.subgraphs)} subgraphs (control flow)",
                str(path),
                "Convert it without WHILE or IF.",
            )
        return _graph(model, schema)
    except ConversionError:
        raise
    except Exception as error:  # the generated reader walks offsets unchecked: a broken file raises anything
        raise ConversionError(
            f"the model is damaged: {error}", str(path), "Convert or download it again."
        ) from error


def _graph(model: Any, schema: Any) -> ModelFile:
    type_names = {number: name.lower() for name, number in vars(schema.TensorType).items() if name.isupper()}
    operator_names = {
        number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)
    }
    graph = model.subgraphs[0]

    def tensor(item: Any) -> Tensor:
        quantization = item.quantization
        scales = quantization.scale if quantization is not None and quantization.scale is not None else ()
        zero_points = quantization.zeroPoint if len(scales) else ()
        return Tensor(
            name=item.name.decode(),
            shape=tuple(int(size) for size in item.shape),
            dtype=type_names[item.type],
            scales=tuple(float(scale) for scale in scales),
            zero_points=tuple(int(zero_point) for zero_point in zero_points),
            is_constant=model.buffers[item.buffer].data is not None,
        )

    def name_of(code: Any) -> str:
        # Files from before 2020 have the number in the old, 8-bit field only.
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        if number == schema.BuiltinOperator.CUSTOM:
            return code.customCode.decode()
        return operator_names[number]

    tensors = [tensor(item) for item in graph.tensors]
    names = [name_of(code) for code in model.operatorCodes]
    operators = [
        Operator(
            name=names[item.opcodeIndex],
            inputs=tuple(tensors[index] if index >= 0 else None for index in item.inputs),
            outputs=tuple(tensors[index] for index in item.outputs),
        )
        for item in graph.operators
    ]
    return ModelFile(
        operators=tuple(operators),
        tensors=tuple(tensors),
        inputs=tuple(tensors[index] for index in graph.inputs),
        outputs=tuple(tensors[index] for index in graph.outputs),
    )
