"""Order of a night's blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.record import CANARY, CONFIRMATION, FIRST, LAST, ROUND


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
    return [BlockId(FIRST, 0, CANARY), *_rounds(ROUND, variants, rounds), BlockId(LAST, 0, CANARY)]


def confirmations(variants: Sequence[str], rounds: int) -> list[BlockId]:
    """Return the second measurement of some variants, with as many blocks as the first."""
    return _rounds(CONFIRMATION, variants, rounds)


def _rounds(phase: str, variants: Sequence[str], rounds: int) -> list[BlockId]:
    """Begin each round one variant later than the last: no variant always meets a cold board."""
    return [
        BlockId(phase, number + 1, variants[(number + place) % len(variants)])
        for number in range(rounds)
        for place in range(len(variants))
    ]
