"""The profile that the cycle model writes: cycles by code address and open calls, between two marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.errors import ProtocolError

_INTERVALS = {"preprocess": 2, "inference": 3, "postprocess": -1}
"""Marks of sketches/earshot/cycles.cpp: one to see if the clock counts, then the end of each stage; the last
two enclose the last invocation of the recognizer."""

_REMEDY = (
    "Compare the reads of the cycles in sketches/earshot/cycles.cpp with harness/boards/qemu/profile.py."
)


@dataclass(frozen=True)
class Counted:
    """Cycles of one block of code, reached by one chain of calls.

    Attributes:
        address: of the block.
        calls: return address and number of each open call, the outermost first; number 0 for a call of a
            function whose calls are not numbered.
    """

    cycles: int
    address: int
    calls: tuple[tuple[int, int], ...]


def read_profile(text: str, stage_cycles: Mapping[str, int]) -> dict[str, list[Counted]]:
    """Return the counts of each stage that the board reported after `cycles%`.

    Raises:
        ProtocolError: the counts of a stage do not add up to the cycles that the board reported.
    """
    *intervals, _rest = text.split("= ")
    stages = {}
    if len(intervals) <= max(_INTERVALS.values()):
        raise ProtocolError(f"the profile has no {len(stage_cycles)} stages", remedy=_REMEDY)
    for stage, cycles in stage_cycles.items():
        lines = intervals[_INTERVALS[stage]].splitlines()[1:]  # behind the count of the mark before
        stages[stage] = [_counted(line) for line in lines]
        if (found := sum(one.cycles for one in stages[stage])) != cycles:
            raise ProtocolError(
                f"the profile of stage {stage} adds up to {found:,} cycles, not to the board's {cycles:,}",
                remedy=_REMEDY,
            )
    return stages


def _counted(line: str) -> Counted:
    cycles, address, *calls = line.split()
    parts = (call.partition(":") for call in calls)
    return Counted(
        int(cycles), int(address), tuple((int(back), int(number or 0)) for back, _, number in parts)
    )
