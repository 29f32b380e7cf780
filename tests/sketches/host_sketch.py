"""The sketch's logic on the host, staged as for a board, with a tiny engine."""

from __future__ import annotations

import ctypes
import tempfile
from functools import cache
from pathlib import Path
from types import TracebackType

import numpy as np
from host_library import host_library
from tiny_engine import TinyEngine, tiny_model

from harness.firmware.stage import stage
from models.data.front_ends import load_front_end


@cache
def sketch_library(
    precision: str = "int8",
    elements: int = 1960,
    labels: int = 4,
    works: bool = True,
    front_end: str = "micro",
) -> ctypes.CDLL:
    """Stage and compile the sketch for a model."""
    names = ("silence", "unknown", "yes", "no", *(f"word {index}" for index in range(4, labels)))[:labels]
    with tempfile.TemporaryDirectory() as scratch:
        model = tiny_model(
            Path(scratch, "model"),
            precision=precision,
            elements=elements,
            labels=names,
            front_end=front_end,
            front_end_library=load_front_end(front_end).module.LIBRARY,
        )
        staged = stage(model, TinyEngine(works), Path(scratch, "out"))
        library = host_library(Path(__file__).with_name("sketch_host.cpp"), staged.path)
    library.sketch_new.restype = ctypes.c_void_p
    library.sketch_step.restype = library.sketch_microphone_on.restype = ctypes.c_bool
    return library


class HostSketch:
    """A started sketch on a board whose clock only moves by `set_clock`."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._sketch = ctypes.c_void_p(library.sketch_new())

    def __enter__(self) -> HostSketch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._library.sketch_delete(self._sketch)

    def begin(self) -> list[str]:
        """Start the sketch; return its lines."""
        self._library.sketch_begin(self._sketch)
        return self.output()

    def send(self, text: str) -> list[str]:
        """Send characters; return the board's lines."""
        self._library.sketch_receive(self._sketch, text.encode(), len(text.encode()))
        return self.output()

    def output(self) -> list[str]:
        buffer = ctypes.create_string_buffer(self._library.sketch_output_bytes(self._sketch) + 1)
        count = self._library.sketch_take_output(self._sketch, buffer)
        text = buffer.raw[:count].decode("ascii")
        assert text == "" or text.endswith("\r\n")
        return text.split("\r\n")[:-1]

    def calls(self) -> str:
        """Return the calls to the board since the last time: t(ime), w(rite), f(lush)."""
        buffer = ctypes.create_string_buffer(1 << 20)
        count = self._library.sketch_take_calls(self._sketch, buffer)
        return buffer.raw[:count].decode()

    def set_clock(self, us: int = 0, us_between_readings: int = 0, ms: int = 0) -> None:
        self._library.sketch_set_clock(self._sketch, us, us_between_readings, ms)

    def break_microphone(self) -> None:
        self._library.sketch_break_microphone(self._sketch)

    def give_icache(self) -> None:
        self._library.sketch_give_icache(self._sketch)

    @property
    def microphone_on(self) -> bool:
        return bool(self._library.sketch_microphone_on(self._sketch))

    def hear(self, samples: np.ndarray) -> None:
        """Put sound into the ring, as the microphone's interrupt does."""
        samples = np.ascontiguousarray(samples, np.int16)
        self._library.sketch_hear(self._sketch, ctypes.c_void_p(samples.ctypes.data), len(samples))

    def step(self) -> bool:
        """Run the loop's listening part once; return whether there was an inference."""
        return bool(self._library.sketch_step(self._sketch))
