"""Folding of operators that only move data into their neighbors, without a change of results."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from harness.errors import Unsupported
from harness.firmware.codegen.program import (
    BatchToSpace,
    Conv2D,
    CopyPart,
    DepthwiseConv2D,
    Dequantize,
    FullyConnected,
    Pad,
    Places,
    Program,
    Quantize,
    SpaceToBatch,
    Step,
    Transpose,
    View,
    Weights,
)
from harness.firmware.codegen.strides import contiguous


def fold(program: Program) -> Program:
    """Apply every rule until none applies any more."""
    views = [f"{step.operator} is a view of its input" for step in program.steps if isinstance(step, View)]
    program = replace(program, folded=(*program.folded, *views))
    while True:
        for rule in _RULES:
            changed = _first_change(program, rule)
            if changed is not None:
                program = changed
                break
        else:
            _check_batches(program)
            return _states_in_place(program)


def _check_batches(program: Program) -> None:
    """Refuse SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND that `_dilation` could not fold.

    Raises:
        Unsupported: the engine cannot run an operator, which is named.
    """
    for step in program.steps:
        if isinstance(step, SpaceToBatch | BatchToSpace):
            raise Unsupported(
                "engine codegen has it only around a convolution, as its dilation",
                where=str(step.operator),
                remedy="Use --engine tflm, or a convolution with dilation and stride 1.",
            )


_Rule = Callable[[Program, int, Step], Program | None]


def _first_change(program: Program, rule: _Rule) -> Program | None:
    for position, step in enumerate(program.steps):
        changed = rule(program, position, step)
        if changed is not None:
            return changed
    return None


def _depthwise_of_one_channel(program: Program, position: int, step: Step) -> Program | None:
    """Turn a depthwise convolution of one channel into a convolution, whose loops are faster."""
    if not isinstance(step, DepthwiseConv2D) or step.input.shape[3] != 1:
        return None
    values = np.ascontiguousarray(np.moveaxis(step.weights.values, -1, 0))[..., np.newaxis]
    convolution = Conv2D(
        step.operator,
        step.input,
        step.output,
        Weights(values, step.weights.bias, step.weights.scales),
        step.window,
        step.activation,
    )
    return program.with_steps({position: convolution})


def _moves_nothing(program: Program, position: int, step: Step) -> Program | None:
    """Turn a step that leaves every byte in its place into a view."""
    if isinstance(step, Transpose):
        moved = [axis for axis in step.order if step.input.shape[axis] > 1]
        reason = "moves dimensions of size 1 only" if moved == sorted(moved) else ""
    elif isinstance(step, Pad):
        reason = "" if any(map(any, step.amounts)) else "adds nothing"
    elif isinstance(step, Quantize):
        reason = "changes neither scale nor zero point" if step.input.same_numbers_as(step.output) else ""
    else:
        return None
    if not reason:
        return None
    return program.with_steps({position: _view(step)}, f"{step.operator} {reason}")


def _view(step: Step) -> View:
    return View(step.operator, step.input, step.output)


def _quantized_as_before(program: Program, position: int, step: Step) -> Program | None:
    """Drop DEQUANTIZE before QUANTIZE to the same scale and zero point."""
    reader, after = program.only_reader(position)
    if not isinstance(step, Dequantize) or not isinstance(after, Quantize):
        return None
    if not after.output.same_numbers_as(step.input):
        return None
    view = replace(_view(after), input=step.input)
    return program.with_steps(
        {position: None, reader: view}, f"{step.operator} is undone by {after.operator}"
    )


def _views_in_a_row(program: Program, position: int, step: Step) -> Program | None:
    """Join two views, so that other rules see the steps around them."""
    reader, after = program.only_reader(position)
    if not isinstance(step, View) or not isinstance(after, View):
        return None
    return program.with_steps({position: None, reader: replace(after, input=step.input)})


def _transposes_in_a_row(program: Program, position: int, step: Step) -> Program | None:
    reader, after = program.only_reader(position)
    if not isinstance(step, Transpose) or not isinstance(after, Transpose):
        return None
    order = tuple(step.order[axis] for axis in after.order)
    joined = replace(after, input=step.input, order=order)
    return program.with_steps(
        {position: None, reader: joined}, f"{step.operator} is merged into {after.operator}"
    )


def _pad_after_move(program: Program, position: int, step: Step) -> Program | None:
    """Move PAD behind a change of the dimensions, nearer to a convolution."""
    reader, move = program.only_reader(position)
    if not isinstance(step, Pad):
        return None
    if isinstance(move, Transpose):
        amounts = tuple(step.amounts[axis] for axis in move.order)
    elif isinstance(move, View):
        renamed = _amounts_in_view(step, move.output.shape)
        if renamed is None:
            return None
        amounts = renamed
    else:
        return None
    between = replace(
        move.output,
        id=program.new_id(),
        name=f"{move.output.name} without padding",
        shape=tuple(size - sum(pair) for size, pair in zip(move.output.shape, amounts, strict=True)),
    )
    moved = replace(move, input=step.input, output=between)
    padded = replace(step, input=between, output=move.output, amounts=amounts)
    return program.with_steps({position: moved, reader: padded})


def _amounts_in_view(pad: Pad, shape: tuple[int, ...]) -> tuple[tuple[int, int], ...] | None:
    """Return the padding of a view that differs from the padded tensor in dimensions of size 1 only."""
    sizes = [size for size in pad.output.shape if size > 1]
    if sizes != [size for size in shape if size > 1]:
        return None
    # A dimension of size 1 after padding has no padding: it has an element.
    amounts = iter([pair for size, pair in zip(pad.output.shape, pad.amounts, strict=True) if size > 1])
    return tuple(next(amounts) if size > 1 else (0, 0) for size in shape)


def _pad_into_convolution(program: Program, position: int, step: Step) -> Program | None:
    """Make padding of rows and columns the convolution's own, which is 0 as well."""
    reader, after = program.only_reader(position)
    if not isinstance(step, Pad) or not isinstance(after, Conv2D | DepthwiseConv2D):
        return None
    batch, (top, _), (left, _), channels = step.amounts
    if any(batch) or any(channels):
        return None
    before = after.window.before[0] + top, after.window.before[1] + left
    folded = replace(after, input=step.input, window=replace(after.window, before=before))
    return program.with_steps(
        {position: None, reader: folded}, f"{step.operator} is done by the padding of {after.operator}"
    )


