"""Reader of .tflite files: tensors, and operators in the order in which they run, as immutable data."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np

from models.errors import ConversionError, wrong_download
from models.store import refuse_pipe

_IDENTIFIER = b"TFL3"

# Types that hold something an engine may need; others are known by name only.
_NUMPY_TYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "float16": np.dtype("<f2"),
    "int8": np.dtype("i1"),
    "uint8": np.dtype("u1"),
    "int16": np.dtype("<i2"),
    "int32": np.dtype("<i4"),
    "int64": np.dtype("<i8"),
}

# The axis of the output channels in the weights of operators that multiply.
_CHANNEL_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}
_UNCOUNTED = re.compile(r"LSTM|RNN|SVDF|MATMUL|TRANSPOSE_CONV|CONV_3D|WHILE|STABLEHLO|\bIF\b|CUSTOM|Builtin")


@dataclass(frozen=True)
class Quantization:
    """Affine quantization, real = (q - zero_point) * scale, per tensor or per index along one axis.

    Attributes:
        scales: one, or one per index along `axis`; float32 values above 0.
        zero_points: as many as `scales`.
        axis: the dimension that `scales` run along, if there are several.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int


@dataclass(frozen=True)
class Tensor:
    """A tensor of a model.

    Attributes:
        index: its number in the file.
        name: given by the converter; "tensor" and the number if it has none.
        shape: () for a scalar; -1 where a dimension is not known, 0 in a tensor without elements.
        type: such as "int8", "float32", "int32".
        quantization: None when the file gives no scales.
        constant: True if the file has values.
        data: a constant's values, read-only, in `shape`; None for an activation, and for a constant that is
            sparse or of a type that numpy lacks, such as "int4".
        dynamic: True if a dimension other than a leading batch of 1 is left open.
        sparse: True if the values are stored compressed.
        variable: True for a state that is kept from run to run.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    type: str
    quantization: Quantization | None
    constant: bool
    data: np.ndarray | None
    dynamic: bool
    sparse: bool
    variable: bool

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Operator:
    """An operator of a model.

    Attributes:
        index: its number in the file; operators run in this order.
        name: TensorFlow Lite's, such as "CONV_2D"; a custom operator's own name follows "CUSTOM ", and an
            operator newer than the schema is "BuiltinOperator_" and its number.
        inputs: tensor numbers; None where an optional tensor is left out.
        outputs: tensor numbers.
        options: parameters under the schema's names in snake case, such as "stride_h"; "padding" and
            "fused_activation_function" are the schema's names, such as "SAME" and "RELU".
    """

    index: int
    name: str
    inputs: tuple[int | None, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.name} (operator {self.index})"


@dataclass(frozen=True)
class TfliteModel:
    """A model: its main graph, and the operators of the graphs that its operators call.

    Attributes:
        sha256: of the file, 64 hex digits.
        tensors: by number.
        operators: in the order in which they run.
        inputs: tensor numbers.
        outputs: tensor numbers.
        subgraphs: the other graphs of the file, which control flow or CALL_ONCE runs.
    """

    sha256: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    subgraphs: tuple[TfliteModel, ...] = ()

    @property
    def called(self) -> tuple[Operator, ...]:
        """Operators of the other graphs; their tensors are not those of `tensors`."""
        return tuple(operator for graph in self.subgraphs for operator in graph.operators)

    @property
    def input_tensors(self) -> tuple[Tensor, ...]:
        return tuple(self.tensors[index] for index in self.inputs)

    @property
    def output_tensors(self) -> tuple[Tensor, ...]:
        return tuple(self.tensors[index] for index in self.outputs)

    @property
    def operator_counts(self) -> dict[str, int]:
        """Number of operators by name, sorted by name."""
        return dict(sorted(Counter(one.name for one in (*self.operators, *self.called)).items()))

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates of one inference; taps of a window on padding are counted too.

        None if an operator multiplies a number of times that is not known here.
        """
        if any(_UNCOUNTED.search(name) for name in self.operator_counts):
            return None
        total = 0
        for operator in self.operators:
            if operator.name in _CHANNEL_AXIS and operator.inputs[1] is not None:
                weights = self.tensors[operator.inputs[1]]
                channels = weights.shape[_CHANNEL_AXIS[operator.name]]
                total += self.tensors[operator.outputs[0]].elements * (weights.elements // channels)
        return total


def read_tflite(path: Path) -> TfliteModel:
    """Read and check a .tflite file.

    Raises:
        ConversionError: the file cannot be read, is no whole .tflite, or has a scale that is not above 0.
    """
    try:
        refuse_pipe(path)
        content = path.read_bytes()
    except OSError as problem:
        raise ConversionError(f"the model cannot be read: {problem.strerror}", str(path)) from problem
    broken = ConversionError(
        "this is not a whole .tflite file", str(path), "Convert or download the model again."
    )
    if len(content) < 8 or content[4:8] != _IDENTIFIER:
        raise wrong_download(path, ConversionError) or broken
    schema = tflite_schema()
    try:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
        graph, *others = model.subgraphs
        sha256 = hashlib.sha256(content).hexdigest()
        read = replace(
            _graph(graph, model, sha256), subgraphs=tuple(_graph(one, model, sha256) for one in others)
        )
        _check_references(read)
        read.macs  # noqa: B018, raises for weights without channels
    except Exception as problem:  # the flatbuffer classes walk offsets unchecked: bytes raise anything
        raise broken from problem
    for tensor in read.tensors:
        if tensor.quantization is not None and not all(
            0 < scale < math.inf for scale in tensor.quantization.scales
        ):
            raise ConversionError(
                f"a scale of tensor {tensor.name!r} is not a finite number above 0",
                str(path),
                "Calibrate with clips that activate every layer of the network, and convert again.",
            )
    return read


def tensorflow_folder() -> Path:
    """Return the folder of the installed TensorFlow without importing it."""
    package = importlib.util.find_spec("tensorflow")
    assert package is not None and package.submodule_search_locations
    return Path(package.submodule_search_locations[0])


@functools.cache
def tflite_schema() -> ModuleType:
    """Load TensorFlow's flatbuffer classes by their path: importing TensorFlow takes seconds."""
    path = tensorflow_folder() / "lite" / "python" / "schema_py_generated.py"
    spec = importlib.util.spec_from_file_location("tflite_schema", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _list(items: Any) -> list[Any]:
    return [] if items is None else list(items)  # empty vectors are left out of the file


@functools.cache
def _names(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if not name.startswith("_")}


def _name(enumeration: type, number: int) -> str:
    """Return the schema's name of a number; a number newer than the schema has the enumeration's name."""
    return _names(enumeration).get(number, f"{enumeration.__name__}_{number}")


def _graph(raw: Any, model: Any, sha256: str) -> TfliteModel:
    return TfliteModel(
        sha256=sha256,
        tensors=tuple(_tensor(i, tensor, model) for i, tensor in enumerate(_list(raw.tensors))),
        operators=tuple(_operator(i, operator, model) for i, operator in enumerate(_list(raw.operators))),
        inputs=tuple(int(i) for i in _list(raw.inputs)),
        outputs=tuple(int(i) for i in _list(raw.outputs)),
    )


def _tensor(index: int, raw: Any, model: Any) -> Tensor:
    shape = tuple(int(size) for size in _list(raw.shape))
    signature = tuple(int(size) for size in _list(raw.shapeSignature)) or shape
    if any(size < -1 for size in shape):
        raise ValueError(shape)
    dynamic = -1 in shape or -1 in signature[1:] or (-1 in signature[:1] and shape[0] != 1)
    kind = _name(tflite_schema().TensorType, raw.type).lower()
    sparse = raw.sparsity is not None
    data = None
    buffer = model.buffers[raw.buffer].data
    constant = sparse or (buffer is not None and len(buffer) > 0)
    if constant and not sparse and kind in _NUMPY_TYPES:
        data = np.frombuffer(np.asarray(buffer, np.uint8).tobytes(), _NUMPY_TYPES[kind]).reshape(shape)
    name = (raw.name or b"").decode("utf-8", "replace") or f"tensor {index}"
    quantization = _quantization(raw.quantization)
    return Tensor(index, name, shape, kind, quantization, constant, data, dynamic, sparse, raw.isVariable)


def _quantization(raw: Any) -> Quantization | None:
    if raw is None or not _list(raw.scale):
        return None
    scales = tuple(float(scale) for scale in raw.scale)
    zero_points = tuple(int(point) for point in _list(raw.zeroPoint)) or (0,) * len(scales)
    if len(zero_points) != len(scales):
        raise ValueError(scales)
    return Quantization(scales, zero_points, int(raw.quantizedDimension))


def operator_name(model: Any, operator: Any) -> str:
    """Return the name of an operator, of flatbuffer objects; see `Operator.name`."""
    code = model.operatorCodes[operator.opcodeIndex]
    # Files from before 2020 have the code in the deprecated 8-bit field only.
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    name = _name(tflite_schema().BuiltinOperator, number)
    return f"CUSTOM {(code.customCode or b'').decode('utf-8', 'replace')}" if name == "CUSTOM" else name


def _operator(index: int, raw: Any, model: Any) -> Operator:
    options = {
        re.sub(r"(?<!^)([A-Z])", r"_\1", key).lower(): value
        for key, value in (vars(raw.builtinOptions) if raw.builtinOptions is not None else {}).items()
    }
    for key, enumeration in (("padding", "Padding"), ("fused_activation_function", "ActivationFunctionType")):
        if key in options:
            options[key] = _name(getattr(tflite_schema(), enumeration), options[key])
    inputs = tuple(None if i == -1 else int(i) for i in _list(raw.inputs))
    outputs = tuple(int(i) for i in _list(raw.outputs))
    return Operator(index, operator_name(model, raw), inputs, outputs, MappingProxyType(options))


def _check_references(model: TfliteModel) -> None:
    """Check that every tensor in use exists and is written before it is read, unless it has no elements."""
    written = {tensor.index for tensor in model.tensors if tensor.constant or tensor.variable}
    written.update(model.inputs)
    for operator in model.operators:
        for used in operator.inputs:
            if used is not None and used not in written and model.tensors[used].elements:
                raise IndexError(used)
        written.update(operator.outputs)
    for used in (*model.inputs, *model.outputs, *written):
        if used not in written or not 0 <= used < len(model.tensors):
            raise IndexError(used)
