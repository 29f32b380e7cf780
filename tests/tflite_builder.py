"""Builder of small .tflite models, operator by operator, including ones that no converter would write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np

from models.tflite import tflite_schema

schema = tflite_schema()
_TYPES = {
    np.dtype("f4"): schema.TensorType.FLOAT32,
    np.dtype("i1"): schema.TensorType.INT8,
    np.dtype("u1"): schema.TensorType.UINT8,
    np.dtype("i2"): schema.TensorType.INT16,
    np.dtype("i4"): schema.TensorType.INT32,
    np.dtype("i8"): schema.TensorType.INT64,
}

_OPTIONS = {
    "CALL_ONCE": "CallOnceOptions",
    "ADD": "AddOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "CONCATENATION": "ConcatenationOptions",
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "GATHER": "GatherOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "MUL": "MulOptions",
    "PACK": "PackOptions",
    "REDUCE_PROD": "ReducerOptions",
    "RESHAPE": "ReshapeOptions",
    "SHAPE": "ShapeOptions",
    "SOFTMAX": "SoftmaxOptions",
    "SPLIT": "SplitOptions",
    "SPLIT_V": "SplitVOptions",
    "SQUEEZE": "SqueezeOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "VAR_HANDLE": "VarHandleOptions",
}


class ModelBuilder:
    """A model of one graph; tensors are numbered in the order of their creation."""

    def __init__(self) -> None:
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.buffers = [schema.BufferT()]  # the first one is empty, by convention
        self.codes: list[Any] = []
        self.called: list[Any] = []  # graphs that operators of the main graph call

    def activation(
        self, shape: Sequence[int], dtype: str = "i1", scale: float = 0.0, zero_point: int = 0, **fields: Any
    ) -> int:
        """Add a tensor without data; int8 needs a scale."""
        return self._tensor(shape, np.dtype(dtype), 0, [scale] if scale else [], [zero_point], 0, fields)

    def variable(self, name: str, first: np.ndarray, like: int) -> int:
        """Add a variable that a graph of CALL_ONCE sets to its first values; return its handle.

        Args:
            name: the variable's.
            first: its first values.
            like: a tensor that has its scale and zero point.
        """
        main, quantization = self.graph, self.graph.tensors[like].quantization
        if not self.called:
            self.operator("CALL_ONCE", [], [], initSubgraphIndex=1)
            self.called.append(schema.SubGraphT())
            self.called[0].tensors, self.called[0].operators = [], []
            self.called[0].inputs, self.called[0].outputs = [], []
        self.graph = self.called[0]
        handle, values = self._handle(name), self.constant(first)
        self.graph.tensors[values].quantization = quantization
        self.operator("ASSIGN_VARIABLE", [handle, values], [])
        self.graph = main
        return self._handle(name)

    def _handle(self, name: str) -> int:
        handle = self.activation((), "i4")
        self.graph.tensors[handle].type = schema.TensorType.RESOURCE
        self.operator("VAR_HANDLE", [], [handle], sharedName=name)
        return handle

    def constant(self, values: np.ndarray, scales: Sequence[float] = (), axis: int = 0, **fields: Any) -> int:
        """Add a tensor with data; int8 needs one scale, or one per index along `axis`."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self.buffers.append(buffer)
        number = len(self.buffers) - 1
        return self._tensor(values.shape, values.dtype, number, list(scales), [0] * len(scales), axis, fields)

    def operator(self, name: str, inputs: Sequence[int], outputs: Sequence[int], **options: Any) -> None:
        """Append an operator; options have the schema's names, enumerations are numbers."""
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 1
        self.codes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.codes) - 1
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if name in _OPTIONS:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, _OPTIONS[name])
            operator.builtinOptions = getattr(schema, f"{_OPTIONS[name]}T")()
            for key, value in options.items():
                assert hasattr(operator.builtinOptions, key), key
                setattr(operator.builtinOptions, key, value)
        self.graph.operators.append(operator)

    def finish(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        self.graph.inputs, self.graph.outputs = list(inputs), list(outputs)
        model = schema.ModelT()
        model.version, model.subgraphs, model.buffers = 3, [self.graph, *self.called], self.buffers
        model.operatorCodes = self.codes
        builder = flatbuffers.Builder(1 << 12)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _tensor(
        self,
        shape: Sequence[int],
        dtype: np.dtype,
        buffer: int,
        scales: list[float],
        zero_points: list[int],
        axis: int,
        fields: dict[str, Any],
    ) -> int:
        tensor = schema.TensorT()
        tensor.name = f"tensor{len(self.graph.tensors)}".encode()
        tensor.shape, tensor.type, tensor.buffer = [int(size) for size in shape], _TYPES[dtype], buffer
        if scales:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = [float(np.float32(scale)) for scale in scales]
            tensor.quantization.zeroPoint = zero_points
            tensor.quantization.quantizedDimension = axis
        for key, value in fields.items():
            setattr(tensor, key, value)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1
