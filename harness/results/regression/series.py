"""A series and its value of one night: the median of blocks, each the median of its samples. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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
        parts = text.split("/")
        if len(parts) != 4 or not all(parts):
            raise ValueError(f"{text!r} is no series: it is variant/engine/metric/input-mode")
        return cls(*parts)


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


@dataclass(frozen=True)
class Measured:
    """One night of a timed series.

    Attributes:
        value_us: median of the blocks' medians; None where `problem` says why there is none.
        mean_us: of all samples; on a modelled clock it changes with every cycle that the samples show.
        p99_us: of all samples, for people.
        max_us: likewise.
        blocks: how many were whole.
        identical: whether all blocks have the same samples, as those of a modelled clock have.
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
    samples = np.concatenate([np.asarray(block.samples_us, dtype=np.float64) for block in whole])
    return Measured(
        value_us=float(np.median([np.median(block.samples_us) for block in whole])),
        mean_us=math.fsum(samples) / samples.size,
        p99_us=float(np.percentile(samples, 99)),
        max_us=float(samples.max()),
        blocks=len(whole),
        identical=all(block.samples_us == whole[0].samples_us for block in whole),
        image=image,
    )


def _is_whole(block: Block) -> bool:
    enough = len(block.samples_us) >= FEWEST_SAMPLES * block.planned > 0
    return enough and all(0 < sample < math.inf for sample in block.samples_us)


def _problem(blocks: Sequence[Block], whole: int) -> str:
    if not blocks:
        return "no block was measured"
    if any(not 0 < sample < math.inf for block in blocks for sample in block.samples_us):
        return f"the board's clock jumped: {whole} of {len(blocks)} blocks have times above 0 only"
    lost, planned = sum(block.lost for block in blocks), sum(block.planned for block in blocks)
    arrived = sum(len(block.samples_us) for block in blocks)
    return (
        f"records were lost: {arrived} of {planned} samples arrived, {lost} lines were damaged or missing, "
        f"and {whole} of {len(blocks)} blocks are whole"
    )
