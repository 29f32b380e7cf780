"""The parameters of the board's command recognizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from models.decoding import Meta

SLICE_MS = 20
"""An inference needs a new slice of features, and there is one every 20 ms."""

_Score = Annotated[int, Meta(ge=0, le=255)]


@dataclass(frozen=True)
class Recognizer:
    """The recognizer of a model: a table [recognizer.<model>] of the bench file.

    The defaults are those that `benchmarks.recognizer_defaults` chooses, see docs/field.md.

    Attributes:
        smoothing: "mean" of the scores of a window, or "exponential" with a time constant.
        window_ms: length of the window, or the time constant.
        fewest_results: results that an average needs, of the window or, exponential, since the start.
        threshold: of 255; the average of a label has to exceed it.
        thresholds: by label, in place of `threshold`.
        suppression_ms: a label is not detected again within this time.
    """

    smoothing: Literal["mean", "exponential"] = "exponential"
    window_ms: Annotated[int, Meta(ge=20, le=2000)] = 240
    fewest_results: Annotated[int, Meta(ge=1, le=50)] = 3
    threshold: _Score = 225
    thresholds: dict[str, _Score] = field(default_factory=dict)
    suppression_ms: Annotated[int, Meta(ge=0, le=10_000)] = 1000

    def __post_init__(self) -> None:
        if self.smoothing == "mean" and self.fewest_results > self.most_results:
            raise ValueError(
                f"a window of {self.window_ms} ms never has {self.fewest_results} results: it holds at most "
                f"{self.most_results}"
            )

    @property
    def most_results(self) -> int:
        """The most results of a window: both ends of it, and one that a microphone buffer delays into it."""
        return self.window_ms // SLICE_MS + 2

    @property
    def memory_ms(self) -> int:
        """The time after which a result no longer changes an average, which is of 8 bits."""
        return self.window_ms * (1 if self.smoothing == "mean" else 8)

    def thresholds_of(self, labels: Sequence[str]) -> list[int]:
        """Return the threshold of each label."""
        return [self.thresholds.get(label, self.threshold) for label in labels]


DEFAULT = Recognizer()
