"""In which order a night's blocks are measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CANARY = "canary"
"""The subject that is no variant."""

ROUNDS = 3
"""The median of three blocks is that of the others where one went wrong."""

FIRST, ROUND, LAST, CONFIRMATION = "canary-first", "round", "canary-last", "confirmation"


@dataclass(frozen=True)
class Slot:
    """The place of a block in a night.

    Attributes:
        phase: one of the above.
        round: from 1; 0 for the canary.
        subject: the id of a variant, or `CANARY`.
    """

    phase: str
    round: int
    subject: str

    def __str__(self) -> str:
        """As a file's name."""
        return f"{self.phase}-{self.round}-{self.subject}" if self.round else self.phase


def schedule(variants: Sequence[str], rounds: int = ROUNDS) -> list[Slot]:
    """The canary, the rounds, the canary: what moves while the night goes on moves between these two."""
    return [Slot(FIRST, 0, CANARY), *_rounds(ROUND, variants, rounds), Slot(LAST, 0, CANARY)]


def confirmations(variants: Sequence[str], rounds: int = ROUNDS) -> list[Slot]:
    """The second measurement of some variants, with as many blocks as the first."""
    return _rounds(CONFIRMATION, variants, rounds)


def _rounds(phase: str, variants: Sequence[str], rounds: int) -> list[Slot]:
    """Each round begins one variant later than the one before: none always comes first, when all is cold."""
    return [
        Slot(phase, number + 1, variants[(number + place) % len(variants)])
        for number in range(rounds)
        for place in range(len(variants))
    ]
