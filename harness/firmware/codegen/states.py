"""Variables that a streaming model keeps from run to run, with first values from CALL_ONCE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from harness.firmware.codegen.operands import CONVERT_AGAIN, Operands
from harness.firmware.codegen.program import CopyPart, Places, State, Step, Value
from harness.firmware.codegen.strides import contiguous
from models.tflite import Operator, Tensor, TfliteModel

_NAMES = ("container", "shared_name")


class States:
    """The variables of a model, by the number of a tensor that is a handle."""

    def __init__(self, model: TfliteModel) -> None:
        self._model = model
        self._names = _handles(model)
        self._first = _first_values(model)
        self._states: dict[object, State] = {}

    @property
    def all(self) -> tuple[State, ...]:
        """Variables that were read or assigned so far."""
        return tuple(self._states.values())

    def read(self, operator: Operator, operands: Operands) -> Iterator[Step]:
        """Lower READ_VARIABLE."""
        output = operands.value(operator.outputs[0])
        handle = operator.inputs[0] if operator.inputs else None
        yield _copied(operator, self._value(operands, handle, output), output)

    def assign(self, operator: Operator, operands: Operands) -> Iterator[Step]:
        """Lower ASSIGN_VARIABLE."""
        source = operands.input(1)
        yield _copied(operator, source, self._value(operands, operator.inputs[0], source))

    def _value(self, operands: Operands, handle: int | None, like: Value) -> Value:
        """Return the memory of a variable, with the shape and scale of its first reader or writer."""
        name = self._names.get(handle)
        first = self._first.get(name)
        if name is None or first is None or first.data is None:
            operands.refuse("its variable has no constant first value from CALL_ONCE", CONVERT_AGAIN)
        if (first.type, first.shape) != (like.type, like.shape):
            operands.refuse(
                f"its variable is {first.type} {first.shape}, the tensor {like.type} {like.shape}",
                CONVERT_AGAIN,
            )
        if name not in self._states:
            number = len(self._model.tensors) + len(self._states)
            value = Value(number, f"variable {name[1]}", like.shape, like.type, like.scale, like.zero_point)
            self._states[name] = State(value, first.data)
        value = self._states[name].value
        operands.require_same_quantization(value, like)
        return value


def _copied(operator: Operator, source: Value, output: Value) -> Step:
    places = Places(0, contiguous(source.shape))
    return CopyPart(operator, source, output, source.shape, places, places)


def _handles(model: TfliteModel) -> dict[int | None, tuple[str, ...]]:
    """Return the names of variables by the tensor that is their handle."""
    return {
        operator.outputs[0]: tuple(_text(operator.options.get(name)) for name in _NAMES)
        for operator in model.operators
        if operator.name == "VAR_HANDLE" and operator.outputs
    }


def _text(name: bytes | None) -> str:
    return (name or b"").decode("utf-8", "replace")


def _first_values(model: TfliteModel) -> Mapping[object, Tensor]:
    """Return the constants that graphs of CALL_ONCE assign, by the variable's names."""
    found: dict[object, Tensor] = {}
    for caller in model.operators:
        number = int(caller.options.get("init_subgraph_index", 0)) - 1
        if caller.name != "CALL_ONCE" or not 0 <= number < len(model.subgraphs):
            continue
        graph = model.subgraphs[number]
        names = _handles(graph)
        for operator in graph.operators:
            if operator.name == "ASSIGN_VARIABLE" and len(operator.inputs) == 2:
                handle, value = operator.inputs
                if handle in names and value is not None and 0 <= value < len(graph.tensors):
                    found[names[handle]] = graph.tensors[value]
    return found


def is_uniform(values: np.ndarray) -> bool:
    return bool((values == values.reshape(-1)[0]).all())
