"""Engine: what turns a .tflite into the sources that run it on a board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class ArenaSlot:
    """Where one activation tensor lies, and while which of the generated operations it is needed.

    Attributes:
        tensor: its name in the model, or what the memory is for.
        offset: in the arena, bytes.
        bytes: its size.
        first_op: the operation that writes it; 0 for the model's input. Operations count from 0 in the
            order in which they run, those that were folded away left out.
        last_op: the last operation that reads it.
    """

    tensor: str
    offset: int
    bytes: int
    first_op: int
    last_op: int


@dataclass(frozen=True)
class EngineSources:
    """What an engine generated, and what it tells of the model.

    Attributes:
        kernels: the kernel set as a Cortex-M4 reports it, such as "dsp".
        arena_bytes: memory for activations.
        arena_plan: what lies in the arena; empty when only the board knows.
        operators: how many of each the model has, by TensorFlow Lite's name.
        folded: one sentence for each operator that costs nothing on the board, and why.
        macs: multiply-accumulates of one inference.
        files: what was written.
        libraries: Arduino libraries that it is compiled with, as "name@version".
        library_folders: where each of them lies.
    """

    kernels: str
    arena_bytes: int
    arena_plan: tuple[ArenaSlot, ...]
    operators: Mapping[str, int]
    folded: tuple[str, ...]
    macs: int
    files: tuple[Path, ...]
    libraries: tuple[str, ...] = ()
    library_folders: tuple[Path, ...] = ()


class Engine(Protocol):
    """Generates the definitions of sketches/earshot/engine.h for a model."""

    @property
    def name(self) -> str:
        """What it is called on the command line and in every row of a report."""
        ...

    @property
    def code(self) -> tuple[Path, ...]:
        """The files and folders that decide what is generated, for the key of what is built with it."""
        ...

    def generate(self, tflite: Path, out: Path) -> EngineSources:
        """Writes the sources that run a model; the same model gives the same bytes.

        Args:
            tflite: the model.
            out: a staged sketch; `engine.cpp` and what it needs are written into it.

        Raises:
            UsageError: the file is not a readable .tflite.
            BuildFailed: the engine cannot run it; the operator or tensor is named.
        """
        ...
