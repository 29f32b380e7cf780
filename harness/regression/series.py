"""The value of a timed series in one run: the median of its blocks' medians."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import median

FEWEST_SAMPLES = 0.9
"""Share of its planned samples that a whole block needs; missing samples are never filled in."""


@dataclass(frozen=True)
class Block:
    """The samples of one block."""

    samples_us: tuple[float, ...]  # received samples in time order, without warm-ups
    planned: int  # number of requested samples
    lost: int = 0  # dropped lines and records with a wrong checksum


@dataclass(frozen=True, slots=True)
class Measured:
    """A timed series in one run."""

    value_us: float | None  # median of the blocks' medians; None if there is a `problem`
    mean_us: float | None  # of all samples; on a modeled clock it changes with every cycle
    blocks: int  # number of whole blocks
    identical: bool  # true if all blocks have the same samples, as on a modeled clock
    image: str  # sha256 of the image that ran
    problem: str = ""  # without a full stop; "" if there is none


def measured(blocks: Sequence[Block], image: str) -> Measured:
    """Summarize the blocks of a series, of one image; more than half of them must be whole."""
    whole = [block for block in blocks if _is_whole(block)]
    if 2 * len(whole) <= len(blocks) or not whole:
        return Measured(None, None, len(whole), False, image, _problem(blocks, len(whole)))
    samples = list(chain.from_iterable(block.samples_us for block in whole))
    return Measured(
        value_us=float(median(median(block.samples_us) for block in whole)),
        mean_us=math.fsum(samples) / len(samples),
        blocks=len(whole),
        identical=all(block.samples_us == whole[0].samples_us for block in whole),
        image=image,
    )


def _is_whole(block: Block) -> bool:
    enough = len(block.samples_us) >= FEWEST_SAMPLES * block.planned > 0
    return enough and not _jumped(block)


def _jumped(block: Block) -> bool:
    """Return True if a sample is not a time above 0; the sum is NaN if a sample is."""
    samples = block.samples_us
    return bool(samples) and not (min(samples) > 0 and sum(samples) < math.inf)


def _problem(blocks: Sequence[Block], whole: int) -> str:
    if not blocks:
        return "no block was measured"
    if any(_jumped(block) for block in blocks):
        return f"the board's clock jumped: {whole} of {len(blocks)} blocks have valid times"
    lost, planned = sum(block.lost for block in blocks), sum(block.planned for block in blocks)
    arrived = sum(len(block.samples_us) for block in blocks)
    return (
        f"records were lost: {arrived} of {planned} samples arrived, {lost} lines were damaged or missing, "
        f"and {whole} of {len(blocks)} blocks are whole"
    )
