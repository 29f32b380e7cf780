"""Kernel calls of the steps, with their constants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np

from harness.firmware.codegen import quantization
from harness.firmware.codegen.blocks import blocked, blocked_by_channel
from harness.firmware.codegen.channels import Channels, finished, scales_of
from harness.firmware.codegen.in_place import behind_by_row, behind_by_window
from harness.firmware.codegen.program import (
    AveragePool2D,
    Binary,
    Conv2D,
    CopyPart,
    DepthwiseConv2D,
    Dequantize,
    FullyConnected,
    Layer,
    MaxPool2D,
    Mean,
    Pad,
    Places,
    Quantize,
    Softmax,
    Step,
    Transpose,
    Unary,
    Value,
    Window,
)
from harness.firmware.codegen.strides import broadcast, contiguous, loops
from harness.firmware.codegen.tables import table

Constant = int | float | Sequence[int]
"""float: a float32; a sequence: an array."""


SPARSE = "+sparse"
"""Suffix of the kernels' name if a kernel skips weights of 0."""


@dataclass(frozen=True)
class Operation:
    """One call of a kernel.

    Attributes:
        header: the kernel's header in EarshotKernels.
        kernel: function in namespace earshot::kernels.
        constants: members of the template argument `Op`.
        arguments: further template arguments.
        weights: weights or table in the kernel's order; None for a kernel without.
        channels: constants of the outputs of a kernel with weights.
        weights_in_code: the weights are a template argument instead of an array in flash.
        skips_zeros: the kernel skips weights of 0.
        note: reason for this kernel, for the generated source.
        scratch_bytes: memory that the kernel needs during the call; None if it takes none.
        scratch_element: the type of its elements in C++.
        scratch_in_kernel: the kernel's own count of these bytes, an expression in C++.
        with_more_memory: makes the faster call with more scratch; None if there is none.
        input_behind: bytes by which the input has to lie behind the output for both to share memory: the
            kernel reads what it overwrites in time. None if they must not.
    """

    step: Step
    header: str
    kernel: str
    constants: dict[str, Constant]
    arguments: tuple[str, ...] = ()
    weights: np.ndarray | None = None
    channels: Channels | None = None
    scratch_bytes: int | None = None
    scratch_element: str = ""
    scratch_in_kernel: str = ""
    with_more_memory: Callable[[], Operation | None] | None = None
    input_behind: int | None = None
    weights_in_code: bool = False
    skips_zeros: bool = False
    note: str = ""


def kernels_name(operations: Sequence[Operation]) -> str:
    """Return the kernels' name that a Cortex-M4 reports: the inner loops of products.h that the layers use.

    This is "dsp" if a layer is int8, otherwise "fpu", or "reference" without layers; with `SPARSE` behind it
    if a kernel skips weights of 0.
    """
    types = {one.step.input.type for one in operations if isinstance(one.step, Layer)}
    loops = "dsp" if "int8" in types else "fpu" if types else "reference"
    return loops + SPARSE * any(one.skips_zeros for one in operations)


@singledispatch
def operation(step: Step) -> Operation:
    """Return the kernel call of a step; raises BuildFailed if its scales are out of the kernels' range."""
    raise TypeError(type(step))


@operation.register
def _(step: Conv2D) -> Operation:
    outputs = len(step.weights.values)
    return Operation(
        step,
        "conv_2d.h",
        "conv_2d",
        {
            **image(step.input, step.output, step.window),
            "kOutputChannels": outputs,
            **padded(step.input, step.window),
            **finish(step.output, step.activation),
        },
        weights=blocked(step.runs),
        channels=finished(step, step.weights.values.reshape(outputs, -1)),
        **_strip(step),
    )


@operation.register
def _(step: DepthwiseConv2D) -> Operation:
    by_tap = step.weights.values.reshape(-1, step.output.shape[3])
    return Operation(
        step,
        "depthwise_conv_2d.h",
        "depthwise_conv_2d",
        {
            **image(step.input, step.output, step.window),
            "kMultiplier": step.multiplier,
            **padded(step.input, step.window),
            **finish(step.output, step.activation),
        },
        weights=blocked_by_channel(by_tap, step.multiplier),
        channels=finished(step, by_tap.T),
        **_strip(step),
    )


@operation.register
def _(step: FullyConnected) -> Operation:
    outputs, inputs = step.weights.values.shape
    return Operation(
        step,
        "fully_connected.h",
        "fully_connected",
        {
            "kRows": step.input.elements // inputs,
            "kInputs": inputs,
            "kOutputs": outputs,
            **finish(step.output, step.activation),
        },
        weights=blocked(step.weights.values[:, np.newaxis, :]),
        channels=finished(step, step.weights.values),
    )


