"""The interface of a board."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

import numpy as np

from harness.bench_file import Bench, BoardEntry
from harness.firmware.firmware import Firmware
from harness.firmware.stage import Instrument, StagedSketch, stage
from harness.recognizer import DEFAULT, Recognizer
from harness.records.record import BoardRow
from models.scratch import ScratchFolder

if TYPE_CHECKING:
    from harness.firmware.engine import Engine
    from harness.link.dut import DeviceUnderTest
    from models.model_artifact import ModelArtifact

BoardDescription = BoardRow
"""Name, identity of the series, clock and memory limits."""

Sound = np.ndarray | Iterable[np.ndarray]
"""int16 mono samples at 16 kHz, in one array or in blocks of any length."""


@dataclass(frozen=True)
class Stack:
    """Cycles of a function, reached by one chain of calls.

    Attributes:
        functions: from the outermost caller to the function itself.
        call: of the functions that call operators, the place of the open call in its code (its return
            address) and its number since the function was entered, from 1; None outside of such calls.
        depth: number of functions up to the caller; 0 without one.
    """

    cycles: int
    functions: tuple[str, ...]
    call: tuple[int, int] | None = None
    depth: int = 0


class Board(Protocol):
    """A board on the bench; a kind of board is one module in harness/boards with one such class.

    Call build, upload, open, then talk over the link and `listen` any number of times, then close. The
    context manager closes the board.

    Attributes:
        name: kind of board, the module's name; the running sketch reports it too.
        summary: one line on the board and what it needs.
        marker: pytest marker of tests on the board, "hardware" or "emulated"; "" if none runs there.
        runs_firmware: False for a computer that runs ONNX models: only `describe` and `check` are for it.
        default_engine: engine unless the user names one.
        acoustic: True if sound reaches the board through the air; the path is then qualified first.
        fqbn: arduino-cli's name of the kind, such as "arduino:mbed_nano:nano33ble"; "" if it has none.
        usb_ids: USB vendor and product ids of the kind.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    marker: ClassVar[str]
    default_engine: ClassVar[str]
    acoustic: ClassVar[bool]
    runs_firmware: ClassVar[bool] = True
    fqbn: ClassVar[str] = ""
    usb_ids: ClassVar[tuple[tuple[int, int], ...]] = ()

    @classmethod
    def from_bench(cls, entry: BoardEntry, bench: Bench) -> Board:
        """Return the board of a bench file entry; nothing is started or searched yet."""

    def check(self) -> None:
        """Raise an EarshotError if this machine lacks what every measurement on the board needs."""

    def describe(self) -> BoardDescription:
        """Return the board's row of a run record; needs no image and no connection."""

    def build(
        self,
        model: ModelArtifact,
        engine: Engine,
        recognizer: Recognizer = DEFAULT,
        instrument: Instrument = "",
    ) -> Firmware:
        """Compile the sketch with a model, an engine, the recognizer's parameters and an instrument.

        Raises:
            BuildFailed: a tool is missing, the compiler failed, or the engine lacks an operator.
            DoesNotFit: the image is larger than the board.
        """
        with ScratchFolder("stage") as folder:
            return self.compile(stage(model, engine, folder, recognizer, instrument))

    def compile(self, sketch: StagedSketch) -> Firmware:
        """Compile a staged sketch, whose folder is not needed afterwards; see `build`."""

    def upload(self, firmware: Firmware) -> None:
        """Put an image on the board; this ends an open link.

        Raises:
            UploadFailed: the image did not get onto the board.
        """

    @property
    def port(self) -> str:
        """The serial port, usable by pyserial once `upload` has returned."""

    def open(self, transcript: Path) -> DeviceUnderTest:
        """Open the link, after a handshake that proves that the uploaded image runs.

        Args:
            transcript: file to which every line of the link is logged.

        Raises:
            BoardNotFound: the port is not there.
            ProtocolError: another image runs, or none.
        """

    def profile(
        self, firmware: Firmware, model_input: bytes, caller: str, transcript: Path
    ) -> dict[str, list[Stack]] | None:
        """Run each stage of an image once and count the cycles of each stack by stage.

        This ends an open link. None if the board cannot count the cycles of code.

        Args:
            firmware: the image.
            model_input: the input tensor of a model that does not hear; b"" of one that does.
            caller: function of the image that calls the model's operators.
            transcript: file to which every line of the link is logged.

        Raises:
            EarshotError: the board cannot be started, or the counts do not add up.
        """
        return None

    def recover(self) -> str:
        """Bring the board back, such as by a power cycle, and return what was done; "" if nothing can be."""
        return ""

    def listen(self, sound: Sound) -> None:
        """Play a sound to the microphone and return at its end.

        The board must be listening (`listen%`); at most one sound at a time.

        Raises:
            AcousticFailed: the sound did not reach the microphone.
            ProtocolError: the board died meanwhile.
        """

    def close(self) -> None:
        """Release the board and everything started for it; a second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
