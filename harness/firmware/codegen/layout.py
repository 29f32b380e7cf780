"""The layout of a program's activations in the arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.firmware.codegen.memory_plan import Lifetime, most_alive, plan_memory
from harness.firmware.codegen.operations import Operation
from harness.firmware.codegen.program import Program, Value, View

READ_AHEAD_BYTES = 4  # kReadAheadBytes of products.h, at the end of the arena


@dataclass(frozen=True)
class Layout:
    """The arena of a program.

    Attributes:
        slots: (offset, lifetime) of each activation; the model's input first, then in the order in which
            they are written. Operations count from 0 in the order in which they run, without folded ones.
        arena_bytes: size of the arena.
        least_bytes: largest number of bytes alive at the same time.
    """

    slots: tuple[tuple[int, Lifetime], ...]
    arena_bytes: int
    least_bytes: int
    _roots: Mapping[int, int]  # by value id: the value whose memory it shares
    _offsets: Mapping[int | str, int]  # by value id, or by name for strips

    def offset_of(self, value: Value) -> int:
        return self._offsets[self._roots[value.id]]

    def strip_offset(self, position: int) -> int:
        """Return the offset of an operation's strip of padded rows; 0 if it needs none."""
        return self._offsets.get(_strip(position), 0)


def lay_out(program: Program, operations: Sequence[Operation]) -> Layout:
    """Plan the arena of a program whose steps except views are these operations."""
    roots = {program.input.id: program.input.id}
    for step in program.steps:
        roots[step.output.id] = roots[step.input.id] if isinstance(step, View) else step.output.id

    last = max(len(operations) - 1, 0)
    written: dict[int | str, tuple[str, int, int]] = {
        program.input.id: (program.input.name, program.input.bytes, 0)
    }
    read: dict[int | str, int] = {}
    for i, operation in enumerate(operations):
        read[roots[operation.step.input.id]] = i
        output = operation.step.output
        written[output.id] = (output.name, output.bytes, i)
        if operation.strip_bytes:
            written[_strip(i)] = (f"padded rows of {operation.step.operator}", operation.strip_bytes, i)
    read[roots[program.output.id]] = last

    lifetimes = [
        Lifetime(name, size, first, max(first, read.get(key, first)))
        for key, (name, size, first) in written.items()
    ]
    offsets, end = plan_memory(lifetimes)
    return Layout(
        slots=tuple(zip(offsets, lifetimes, strict=True)),
        arena_bytes=end + READ_AHEAD_BYTES,
        least_bytes=most_alive(lifetimes),
        _roots=roots,
        _offsets=dict(zip(written, offsets, strict=True)),
    )


def _strip(position: int) -> str:
    return f"strip of operation {position}"
