"""What the recognizer would announce from the host's scores, at a period that the board did not have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.stats.field.inputs import FIRST_SLICE_MS, SLICE_MS
from harness.stats.field.recognizer import Averages, average


def replay(slice_scores: NDArray[np.uint8], period_ms: float = SLICE_MS) -> Averages:
    """The recognizer's averages if an inference begins every `period_ms` and takes no time.

    Each inference has the newest slice; where there is no new one, there is no inference.

    Args:
        slice_scores: (S, labels), of the newest second at the end of each slice.
        period_ms: 1 or more.

    Returns:
        With times in milliseconds of the sound.

    Raises:
        ValueError: the period is below 1 ms.
    """
    if not period_ms >= 1:
        raise ValueError(f"no period: {period_ms} ms")
    begins_ms = np.arange(0, SLICE_MS * len(slice_scores), period_ms)
    slices, first = np.unique((begins_ms // SLICE_MS).astype(np.int64), return_index=True)
    return average(FIRST_SLICE_MS + begins_ms[first], slice_scores[slices])
