"""What can be done with a board, whichever board it is and however it is done."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from harness.bench_file import Bench, BoardEntry
from harness.firmware.firmware import Firmware
from harness.records.record import BoardRow

if TYPE_CHECKING:
    from harness.firmware.engine import Engine
    from harness.link.dut import DeviceUnderTest
    from models.model_artifact import ModelArtifact

BoardDescription = BoardRow
"""Who measures: name, identity of the series, clock and memory limits."""

Sound = np.ndarray | Iterable[np.ndarray]
"""What a microphone hears: int16 mono samples at 16 kHz, in one array or in blocks of any length."""


class Board(Protocol):
    """A board on the bench. A new kind is one module in harness/boards with one class with these verbs.

    The order is build, upload, open, then any talk over the link and any number of `listen`, then close.
    Usable as a context manager, which closes it.

    Attributes:
        name: of the kind of board, which is its module's name; the running sketch reports it too.
        summary: what it is and what it needs, in a line.
        marker: the pytest marker of tests on it, "hardware" or "emulated".
        default_engine: what runs models on it unless something else is said.
        acoustic: whether sound reaches it through the air, so that the path has to be qualified.
        fqbn: what arduino-cli calls the kind, such as "arduino:mbed_nano:nano33ble"; "" if it has no name.
        usb_ids: vendor and product under which it can appear on USB.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    marker: ClassVar[str]
    default_engine: ClassVar[str]
    acoustic: ClassVar[bool]
    fqbn: ClassVar[str] = ""
    usb_ids: ClassVar[tuple[tuple[int, int], ...]] = ()

    @classmethod
    def from_bench(cls, entry: BoardEntry, bench: Bench) -> Board:
        """The board that an entry of the bench file describes; nothing is started or looked for yet.

        Args:
            entry: which board, and how it is set up; its kind is this one.
            bench: what else stands there: speaker, thresholds.
        """
        ...

    def describe(self) -> BoardDescription:
        """The board as it stands in a night record; needs no image and no connection."""
        ...

    def build(self, model: ModelArtifact, engine: Engine) -> Firmware:
        """Compiles the sketch with this model and engine.

        Raises:
            BuildFailed: a tool is missing, the compiler failed, or the engine lacks an operator.
            DoesNotFit: the image is larger than the board.
        """
        ...

    def upload(self, firmware: Firmware) -> None:
        """Puts the image on the board; what ran before is gone, an open link with it.

        Raises:
            UploadFailed: the image did not get onto the board.
        """
        ...

    @property
    def port(self) -> str:
        """Path of the serial port, usable by pyserial once `upload` has returned."""
        ...

    def open(self, transcript: Path) -> DeviceUnderTest:
        """Opens the link, after a handshake that proves that the uploaded image is the one that runs.

        Args:
            transcript: where every line the board sends is kept.

        Raises:
            BoardNotFound: the port is not there.
            ProtocolError: another image runs, or none.
        """
        ...

    def listen(self, sound: Sound) -> None:
        """Plays a sound to the microphone and returns when it has been heard to its end.

        The board has to be listening (`listen%`); at most one sound at a time.

        Raises:
            AcousticFailed: the sound did not reach the microphone.
            ProtocolError: the board died meanwhile.
        """
        ...

    def close(self) -> None:
        """Lets go of the board and everything that was started for it; may be called twice."""
        ...

    def __enter__(self) -> Board: ...

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None: ...
