"""A series and its value of one night: the median of blocks, each the median of its samples. Pure."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

FEWEST_SAMPLES = 0.9
"""Share of its planned samples that a block needs: fewer is no block, and nothing is filled in."""


@dataclass(frozen=True, order=True)
class SeriesName:
    """What is followed from night to night on one board.

    Attributes:
        variant: id of the model.
        engine: what runs it.
        metric: with its unit, such as "inference_us" or "flash_bytes".
        input_mode: how the input reaches the model, such as "pcm" or "acoustic".
    """

    variant: str
    engine: str
    metric: str
    input_mode: str

    def __str__(self) -> str:
        """As baselines and the command line write it."""
        return f"{self.variant}/{self.engine}/{self.metric}/{self.input_mode}"

    @classmethod
    def parse(cls, text: str) -> SeriesName:
        """What `str` of a name gave.

        Raises:
            ValueError: these are not four parts with something in each.
        """
        return _parsed(text)


@functools.lru_cache(maxsize=65_536)  # the same few names stand in every night of a history
def _parsed(text: str) -> SeriesName:
    parts = text.split("/")
    if len(parts) != 4 or not all(parts):
        raise ValueError(f"{text!r} is no series: it is variant/engine/metric/input-mode")
    return SeriesName(*parts)


@dataclass(frozen=True, order=True)
class SeriesKey:
    """The identity of a series: figures with different keys are never compared.

    Attributes:
        board_uid: the board, whatever it is called.
        name: what is followed on it.
        procedure: version of the way of measuring.
    """

    board_uid: str
    name: SeriesName
    procedure: int


@dataclass(frozen=True)
class Block:
    """Upload, reset, handshake, warm-ups, then this.

    Attributes:
        samples_us: those that arrived, in time order, warm-ups left out.
        planned: how many were asked for.
        lost: dropped lines and records with a wrong checksum.
    """

    samples_us: tuple[float, ...]
    planned: int
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """One night of a timed series.

    Attributes:
        value_us: median of the blocks' medians; None where `problem` says why there is none.
        mean_us: of all samples; on a modeled clock it changes with every cycle that the samples show.
        p99_us: of all samples, for people.
        max_us: likewise.
        blocks: how many were whole.
        identical: whether all blocks have the same samples, as those of a modeled clock have.
        image: sha256 of the image that ran.
        problem: without a full stop; "" if there is none.
    """

    value_us: float | None
    mean_us: float | None
    p99_us: float | None
    max_us: float | None
    blocks: int
    identical: bool
    image: str
    problem: str = ""


def measured(blocks: Sequence[Block], image: str) -> Measured:
    """The night's value of a series.

    Args:
        blocks: of all rounds; more than half of them have to be whole.
        image: sha256 of the image that ran in all of them.
    """
    whole = [block for block in blocks if _is_whole(block)]
    if 2 * len(whole) <= len(blocks) or not whole:
        return Measured(None, None, None, None, len(whole), False, image, _problem(blocks, len(whole)))
    ordered = [sorted(block.samples_us) for block in whole]
    samples = sorted(chain.from_iterable(ordered))
    return Measured(
        value_us=_median(sorted(map(_median, ordered))),
        mean_us=math.fsum(samples) / len(samples),
        p99_us=_percentile(samples, 99),
        max_us=float(samples[-1]),
        blocks=len(whole),
        identical=all(block.samples_us == whole[0].samples_us for block in whole),
        image=image,
    )


def _median(ordered: Sequence[float]) -> float:
    """Of plain lists: NumPy's takes longer to begin than this to end, and a history has a million of them."""
    middle = len(ordered) // 2
    return float(ordered[middle]) if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _percentile(ordered: Sequence[float], percent: float) -> float:
    """Between the two nearest samples, in proportion."""
    position = (len(ordered) - 1) * percent / 100
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def _is_whole(block: Block) -> bool:
    enough = len(block.samples_us) >= FEWEST_SAMPLES * block.planned > 0
    return enough and not _jumped(block)


def _jumped(block: Block) -> bool:
    """Whether a sample is no time above 0. The sum is not a number if one of them is not."""
    samples = block.samples_us
    return bool(samples) and not (min(samples) > 0 and sum(samples) < math.inf)


def _problem(blocks: Sequence[Block], whole: int) -> str:
    if not blocks:
        return "no block was measured"
    if any(_jumped(block) for block in blocks):
        return f"the board's clock jumped: {whole} of {len(blocks)} blocks have times above 0 only"
    lost, planned = sum(block.lost for block in blocks), sum(block.planned for block in blocks)
    arrived = sum(len(block.samples_us) for block in blocks)
    return (
        f"records were lost: {arrived} of {planned} samples arrived, {lost} lines were damaged or missing, "
        f"and {whole} of {len(blocks)} blocks are whole"
    )