@operation.register
def _(step: AveragePool2D) -> Operation:
    sums = "int32_t" if step.input.type == "int8" else "float"
    return Operation(step, "pool_2d.h", "average_pool_2d", _pooled(step), arguments=(sums,))


@operation.register
def _(step: MaxPool2D) -> Operation:
    return Operation(step, "pool_2d.h", "max_pool_2d", _pooled(step))


def _pooled(step: AveragePool2D | MaxPool2D) -> dict[str, Constant]:
    return {
        **image(step.input, step.output, step.window),
        "kPadTop": step.window.before[0],
        "kPadLeft": step.window.before[1],
        **activation_range(step.output, step.activation),
    }


@operation.register
def _(step: Mean) -> Operation:
    source, output = step.input, step.output
    shape, steps = source.shape, contiguous(source.shape)
    constants: dict[str, Constant] = {"kCount": source.elements // output.elements}
    for prefix, axes in (("k", set(range(len(shape))) - set(step.axes)), ("kMean", step.axes)):
        sizes, distances = loops([shape[axis] for axis in axes], [steps[axis] for axis in axes])
        constants |= {f"{prefix}Sizes": sizes, f"{prefix}Steps": distances}
    if source.type == "float32":
        return Operation(step, "mean.h", "mean", constants)
    constants |= {"kInputZeroPoint": source.zero_point, "kOutputZeroPoint": output.zero_point}
    with scales_of(step):
        multiplier = quantization.mean_multiplier(
            source.scale, output.scale, source.elements // output.elements
        )
    return Operation(step, "mean.h", "mean", constants | scaling(multiplier))


@operation.register
def _(step: Softmax) -> Operation:
    depth = step.input.shape[-1]
    constants: dict[str, Constant] = {"kRows": step.input.elements // depth, "kDepth": depth}
    if step.input.type == "float32":
        constants["kBeta"] = step.beta
    else:
        with scales_of(step):
            scaling = quantization.softmax_scaling(step.beta, step.input.scale)
        constants["kMultiplier"] = scaling.multiplier
        constants["kLeftShift"] = scaling.left_shift
        constants["kLeastDifference"] = scaling.least_difference
    return Operation(step, "softmax.h", "softmax", constants)


@operation.register
def _(step: Unary) -> Operation:
    constants: dict[str, Constant] = {"kElements": step.input.elements}
    if step.input.type == "int8":
        with scales_of(step):
            values = table(step)
        return Operation(step, "unary.h", "look_up", constants, weights=values, input_behind=0)
    kernel = step.operator.name.lower()
    if step.operator.name in quantization.ACTIVATIONS:
        kernel, constants = "clamp_all", constants | activation_range(step.output, step.operator.name)
    elif step.operator.name == "LEAKY_RELU":
        constants["kAlpha"] = step.alpha
    return Operation(step, "unary.h", kernel, constants, input_behind=0)


@operation.register
def _(step: Binary) -> Operation:
    first, second, output = step.input, step.second, step.output
    sizes, *steps = loops(
        output.shape,
        *(broadcast(value.shape, output.shape) for value in (first, second)),
        contiguous(output.shape),
    )
    constants: dict[str, Constant] = {
        "kSizes": sizes,
        "kFirstSteps": steps[0],
        "kSecondSteps": steps[1],
        **finish(output, step.activation),
    }
    if output.type == "int8":
        constants |= {"kFirstZeroPoint": first.zero_point, "kSecondZeroPoint": second.zero_point}
        with scales_of(step):
            if step.operator.name == "ADD":
                multipliers = quantization.add_multipliers(first.scale, second.scale, output.scale)
                for name, one in zip(("First", "Second", "Output"), multipliers, strict=True):
                    constants |= {f"k{name}Multiplier": one.value, f"k{name}RightShift": one.right_shift}
            else:
                constants |= scaling(quantization.product_multiplier(first.scale, second.scale, output.scale))
    same_shape = first.elements == output.elements and second.elements == output.elements
    apart = same_shape or (first.elements == output.elements and second.data is not None)
    return Operation(
        step, "binary.h", step.operator.name.lower(), constants, input_behind=0 if apart else None
    )


@operation.register
def _(step: Pad) -> Operation:
    missing = 4 - len(step.input.shape)
    amounts = ((0, 0),) * missing + step.amounts
    constants: dict[str, Constant] = {
        "kSizes": (1,) * missing + step.input.shape,
        "kBefore": [before for before, _ in amounts],
        "kAfter": [after for _, after in amounts],
        "kPadValue": zero_of(step.output),
    }
    return Operation(step, "pad.h", "pad", constants)


@operation.register
def _(step: Transpose) -> Operation:
    steps = contiguous(step.input.shape)
    source = Places(0, tuple(steps[axis] for axis in step.order))
    return _copied(step, step.output.shape, source, Places(0, contiguous(step.output.shape)))


@operation.register
def _(step: CopyPart) -> Operation:
    return _copied(step, step.sizes, step.source, step.target)


def _copied(step: Step, sizes: tuple[int, ...], source: Places, target: Places) -> Operation:
    merged, source_steps, target_steps = loops(sizes, source.steps, target.steps)
    constants: dict[str, Constant] = {
        "kSizes": merged,
        "kSourceSteps": source_steps,
        "kTargetSteps": target_steps,
        "kSourceBegin": source.begin,
        "kTargetBegin": target.begin,
    }
    return Operation(step, "copy_part.h", "copy_part", constants)


@operation.register
def _(step: Quantize) -> Operation:
    constants: dict[str, Constant] = {"kElements": step.input.elements}
    if step.input.type == "float32":
        constants |= {"kScale": step.output.scale, "kZeroPoint": step.output.zero_point}
        return Operation(step, "quantize.h", "quantize", constants)
    with scales_of(step):
        multiplier = quantization.quantize_multiplier(step.input.scale / step.output.scale)
    constants |= {
        "kInputZeroPoint": step.input.zero_point,
        "kOutputZeroPoint": step.output.zero_point,
        **scaling(multiplier),
    }
    return Operation(step, "quantize.h", "requantize", constants)


@operation.register
def _(step: Dequantize) -> Operation:
    constants: dict[str, Constant] = {
        "kElements": step.input.elements,
        "kScale": step.input.scale,
        "kZeroPoint": step.input.zero_point,
    }
    return Operation(step, "quantize.h", "dequantize", constants)


def strip_bytes(source: Value, output: Value, window: Window) -> int:
    """Return the bytes of a buffer for the padded input rows that one row of outputs needs.

    The kernels count the same buffer in elements: WindowRows::kStripElements. It has 0 bytes if no window
    reaches into the padding: the kernel then reads the input in place.
    """
    needed = [
        (count - 1) * stride + (size - 1) * dilation + 1
        for count, stride, size, dilation in zip(
            output.shape[1:3], window.stride, window.size, window.dilation, strict=True
        )
    ]
    inside = all(needed[axis] <= source.shape[1 + axis] for axis in (0, 1))
    if inside and window.before == (0, 0):
        return 0
    row_elements = -(-needed[1] * source.shape[3] // 4) * 4  # a multiple of 4
    return window.size[0] * row_elements * (source.bytes // source.elements)


def _strip(step: Conv2D | DepthwiseConv2D) -> dict[str, Any]:
    element = "int8_t" if step.input.type == "int8" else "float"
    strip = strip_bytes(step.input, step.output, step.window)
    return {
        "scratch_bytes": strip,
        "scratch_element": element,
        "scratch_in_kernel": f"sizeof({element}) * kernels::WindowRows<OP>::kStripElements",
        "input_behind": behind_by_row(step, 1, kept=False) if strip else behind_by_window(step),
    }


def image(source: Value, output: Value, window: Window) -> dict[str, Constant]:
    return {
        "kBatches": source.shape[0],
        "kInputHeight": source.shape[1],
        "kInputWidth": source.shape[2],
        "kInputChannels": source.shape[3],
        "kOutputHeight": output.shape[1],
        "kOutputWidth": output.shape[2],
        "kFilterHeight": window.size[0],
        "kFilterWidth": window.size[1],
        "kStrideHeight": window.stride[0],
        "kStrideWidth": window.stride[1],
    }


def padded(source: Value, window: Window) -> dict[str, Constant]:
    return {
        "kDilationHeight": window.dilation[0],
        "kDilationWidth": window.dilation[1],
        "kPadTop": window.before[0],
        "kPadLeft": window.before[1],
        "kPadValue": zero_of(source),
    }


def zero_of(value: Value) -> Constant:
    return value.zero_point if value.type == "int8" else 0.0


def activation_range(output: Value, activation: str) -> dict[str, Constant]:
    least: Constant
    most: Constant
    if output.type == "int8":
        least, most = quantization.int8_activation_range(activation, output.scale, output.zero_point)
    else:
        least, most = quantization.ACTIVATIONS[activation]
    return {"kActivationMin": least, "kActivationMax": most}


def scaling(multiplier: quantization.Multiplier) -> dict[str, Constant]:
    return {
        "kMultiplier": multiplier.value,
        "kLeftShift": multiplier.left_shift,
        "kRightShift": multiplier.right_shift,
    }


def finish(output: Value, activation: str) -> dict[str, Constant]:
    zero_point: dict[str, Constant] = {"kOutputZeroPoint": output.zero_point} if output.type == "int8" else {}
    return {**zero_point, **activation_range(output, activation)}