def _transpose_into_weights(program: Program, position: int, step: Step) -> Program | None:
    """Drop TRANSPOSE before a fully connected layer by transposing its weights."""
    reader, after = program.only_reader(position)
    if not isinstance(step, Transpose):
        return None
    changes: dict[int, Step | None] = {position: None}
    if isinstance(after, View):
        changes[reader] = None
        reader, after = program.only_reader(reader)
    if not isinstance(after, FullyConnected) or after.weights.values.shape[1] != step.output.elements:
        return None
    # For each place of the transposed input, the place of its element in the untransposed one.
    places = (
        np.arange(math.prod(step.input.shape)).reshape(step.input.shape).transpose(step.order).reshape(-1)
    )
    values = np.empty_like(after.weights.values)
    values[:, places] = after.weights.values
    changes[reader] = replace(after, input=step.input, weights=replace(after.weights, values=values))
    return program.with_steps(
        changes, f"{step.operator} is done by the order of the weights of {after.operator}"
    )


def _dilation(program: Program, position: int, step: Step) -> Program | None:
    """Turn a convolution of every n-th element, as dilated Conv1D is exported, into one with dilation."""
    if not isinstance(step, SpaceToBatch):
        return None
    changes: dict[int, Step | None] = {position: None}

    def next_step(position: int) -> tuple[int, Step | None]:
        reader, after = program.only_reader(position)
        if isinstance(after, View):
            changes[reader] = None
            reader, after = program.only_reader(reader)
        return reader, after

    place, layer = next_step(position)
    end, last = next_step(place) if isinstance(layer, Conv2D | DepthwiseConv2D) else (-1, None)
    if not isinstance(layer, Conv2D | DepthwiseConv2D) or not isinstance(last, BatchToSpace):
        return None
    axes = _block_axes(step.output.shape, layer.input.shape)
    if step.block != last.block or not axes or axes != _block_axes(last.input.shape, layer.output.shape):
        return None
    window, shape_in, shape_out = layer.window, list(layer.input.shape), list(layer.output.shape)
    dilation, before = list(window.dilation), list(window.before)
    for k, (block, (left, _), crops) in enumerate(zip(step.block, step.padding, last.crops, strict=True)):
        axis, i = axes[k], axes[k] - 1
        valid = layer.input.shape[axis] - window.size[i] + 1 == layer.output.shape[axis]
        alone = (window.stride[i], window.dilation[i], window.before[i]) == (1, 1, 0) and valid
        if left < crops[0] or not (alone or (block == 1 and crops == (0, 0))):
            return None
        before[i] += left - crops[0]
        dilation[i] *= block
        shape_in[axis], shape_out[axis] = step.input.shape[k + 1], last.output.shape[k + 1]
    shape_in[0], shape_out[0] = step.input.shape[0], last.output.shape[0]
    source = replace(step.input, id=program.new_id(), shape=tuple(shape_in))
    output = replace(last.output, id=source.id + 1, shape=tuple(shape_out))
    window = replace(window, dilation=(dilation[0], dilation[1]), before=(before[0], before[1]))
    changes[position] = View(step.operator, step.input, source)
    changes[place] = replace(layer, input=source, output=output, window=window)
    changes[end] = View(last.operator, output, last.output)
    return program.with_steps(
        changes, f"{step.operator} and {last.operator} are the dilation of {layer.operator}"
    )


