"""Where a program's activations lie in the arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.firmware.codegen.memory_plan import ALIGNMENT, Lifetime, most_alive, plan_memory
from harness.firmware.codegen.operations import Operation
from harness.firmware.codegen.program import Program, Value, View

_READ_AHEAD_BYTES = 4  # kReadAheadBytes of products.h


@dataclass(frozen=True)
class ArenaSlot:
    """The place of one activation tensor in the arena, and the operations during which it is needed.

    Attributes:
        tensor: its name in the model, or the purpose of the memory.
        offset: in the arena, bytes.
        bytes: its size.
        first_op: the operation that writes it; 0 for the model's input. Operations count from 0 in the
            order in which they run, without those that were folded away.
        last_op: the last operation that reads it.
    """

    tensor: str
    offset: int
    bytes: int
    first_op: int
    last_op: int


@dataclass(frozen=True)
class Layout:
    """The arena.

    Attributes:
        slots: what lies in it; the model's input first, then in the order in which they are written.
        arena_bytes: its size.
        least_bytes: what is alive at the same time, at most.
        read_ahead_bytes: at its end, beyond all slots.
        alignment: of its first byte, bytes.
    """

    slots: tuple[ArenaSlot, ...]
    arena_bytes: int
    least_bytes: int
    read_ahead_bytes: int
    alignment: int
    _roots: Mapping[int, int]  # the value whose memory a value is, by their numbers
    _offsets: Mapping[int | str, int]  # by value number, and of strips by name

    def offset_of(self, value: Value) -> int:
        """Where a value lies."""
        return self._offsets[self._roots[value.id]]

    def strip_offset(self, position: int) -> int:
        """Where an operation's strip of padded rows lies; 0 where it needs none."""
        return self._offsets.get(_strip(position), 0)


def lay_out(program: Program, operations: Sequence[Operation]) -> Layout:
    """Plans the arena of a program.

    Args:
        program: with its views.
        operations: the calls for its other steps, in order.
    """
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
    plan = plan_memory(lifetimes)
    slots = tuple(
        ArenaSlot(lifetime.name, offset, lifetime.bytes, lifetime.first_op, lifetime.last_op)
        for lifetime, offset in zip(lifetimes, plan.offsets, strict=True)
    )
    return Layout(
        slots=slots,
        arena_bytes=plan.bytes + _READ_AHEAD_BYTES,
        least_bytes=most_alive(lifetimes),
        read_ahead_bytes=_READ_AHEAD_BYTES,
        alignment=ALIGNMENT,
        _roots=roots,
        _offsets=dict(zip(written, plan.offsets, strict=True)),
    )


def _strip(position: int) -> str:
    return f"strip of operation {position}"
