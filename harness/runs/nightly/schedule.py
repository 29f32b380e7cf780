"""Order of a night's blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.record import CANARY, FIRST, LAST, ROUND


@dataclass(frozen=True)
class BlockId:
    """Place of a block in a night, see `BlockRow`."""

    phase: str
    round: int
    subject: str

    def __str__(self) -> str:
        return f"{self.phase}-{self.round}-{self.subject}" if self.round else self.phase


def schedule(variants: Sequence[str], rounds: int) -> list[BlockId]:
    """Return the canary, the rounds, and the canary again, which shows a drift during the night."""
    return [BlockId(FIRST, 0, CANARY), *rounds_of(ROUND, variants, rounds), BlockId(LAST, 0, CANARY)]


def rounds_of(phase: str, variants: Sequence[str], number: int) -> list[BlockId]:
    """Return some rounds; each begins one variant later than the last: none always meets a cold board."""
    return [
        BlockId(phase, index + 1, variants[(index + place) % len(variants)])
        for index in range(number)
        for place in range(len(variants))
    ]