def _block_axes(blocks: tuple[int, ...], image: tuple[int, ...]) -> tuple[int, ...]:
    """Return the dimensions of an image that are those of the blocks; () for another view.

    Args:
        blocks: (batch, sizes, channels); with one size fewer, the image has a dimension of size 1 more.
        image: (batch, rows, columns, channels).
    """
    if blocks == image:
        return 1, 2
    one_more = {1: (image[0], *image[2:]), 2: (*image[:2], image[3])}
    return next(((3 - axis,) for axis, rest in one_more.items() if image[axis] == 1 and rest == blocks), ())


def _unread(program: Program, position: int, step: Step) -> Program | None:
    """Drop a step whose output nothing reads."""
    reads = {value.id for other in program.steps for value in other.inputs}
    if step.output.id in reads | program.kept:
        return None
    return program.with_steps({position: None}, f"{step.operator} has an output that is not read")


def _copies_in_a_row(program: Program, position: int, step: Step) -> Program | None:
    """Join a copy that fills its output and a copy of all of that, such as of a slice to a state."""
    reader, after = program.only_reader(position)
    if not (isinstance(step, CopyPart) and isinstance(after, CopyPart)):
        return None
    states = {state.value.id for state in program.states}
    fills = step.target == after.source == Places(0, contiguous(step.output.shape))
    if step.input.id in states or step.sizes != after.sizes or not fills:
        return None
    joined = replace(after, input=step.input, source=step.source)
    return program.with_steps(
        {position: None, reader: joined}, f"{step.operator} is merged into {after.operator}"
    )


def _states_in_place(program: Program) -> Program:
    """Let the readers of a state read its own memory, where no step changes it before the last of them.

    Rules move reads of values that never change, so this comes after all of them.
    """
    states = {state.value.id for state in program.states}
    for position, step in enumerate(program.steps):
        if not isinstance(step, CopyPart) or step.input.id not in states or step.output.id in program.kept:
            continue
        views, last = {step.output.id}, position
        for later, other in enumerate(program.steps):
            if views & {value.id for value in other.inputs}:
                last = later
                if isinstance(other, View):
                    views.add(other.output.id)
        changes = [other.output.id == step.input.id for other in program.steps[position : last + 1]]
        if not any(changes) and not views & program.kept:
            program = program.with_steps(
                {position: _view(step)}, f"{step.operator} is a view of its variable"
            )
    return program


_RULES: tuple[_Rule, ...] = (
    _copies_in_a_row,
    _unread,
    _dilation,
    _depthwise_of_one_channel,
    _moves_nothing,
    _quantized_as_before,
    _views_in_a_row,
    _transposes_in_a_row,
    _pad_after_move,
    _pad_into_convolution,
    _transpose_into_weights,
)
