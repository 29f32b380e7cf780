"""Estimates of the emulated board's modeled cycles of an int8 layer, dense and sparse.

Cycles of the inner loops (products.h, sparse_conv_2d.h, sparse_fully_connected.h) are counted instruction by
instruction by the rules of sketches/cycle_model/README.md. The rest is fitted to the emulated board, over 58
convolutions and 13 fully connected layers of many shapes with 0 to 95 % zeros. The root mean square error is
3 % and 6 % for convolutions (dense, sparse), 5 % and 2 % for fully connected layers; the largest errors, 13,
24, 15 and 8 %, are those of the smallest layers. For 70 of the 71 layers the estimate names the faster
kernel; for the other one both take about 130 cycles.

The estimates assume that every instruction fetch hits the cache.
"""

from __future__ import annotations

import math

from harness.firmware.codegen.blocks import GROUP
from harness.firmware.codegen.kernels import fast_operation
from harness.firmware.codegen.kernels.sliding import sliding_rows
from harness.firmware.codegen.operations import strip_bytes
from harness.firmware.codegen.program import Conv2D, FullyConnected
from harness.firmware.codegen_sparse.kernels import TAPS, entry_rounds, filled_runs

SPARSE_GROUP = 8
"""Outputs that a sparse convolution computes at the same time: kSparseGroup."""

# Counted.
_DENSE_BLOCK = {1: 10, 2: 15, 3: 21, 4: 26}  # TAPS taps, by outputs of the group
_WEIGHTS_WAIT = 2  # of a word of weights in flash
_LOAD, _UNPACK = 2, 1  # four inputs; two of them to int16
_ONE_WEIGHT, _TWO_WEIGHTS = 2, 3  # made, and multiplied with one instruction
_ROUND = 40

# Fitted.
_DENSE_RUN = 5.0  # of a group, for each run of taps
_DENSE_LOOP = 4.5  # of a group, for each _LOOP_BLOCKS blocks of a run
_DENSE_OUTPUT, _SPARSE_OUTPUT = 22.0, 14.5  # of a convolution: bias, scale, zero point, its share of calls
_BLOCK = 50.0  # of five outputs of convolve_1_channel_s8.h
_WIDENED_INPUT = 7.0  # of an input of it, with the strip's moves
_PAIRED_OUTPUT, _WIDENED_WEIGHT = 12.5, 2.5  # of convolve_s8.h: an output, its inputs' share; a weight
_DENSE_ROW_OUTPUT, _SPARSE_ROW_OUTPUT = 25.0, 50.0  # of a fully connected layer, likewise
_STRIP_WORD = 8.0  # of rows that are copied to have padding around them

_FIVE = 5  # outputs of a block of convolve_1_channel_s8.h
_LOOP_BLOCKS = 4  # kUnrolled of products.h


def layer_cycles(step: Conv2D | FullyConnected) -> tuple[int, int]:
    """Return the cycles of one run with the kernel of engine codegen, and with the one that skips zeros."""
    if isinstance(step, Conv2D):
        outputs, runs, taps = step.runs.shape
        pixels, strip = math.prod(step.output.shape[:3]), _strip(step)
        sparse = (_sparse_taps(step) + _SPARSE_OUTPUT * outputs) * pixels + strip
        fast = fast_operation(step)
        if fast is not None:
            dense = _one_channel(step) if step.input.shape[3] == 1 else _several_channels(step)
            return round(dense), round(sparse)
        dense = _dense_run(outputs, taps, _DENSE_RUN) * runs + _DENSE_OUTPUT * outputs
        return round(dense * pixels + strip), round(sparse)
    outputs, inputs = step.weights.values.shape
    dense = _dense_run(outputs, inputs, 0) + _DENSE_ROW_OUTPUT * outputs
    sparse = sum(_ROUND * entry_rounds(row) + _SPARSE_ROW_OUTPUT for row in step.weights.values)
    rows = step.output.elements // outputs
    return round(dense * rows), round(sparse * rows)


def _one_channel(step: Conv2D) -> float:
    """Return the cycles of convolve_1_channel_s8.h: loads and products of its inner loop, and the rest."""
    taps, stride = step.window.size[1], step.window.stride[1]
    words = len(sliding_rows(step.weights.values[:1, :1, :, 0], stride)[0, 0]) / 2
    loads = words + ((_FIVE - 1) * stride + taps) / 2
    row = loads * 4 / 3 - 1 + _FIVE * (taps + stride % 2) / 2  # groups of about three loads
    on_image = sum(
        min(step.window.size[0], step.input.shape[1] + above) - max(0, above)
        for above in (
            step.window.before[0] - out * step.window.stride[0] for out in range(step.output.shape[1])
        )
    )
    blocks = math.ceil(step.output.shape[2] / _FIVE) * step.output.shape[3]
    inputs = step.input.elements * _WIDENED_INPUT
    return on_image * blocks * row + step.output.shape[1] * blocks * _BLOCK + inputs


def _several_channels(step: Conv2D) -> float:
    """Return the cycles of convolve_s8.h: a product takes one, an output and each weight some more."""
    return step.macs + _PAIRED_OUTPUT * step.output.elements + _WIDENED_WEIGHT * step.weights.values.size


def _sparse_taps(step: Conv2D) -> int:
    """Return the cycles of the inner loop of a sparse convolution at one place of the window."""
    lanes = filled_runs(step) != 0
    pairs = lanes[:, :, :2].astype(int) + lanes[:, :, 2:]  # weights of taps 0 and 2, 1 and 3 of a block
    cycles = _ONE_WEIGHT * (pairs == 1).sum() + _TWO_WEIGHTS * (pairs == 2).sum()
    for first in range(0, len(pairs), SPARSE_GROUP):
        used = pairs[first : first + SPARSE_GROUP].any(axis=0)  # (blocks, 2)
        cycles += _LOAD * used.any(axis=1).sum() + _UNPACK * used.sum()
    return int(cycles)


def _dense_run(outputs: int, taps: int, run: float) -> float:
    blocks = -(-taps // TAPS)
    groups = [min(GROUP, outputs - first) for first in range(0, outputs, GROUP)]
    return sum(
        (_DENSE_BLOCK[group] + _WEIGHTS_WAIT * group) * blocks + _DENSE_LOOP * (blocks // _LOOP_BLOCKS) + run
        for group in groups
    )


def _strip(step: Conv2D) -> float:
    copied = strip_bytes(step.input, step.output, step.window) / TAPS  # words, margins included
    return _STRIP_WORD * copied * step.output.shape[1] * step.output.shape[0]
