"""Engine `tflm`: TensorFlow Lite for Microcontrollers, an installed Arduino library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from harness.errors import BuildFailed, DoesNotFit, Unsupported
from harness.firmware.arduino_library import ArduinoLibrary
from harness.firmware.engine import ArenaUse, Engine, EngineSources
from harness.firmware.tflm.choice import choose_library
from harness.firmware.tflm.interface import Interface, read_interface
from harness.firmware.tflm.source import ELEMENT_TYPES, engine_source, model_source
from models.store import Store
from models.tflite import Operator, TfliteModel, read_tflite

_ALIGNMENT = 16
"""Alignment in bytes of the arena and of the tensors in it (micro_arena_constants.h)."""
_FIRST_ARENA_BYTES = 64 << 10  # room to spare for every network of models/configs
_FINEST_BYTES = 4 << 10  # where the search between too small and too large ends
_MARGIN_BYTES = 256
_SIZE_FILE = "arena_bytes"


@dataclass(frozen=True)
class TflmEngine(Engine):
    """The interpreter with exactly the operators that the model has.

    The library is searched for on first use, so that an unused engine needs no installed library.

    Attributes:
        pins: "name@version" of libraries that must have that version.
        arena_bytes: memory for activations, a multiple of 16.
        is_measured: True if `arena_bytes` is the size that the model needed on a board.
    """

    name = "tflm"
    operator_callers = (
        "tflite::MicroInterpreterGraph::InvokeSubgraph",
        "tflite::MicroGraph::InvokeSubgraph",
        "tflite::MicroInterpreter::Invoke",
    )

    pins: tuple[str, ...] = ()
    arena_bytes: int = _FIRST_ARENA_BYTES
    is_measured: bool = False

    @classmethod
    def create(cls, entry_libraries: Sequence[str]) -> TflmEngine:
        return cls(tuple(entry_libraries))

    @cached_property
    def library(self) -> ArduinoLibrary:
        """The library that is compiled.

        Raises:
            BuildFailed: no library is installed, or none has the pinned version.
        """
        return choose_library(self.pins)

    @cached_property
    def interface(self) -> Interface:
        """The library's operators and calls.

        Raises:
            BuildFailed: see `library`; or the headers are not those of TensorFlow Lite Micro.
        """
        return read_interface(self.library)

    def sized_for(
        self, tflite: Path, board_name: str, store: Store, measure_arena: Callable[[Engine], ArenaUse]
    ) -> Engine:
        """Return an engine whose arena has the size that the model needs on the board.

        The size is measured once per model, library and kind of board; `store` caches it. See
        `Engine.sized_for`.

        Raises:
            BuildFailed: the library is missing or lacks an operator, or the interpreter does not start with
                the model.
            DoesNotFit: the board's memory is too small for the model's activations.
            EarshotError: any failure of `measure_arena`.
        """
        if self.is_measured:
            return self

        def make(folder: Path) -> None:
            size = _smallest_arena(tflite, lambda size: measure_arena(replace(self, arena_bytes=size)))
            (folder / _SIZE_FILE).write_text(str(size))

        inputs = {"model": tflite, "library": self.library.fingerprint, "board": board_name}
        title = "measure the interpreter's memory"
        folder = store.build("arena", inputs, make, [Path(__file__).parent], title)
        return replace(self, arena_bytes=int((folder / _SIZE_FILE).read_text()), is_measured=True)

    def generate(self, tflite: Path, out: Path) -> EngineSources:
        """Write the sources, see `Engine.generate`; they include the library, which is not copied."""
        model = read_tflite(tflite)
        _check(model, self.interface)
        text = engine_source(model, self.interface, self.arena_bytes)
        (out / "engine.cpp").write_text(text, encoding="ascii")
        (out / "model_data.h").write_text(model_source(tflite, model.sha256), encoding="ascii")
        return EngineSources(self.interface.kernels(model), self.arena_bytes, (self.library,))


def _smallest_arena(tflite: Path, use_of: Callable[[int], ArenaUse]) -> int:
    """Return the size in bytes of the arena that the model needs, found by running images on the board.

    Double the arena until the interpreter starts, then take the size that it reports as used. If a doubled
    arena does not fit the board, bisect.

    Args:
        tflite: the model.
        use_of: starts the interpreter with an arena of the given size; raises DoesNotFit if the board is too
            small for that arena.
    """
    size, too_small, too_large, printed = _FIRST_ARENA_BYTES, 0, 0, ""
    refused = DoesNotFit("ram", 0, 0)
    while True:
        try:
            use = use_of(size)
        except DoesNotFit as refusal:
            too_large, refused = size, refusal
            if refusal.section != "ram" or too_large <= _FINEST_BYTES:
                raise
        else:
            if use.bytes:
                break
            too_small, printed = size, use.printed
        if too_large and too_large - too_small <= _FINEST_BYTES:
            raise _not_started(tflite, too_small, refused.needed_bytes - too_large, refused, printed)
        size = (too_small + too_large) // 2 if too_large else 2 * too_small
    # The interpreter keeps its planning data where the activations will lie later. With only a few hundred
    # bytes of activations, the planning data is larger, and the model needs more than is reported as used.
    size = -(-use.bytes // _ALIGNMENT) * _ALIGNMENT
    while not use_of(size).bytes:
        size += _MARGIN_BYTES
    return size


def _not_started(tflite: Path, largest: int, besides: int, refused: DoesNotFit, printed: str) -> BuildFailed:
    """Return the failure of a model that does not start with the largest arena that fits the board.

    Args:
        tflite: the model.
        largest: bytes of that arena.
        besides: bytes of RAM that the image needs besides its arena.
        refused: the failure of an image with a larger arena.
        printed: the interpreter's messages.
    """
    model = read_tflite(tflite)
    least = besides + max(_activation_bytes(model, operator) for operator in model.operators)
    if least > refused.available_bytes:
        return DoesNotFit("ram", least, refused.available_bytes)
    return BuildFailed(
        f"the interpreter does not start with this model in an arena of {largest:,} bytes",
        where=printed,
        remedy="Convert the model without what the message names, or use another version of the library.",
    )


def _activation_bytes(model: TfliteModel, operator: Operator) -> int:
    """Return a lower bound of the memory that an operator's inputs and outputs take together."""
    tensors = [model.tensors[i] for i in {*operator.inputs, *operator.outputs} if i is not None]
    return sum(
        tensor.elements * (4 if tensor.type == "float32" else 1) for tensor in tensors if not tensor.constant
    )


def _check(model: TfliteModel, interface: Interface) -> None:
    """Refuse a model that the library or the sketch cannot run."""
    if not model.operators:
        raise Unsupported("the model has no operators", remedy="Convert the network again.")
    if lacking := [name for name in model.operator_counts if name not in interface.adders]:
        raise Unsupported(
            f"{interface.library} has no operator {', '.join(lacking)}",
            remedy="Convert the model without it, or use another version of the library.",
        )
    for side, tensors in (("input", model.input_tensors), ("output", model.output_tensors)):
        if len(tensors) != 1 or tensors[0].type not in ELEMENT_TYPES:
            kinds = ", ".join(tensor.type for tensor in tensors) or "nothing"
            raise Unsupported(
                f"the model's {side} is {kinds}; the sketch takes one tensor of {' or '.join(ELEMENT_TYPES)}",
                remedy="Convert a network with one input and one output.",
            )
