"""Weights of 0 left out: what sparse_conv_2d.h and sparse_fully_connected.h are given."""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch

import numpy as np

from harness.firmware.codegen.operations import Operation, operation
from harness.firmware.codegen.program import Conv2D, FullyConnected, Step

TAPS = 4
"""Weights of an output that a convolution takes together: kTaps of products.h."""

ROUND_ENTRIES = 8
"""Entries of a list that a fully connected layer takes together: kRoundEntries."""

MOST_IN_CODE = 16_384
"""Weights of a convolution, zeros included: the compiler needs some ten seconds for so many constants."""

_MOST_AHEAD = 255  # inputs from one entry to the next: a byte


@singledispatch
def sparse_operation(step: Step) -> Operation | None:
    """The call of a kernel that skips weights of 0; None where there is none for a step."""
    return None


@sparse_operation.register
def _(step: Conv2D) -> Operation | None:
    if step.input.type != "int8" or step.weights.values.size > MOST_IN_CODE:
        return None
    return replace(
        operation(step),
        header="sparse_conv_2d.h",
        kernel="sparse_conv_2d",
        weights=filled_runs(step).reshape(-1),
        weights_in_code=True,
        skips_zeros=True,
    )


@sparse_operation.register
def _(step: FullyConnected) -> Operation | None:
    if step.input.type != "int8":
        return None
    return replace(
        operation(step),
        header="sparse_fully_connected.h",
        kernel="sparse_fully_connected",
        weights=np.concatenate([entry_list(row) for row in step.weights.values]),
        skips_zeros=True,
    )


def filled_runs(step: Conv2D) -> np.ndarray:
    """A convolution's weights as (outputs, blocks, TAPS): each run of taps filled up with 0."""
    outputs, _runs, taps = step.runs.shape
    return np.pad(step.runs, ((0, 0), (0, 0), (0, -taps % TAPS))).reshape(outputs, -1, TAPS)


def entry_list(weights: np.ndarray) -> np.ndarray:
    """The list of one output of a fully connected layer.

    Args:
        weights: (inputs,), int8.

    Returns:
        (words,), uint32: the number of rounds, and for each round ROUND_ENTRIES / 2 words, each of two
        entries, the first in its lower half. An entry is the weight in its lower byte and in its upper one
        the distance from the entry before it, or from input 0.
    """
    entries, at = [], 0
    for place in np.flatnonzero(weights).tolist():
        bridges, ahead = divmod(place - at, _MOST_AHEAD)
        entries += [_MOST_AHEAD << 8] * bridges
        entries.append(ahead << 8 | int(weights[place]) & 0xFF)
        at = place
    entries += [0] * (-len(entries) % ROUND_ENTRIES)
    words = [low | high << 16 for low, high in zip(entries[::2], entries[1::2], strict=True)]
    return np.array([len(entries) // ROUND_ENTRIES, *words], np.uint32)


def entry_rounds(weights: np.ndarray) -> int:
    """How many rounds the list of one output has."""
    return int(entry_list(weights)[0])
