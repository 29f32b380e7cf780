"""Arguments of sparse_conv_2d.h and sparse_fully_connected.h, without weights of 0."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.firmware.codegen.operations import Operation, operation
from harness.firmware.codegen.program import Conv2D, FullyConnected, Step

TAPS = 4
"""Taps of a block of a convolution: kTaps of products.h."""

ROUND_ENTRIES = 8
"""Entries of a round of a fully connected layer: kRoundEntries."""

MOST_IN_CODE = 16_384
"""Limit of a convolution's weights, zeros included: compiling them takes some ten seconds."""

_MOST_AHEAD = 255  # inputs from one entry to the next: a byte


def sparse_operation(step: Step) -> Operation | None:
    """Return the call of a kernel that skips weights of 0; None if there is none for a step."""
    if step.input.type != "int8":
        return None
    if isinstance(step, Conv2D) and step.weights.values.size <= MOST_IN_CODE:
        name, weights = "sparse_conv_2d", filled_runs(step).reshape(-1)
    elif isinstance(step, FullyConnected):
        name = "sparse_fully_connected"
        weights = np.concatenate([entry_list(row) for row in step.weights.values])
    else:
        return None
    dense = operation(step)
    return replace(
        dense,
        header=f"{name}.h",
        kernel=name,
        weights=weights,
        weights_in_code=isinstance(step, Conv2D),
        skips_zeros=True,
        # Without a strip, all windows of a row are read again for each group of outputs.
        input_behind=dense.input_behind if dense.scratch_bytes else None,
    )


def filled_runs(step: Conv2D) -> np.ndarray:
    """Return a convolution's weights as (outputs, blocks, TAPS); each run of taps is padded with 0."""
    outputs, _runs, taps = step.runs.shape
    return np.pad(step.runs, ((0, 0), (0, 0), (0, -taps % TAPS))).reshape(outputs, -1, TAPS)


def entry_list(weights: np.ndarray) -> np.ndarray:
    """Return the list of one output of a fully connected layer.

    Args:
        weights: (inputs,), int8.

    Returns:
        (words,), uint32: the number of rounds, then ROUND_ENTRIES / 2 words per round. A word has two
        entries, the first in its lower half. An entry has the weight in its lower byte, and in its upper byte
        the distance from the previous entry, or from input 0.
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
    return int(entry_list(weights)[0])
