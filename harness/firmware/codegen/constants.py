"""Operators on whole numbers that are known without an input, such as SHAPE of a fixed shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from models.tflite import Operator, Tensor, TfliteModel

_INTEGERS = ("int32", "int64")


FOLDED_ONLY = ("GATHER", "REDUCE_PROD", "SHAPE")
"""Operators that the engine has only where they are folded."""


def fold_constants(model: TfliteModel) -> tuple[TfliteModel, tuple[Operator, ...]]:
    """Replace operators whose outputs are known whole numbers by constants.

    Returns:
        The model without these operators, and the operators.
    """
    tensors, kept, folded = list(model.tensors), [], []
    for operator in model.operators:
        values = _evaluated(operator, tensors)
        if values is None:
            kept.append(operator)
            if operator.name == "RESHAPE":
                _infer_shape(operator, tensors)
            continue
        folded.append(operator)
        (number,) = operator.outputs
        tensors[number] = replace(tensors[number], shape=values.shape, constant=True, data=values)
    return replace(model, tensors=tuple(tensors), operators=tuple(kept)), tuple(folded)


def _infer_shape(operator: Operator, tensors: list[Tensor]) -> None:
    """Give the output of a RESHAPE the shape that was computed: the file has a placeholder then."""
    source, target, *_ = (*operator.inputs, None, None)
    number = operator.outputs[0] if operator.outputs else None
    shape = None if target is None else tensors[target].data
    if None not in (source, number) and shape is not None and tensors[number].dynamic:
        with suppress(ValueError):  # it is refused where it is read
            inferred = np.empty(tensors[source].shape, bool).reshape(shape.reshape(-1)).shape
            tensors[number] = replace(tensors[number], shape=inferred, dynamic=False)


def _evaluated(operator: Operator, tensors: Sequence[Tensor]) -> np.ndarray | None:
    if len(operator.outputs) != 1 or tensors[operator.outputs[0]].type not in _INTEGERS:
        return None
    inputs = [tensors[number] for number in operator.inputs if number is not None]
    if operator.name == "SHAPE":
        return None if inputs[0].dynamic else np.array(inputs[0].shape, np.int32)
    if any(one.data is None for one in inputs):
        return None
    values = [one.data for one in inputs if one.data is not None]
    try:
        if operator.name == "STRIDED_SLICE":
            ranges, dropped = slice_ranges(values[0].shape, values[1:4], operator.options)
            taken = values[0][np.ix_(*ranges)]
            return taken.reshape([n for axis, n in enumerate(taken.shape) if axis not in dropped])
        if operator.name == "GATHER":
            return np.take(values[0], values[1], int(operator.options.get("axis", 0)))
        if operator.name == "REDUCE_PROD":
            kept = bool(operator.options.get("keep_dims", False))
            product = np.prod(values[0], axis=tuple(values[1].reshape(-1).tolist()), keepdims=kept)
            return np.asarray(product, values[0].dtype)
        if operator.name == "PACK":
            return np.stack(values, int(operator.options.get("axis", 0)))
        if operator.name == "CONCATENATION":
            return np.concatenate(values, int(operator.options.get("axis", 0)))
    except (ValueError, IndexError):
        pass  # it is refused where its outputs are read
    return None


def slice_ranges(
    shape: Sequence[int], bounds: Sequence[np.ndarray], options: Mapping[str, Any]
) -> tuple[list[range], set[int]]:
    """Return the elements that STRIDED_SLICE takes, by dimension, and the dimensions that it drops.

    Args:
        shape: of the input.
        bounds: begin, end and strides.
        options: of the operator.

    Raises:
        ValueError: there are no such elements, or an option is not known here.
    """
    for name in ("ellipsis_mask", "new_axis_mask", "offset"):
        if options.get(name, 0):
            raise ValueError(f"its option {name} is set")
    begins, ends, strides = (values.reshape(-1).tolist() for values in bounds)
    if not len(begins) == len(ends) == len(strides) <= len(shape):
        raise ValueError(f"it has {len(begins)} bounds for {len(shape)} dimensions")
    masks = {name: int(options.get(f"{name}_mask", 0)) for name in ("begin", "end", "shrink_axis")}
    ranges = [range(size) for size in shape]
    dropped = set()
    for axis, (begin, end, stride) in enumerate(zip(begins, ends, strides, strict=True)):
        bit, size = 1 << axis, shape[axis]
        if masks["shrink_axis"] & bit:
            ranges[axis] = range(size)[begin : begin + 1 or None]
            dropped.add(axis)
        else:
            first = None if masks["begin"] & bit else begin
            ranges[axis] = range(size)[first : None if masks["end"] & bit else end : stride]
        if not ranges[axis]:
            raise ValueError(f"it takes nothing of dimension {axis}")
    return ranges, dropped
