"""Engine `tflm`: TensorFlow Lite for Microcontrollers, an Arduino library that is installed or pointed to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from harness.errors import BuildFailed
from harness.firmware import arduino_library, cpp_text, tflite_model
from harness.firmware import engine as engine_module
from harness.firmware.arduino_library import ArduinoLibrary
from harness.firmware.engine import EngineSources
from harness.firmware.tflite_model import Tensor, TfliteModel, read_tflite
from harness.firmware.tflm.choice import choose_library
from harness.firmware.tflm.estimate import generous_arena, multiply_accumulates
from harness.firmware.tflm.interface import Interface, read_interface
from harness.firmware.tflm.source import Facts, engine_source, model_source

_IO_TYPES = ("int8", "float32")
_GUESSED = "A guess that is large enough; the board reports what was used of it."
_MEASURED = "What the board used of a larger one, and a margin (harness/firmware/tflm/arena.py)."


@dataclass(frozen=True)
class TflmEngine:
    """The interpreter with exactly the operators that the model has.

    The library is looked for when it is needed: an engine that is not used misses nothing.

    Attributes:
        library_folders: where installed Arduino libraries lie, the one that is used among them.
        pins: "name@version" of libraries that have to be of that version.
        arena_bytes: memory for activations, a multiple of 16; None: not known yet, generously guessed.
    """

    library_folders: tuple[Path, ...] = ()
    pins: tuple[str, ...] = ()
    arena_bytes: int | None = None

    name: ClassVar[str] = "tflm"
    code: ClassVar[tuple[Path, ...]] = (
        Path(__file__).parent,
        Path(arduino_library.__file__),
        Path(cpp_text.__file__),
        Path(tflite_model.__file__),
        Path(engine_module.__file__),
    )

    @cached_property
    def library(self) -> ArduinoLibrary:
        """The library that is used.

        Raises:
            BuildFailed: none is there, or not in the version that is pinned.
        """
        return choose_library(self.library_folders, self.pins)

    @cached_property
    def interface(self) -> Interface:
        """What the library can do and how it is called.

        Raises:
            BuildFailed: see `library`; or it is not what it says it is.
        """
        return read_interface(self.library)

    def generate(self, tflite: Path, out: Path) -> EngineSources:
        """See `Engine.generate`; the library itself is not copied, the sources say which one."""
        model = read_tflite(tflite)
        library, interface = self.library, self.interface
        facts = Facts(
            model_sha256=model.sha256,
            library=f"{library}, SHA-256 of its sources\n// {library.fingerprint}",
            adders=self._adders(model, str(tflite)),
            kernels=self._kernels(model),
            arena_bytes=self.arena_bytes or generous_arena(model),
            arena_is=_GUESSED if self.arena_bytes is None else _MEASURED,
            input=_only(model, model.inputs, "input", str(tflite)),
            output=_only(model, model.outputs, "output", str(tflite)),
        )
        files = {
            out / "engine.cpp": engine_source(facts, interface),
            out / "model_data.h": model_source(tflite, model.sha256),
        }
        for path, text in files.items():
            path.write_text(text, encoding="ascii")
        return EngineSources(
            kernels=facts.kernels,
            arena_bytes=facts.arena_bytes,
            arena_plan=(),
            operators=model.histogram,
            folded=(),
            macs=multiply_accumulates(model),
            files=tuple(files),
            libraries=(str(library),),
            library_folders=(library.folder,),
        )

    def _adders(self, model: TfliteModel, where: str) -> list[str]:
        if not model.operators:
            raise BuildFailed("the model has no operators", where=where, remedy="Convert the network again.")
        for operator in model.operators:
            if operator.name not in self.interface.adders:
                raise BuildFailed(
                    f"{self.library} has no operator {operator.name}",
                    where=f"{where}: {operator}",
                    remedy="Convert the model without it, or use another version of the library.",
                )
        return [self.interface.adders[name] for name in model.histogram]

    def _kernels(self, model: TfliteModel) -> str:
        return f"{self.interface.kernels(model)} of {self.library.name} {self.library.version}"


def _only(model: TfliteModel, tensors: tuple[int, ...], side: str, where: str) -> Tensor:
    found = [model.tensors[i] for i in tensors]
    if len(found) != 1 or found[0].type not in _IO_TYPES:
        kinds = ", ".join(tensor.type for tensor in found) or "nothing"
        raise BuildFailed(
            f"the model's {side} is {kinds}; the sketch takes one tensor of {' or '.join(_IO_TYPES)}",
            where=where,
            remedy="Convert a network with one input and one output.",
        )
    return found[0]
