"""The layout of a program's activations in the arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.firmware.codegen.memory_plan import ALIGNMENT, Lifetime, most_alive, plan_memory
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
    _offsets: Mapping[int | str, int]  # by value id, or by name for scratch

    def offset_of(self, value: Value) -> int:
        return self._offsets[self._roots[value.id]]

    def scratch_offset(self, position: int) -> int:
        """Return the offset of an operation's scratch; 0 if it needs none."""
        return self._offsets.get(_scratch(position), 0)


def lay_out(program: Program, operations: Sequence[Operation]) -> Layout:
    """Plan the arena of a program whose steps except views are these operations.

    Kernels that can write over their input do so if that makes the arena smaller.
    """
    apart = _lay_out(program, operations, in_place=False)
    together = _lay_out(program, operations, in_place=True)
    return together if together.arena_bytes < apart.arena_bytes else apart


def fill_arena(program: Program, operations: Sequence[Operation]) -> tuple[Operation, ...]:
    """Give operations the memory that others need at other times anyway, where it makes them faster."""
    chosen = tuple(operations)
    arena_bytes = lay_out(program, chosen).arena_bytes
    for i, _ in enumerate(operations):
        while (make := chosen[i].with_more_memory) and (more := make()):
            tried = (*chosen[:i], replace(more, note=chosen[i].note), *chosen[i + 1 :])
            if lay_out(program, tried).arena_bytes > arena_bytes:
                break
            chosen = tried
    return chosen


def _lay_out(program: Program, operations: Sequence[Operation], in_place: bool) -> Layout:
    first = (program.input, *(state.value for state in program.states))
    roots = {value.id: value.id for value in first}
    for step in program.steps:
        roots[step.output.id] = roots[step.input.id] if isinstance(step, View) else step.output.id
    last_reads = {
        roots[value.id]: i
        for i, operation in enumerate(operations)
        for value in operation.step.inputs
        if value.data is None
    }
    last_reads |= {roots[kept]: len(operations) for kept in program.kept}

    blocks = {value.id: _Block(value, 0) for value in first}
    lifetimes: dict[int | str, Lifetime] = {}
    for i, operation in enumerate(operations):
        source, output = roots.get(operation.step.input.id), operation.step.output
        behind = operation.input_behind
        if output.id in blocks:
            pass  # another part of it
        elif in_place and source is not None and behind is not None and last_reads[source] == i:
            blocks[output.id] = blocks[source].overwritten(output, -(-behind // ALIGNMENT) * ALIGNMENT)
        else:
            blocks[output.id] = _Block(output, i)
        if operation.scratch_bytes:
            name = f"scratch of {operation.step.operator}"
            lifetimes[_scratch(i)] = Lifetime(name, operation.scratch_bytes, i, i)

    last = max(len(operations) - 1, 0)
    for block in set(blocks.values()):
        lifetimes[block.id] = block.lifetime(last_reads, last)
    order = sorted(lifetimes, key=lambda key: (lifetimes[key].first_op, isinstance(key, str), str(key)))
    lives = [lifetimes[key] for key in order]
    starts, end = plan_memory(lives)
    offsets = dict(zip(order, starts, strict=True))
    return Layout(
        slots=tuple(zip(starts, lives, strict=True)),
        arena_bytes=end + READ_AHEAD_BYTES,
        least_bytes=most_alive(lives),
        _roots=roots,
        _offsets=offsets | {key: offsets[block.id] + block.place_of(key) for key, block in blocks.items()},
    )


class _Block:
    """Memory of a value and of those that are written over it; the first value's number is its own."""

    def __init__(self, value: Value, first_op: int) -> None:
        self.id = value.id
        self._first_op = first_op
        self._values = {value.id: value}
        self._places = {value.id: 0}  # from the first value's start, may be negative

    def overwritten(self, output: Value, behind: int) -> _Block:
        """Add a value that starts `behind` bytes before the last one."""
        self._places[output.id] = list(self._places.values())[-1] - behind
        self._values[output.id] = output
        return self

    def place_of(self, key: int) -> int:
        return self._places[key] - min(self._places.values())

    def lifetime(self, last_reads: Mapping[int, int], last: int) -> Lifetime:
        size = max(self.place_of(key) + value.bytes for key, value in self._values.items())
        name = self._values[self.id].name
        if len(self._values) > 1:
            name = f"{name}, {len(self._values) - 1} more over it"
        final = list(self._values)[-1]
        until = min(last_reads.get(final, self._first_op), last)
        return Lifetime(name, size, self._first_op, max(self._first_op, until))


def _scratch(position: int) -> str:
    return f"scratch of operation {position}"
