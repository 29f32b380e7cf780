"""The engine interface and the search for engines.

An engine turns a .tflite into the sources that run it on a board. Each engine is one package in
harness/firmware/ with one subclass of `Engine`; nothing else is edited to add one.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import harness.firmware
from harness.errors import UsageError
from harness.firmware.arduino_library import ArduinoLibrary
from harness.footprint import FAST, Footprint
from models.store import Store
from models.tflite import Operator, read_tflite


@dataclass(frozen=True)
class ArenaUse:
    """The report of a board that started an image.

    Attributes:
        bytes: memory that the engine uses of its arena; 0 if the model did not start.
        printed: the engine's messages.
    """

    bytes: int
    printed: str


@dataclass(frozen=True)
class EngineSources:
    """Facts about the generated sources.

    Attributes:
        kernels: the kernel set as a Cortex-M4 reports it, such as "dsp".
        arena_bytes: memory for activations.
        libraries: Arduino libraries that the sources are compiled with.
        portable: operators that no fast kernel covers in their shape, though it covers others; "" for none.
        footprint: see `Engine.with_footprint`.
    """

    kernels: str
    arena_bytes: int
    libraries: tuple[ArduinoLibrary, ...] = ()
    portable: str = ""
    footprint: Footprint = FAST


class Engine(ABC):
    """A generator of the definitions of sketches/earshot/engine.h for a model.

    Attributes:
        name: its name on the command line and in every row of a report; the package's name, with "-" for "_".
        footprints: of the images that it generates.
    """

    name: ClassVar[str]
    footprints: ClassVar[tuple[Footprint, ...]] = (FAST,)

    operator_callers: ClassVar[tuple[str, ...]] = ("engine_invoke",)
    """Function of an image that calls the model's operators; the first one of these that the image has."""

    def operators(self, tflite: Path) -> tuple[Operator, ...]:
        """Return the operators that an image calls, in order.

        Raises:
            UsageError: the file is not a readable .tflite.
        """
        return read_tflite(tflite).operators

    @classmethod
    def create(cls, entry_libraries: Sequence[str]) -> Engine:
        """Return an engine for a board whose bench file entry pins these libraries, "name@version"."""
        return cls()

    footprint: Footprint = FAST

    def with_footprint(self, footprint: Footprint) -> Engine:
        """Return an engine for images that are fast, or that take less flash and RAM.

        Raises:
            UsageError: the engine has no such images.
        """
        if footprint == self.footprint:
            return self
        if footprint not in self.footprints:
            raise UsageError(
                f"engine {self.name} has no footprint {footprint}",
                remedy=f"Use --footprint {self.footprint}, or another engine.",
            )
        chosen = copy(self)
        chosen.footprint = footprint
        return chosen

    is_measured: bool = True
    """Whether the arena has the size that the model needs; see `sized_for`."""

    def sized_for(
        self, tflite: Path, board_name: str, store: Store, measure_arena: Callable[[Engine], ArenaUse]
    ) -> Engine:
        """Return an engine whose arena has the size that the model needs.

        Args:
            tflite: the model.
            board_name: the kind of board; another processor may lay out the arena differently.
            store: caches measured sizes.
            measure_arena: builds an image with the engine that it is given, and runs it on the board.

        Raises:
            DoesNotFit: the board's memory is too small for the model.
            EarshotError: any failure of `measure_arena`.
        """
        return self

    @abstractmethod
    def generate(self, tflite: Path, out: Path) -> EngineSources:
        """Write `engine.cpp` and what it includes into a staged sketch; the same model gives the same bytes.

        Raises:
            UsageError: the file is not a readable .tflite.
            BuildFailed: the engine cannot run the model; the operator or tensor is named, but not the file.
        """


def engines() -> dict[str, type[Engine]]:
    """Return the engine classes by name: one for each package of harness/firmware/ that defines one."""
    found: dict[str, type[Engine]] = {}
    for package in pkgutil.iter_modules(harness.firmware.__path__):
        if not package.ispkg:
            continue
        module = importlib.import_module(f"{harness.firmware.__name__}.{package.name}")
        name = package.name.replace("_", "-")
        for item in vars(module).values():
            if isinstance(item, type) and issubclass(item, Engine) and getattr(item, "name", "") == name:
                found[name] = item
    return found


def get_engine(name: str, entry_libraries: Sequence[str] = (), footprint: Footprint = FAST) -> Engine:
    """Return the engine of a name, see `Engine.create` and `Engine.with_footprint`.

    Raises:
        UsageError: there is none, or it has no such footprint.
    """
    known = engines()
    if name not in known:
        raise UsageError(f"there is no engine {name!r}", remedy=f"Choose one of: {', '.join(sorted(known))}.")
    return known[name].create(entry_libraries).with_footprint(footprint)
