"""An emulated board that is plugged in: a process with the machine, its microphone and its USB cable.

It does one thing at a time in one loop: bytes between machine and cable, requests (`control.ask`), and what
is due later, such as a port that comes back. Requests by `do`:

    state           the port (None while there is none), the image, and the board's USB ids
    upload  image   runs another image; the port comes back under another name
    gain    gain    of the microphone
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.boards.plugged.cable import Cable
from harness.boards.plugged.control import SOCKET
from harness.boards.plugged.microphone import Microphone
from harness.boards.qemu.clock import Clock
from harness.boards.qemu.machine import Machine
from harness.boards.qemu.tools import find_qemu
from harness.errors import EarshotError, UploadFailed, UsageError
from harness.firmware.elf import core_address
from models import progress

USB_IDS = ("0x1209", "0x0001")  # pid.codes' for tests, as in boards.txt
_IMAGE = "sketch.elf"
_TICK_S = 0.02  # how often it is looked whether a program has opened the port
_BUSY_TICK_S = 0.002  # while bytes wait for the host, or half a line for its time
_REPLUG_S = 0.2  # from reset to the port's return; a second on the real board
_REQUEST_S = 60.0
_SOCKET_PATH_BYTES = 107


class PluggedBoard:
    """A board: its machine, cable and microphone, driven by one loop.

    Args:
        folder: of socket and port; created, and deleted by `close`.
        clock: the board's time.
        serial_number, usb_ids: the board's identity.
        source: what the microphone hears, see `Microphone`.
        paced: True if the board computes no faster than a real one.
        pin_log: see `Machine`.

    Raises:
        UsageError: a board with this folder is plugged in already, or the folder cannot hold a socket.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        serial_number: str,
        usb_ids: tuple[str, str] = USB_IDS,
        source: str = "",
        paced: bool = True,
        pin_log: Path | None = None,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._identity = {"serial_number": serial_number, "vid": usb_ids[0], "pid": usb_ids[1]}
        self._paced = paced
        self._pin_log = pin_log
        self._machine: Machine | None = None
        self._board: int | None = None
        self._watched: int | None = None
        self._was_open = False
        self._image = ""
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._arrived: list[Any] = []
        self._selector = selectors.DefaultSelector()
        self._microphone = Microphone(source)
        self._cable = Cable(folder)
        self._control = self._listen()
        self._plug()

    @property
    def port(self) -> Path | None:
        """The name of the port; None while there is none."""
        return self._cable.port

    def run(self) -> None:
        """Serve until the process is ended.

        Raises:
            AcousticFailed: the microphone's source ended.
        """
        while True:
            if self._microphone.failure:
                raise self._microphone.failure
            self._watch_host()
            for key, _ in self._selector.select(_BUSY_TICK_S if self._is_busy else _TICK_S):
                key.data()
            self._to_host()
            now = time.monotonic()
            for entry in [entry for entry in self._later if entry[0] <= now]:
                self._later.remove(entry)
                entry[1]()

    def close(self) -> None:
        """Unplug the board and delete its folder."""
        self._unplug()
        self._stop()
        self._control.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _is_busy(self) -> bool:
        return bool(self._arrived) or self._cable.wants_to_send

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        self._later.append((time.monotonic() + seconds, action))

    # The port

    def _plug(self) -> None:
        self._cable.plug()

    def _unplug(self) -> None:
        if self._watched is not None:  # before its number is given to another file
            self._selector.unregister(self._watched)
        self._watched = None
        self._cable.unplug()

    def _watch_host(self) -> None:
        """Watch the port while a program has it open; otherwise it counts as readable all the time."""
        is_open = self._cable.is_open
        if is_open != self._was_open and self._machine:
            self._machine.set_port_open(is_open)
        self._was_open = is_open
        wanted = self._cable.master if is_open else None
        if wanted == self._watched:
            return
        if self._watched is not None:
            self._selector.unregister(self._watched)
        if wanted is not None:
            self._selector.register(wanted, selectors.EVENT_READ, self._to_board)
        self._watched = wanted

    def _to_board(self) -> None:
        sent = self._cable.receive()
        if sent and self._board is not None:
            os.write(self._board, sent)

    def _from_board(self) -> None:
        assert self._board is not None
        if self._cable.is_full:
            time.sleep(_BUSY_TICK_S)
            return
        try:
            data = os.read(self._board, 4096)
        except OSError:
            data = b""
        if data:
            self._feed(data)
        elif self._machine and self._machine.has_died():
            progress.warn(str(self._machine.failure()))
            self._stop()

    def _feed(self, data: bytes) -> None:
        """Take bytes of the board."""
        self._arrived.append(data)

    def _to_host(self) -> None:
        if self._cable.wants_to_send:
            self._cable.send(b"")
        while self._arrived and not self._cable.is_full:
            self._cable.send(self._arrived.pop(0))

    # The machine

    def _start(self, image: Path) -> None:
        self._stop()
        self._image = str(image)
        machine = self._machine = Machine(
            find_qemu(),
            image,
            self._clock,
            live=True,
            paced=self._paced,
            port_is_open=self._was_open,
            pin_log=self._pin_log,
        )
        self._board = os.open(machine.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._selector.register(self._board, selectors.EVENT_READ, self._from_board)
        threading.Thread(target=self._hear, args=[machine], name="hearing", daemon=True).start()

    def _stop(self) -> None:
        self._arrived.clear()
        if self._board is not None:
            self._selector.unregister(self._board)
            os.close(self._board)
        if self._machine:
            self._machine.close()
        self._board = self._machine = None

    def _hear(self, machine: Machine) -> None:
        """Feed the machine with sound whenever it listens, until it is replaced."""
        while machine is self._machine:
            with contextlib.suppress(EarshotError, OSError):  # it listens to nothing, or ended
                machine.play(self._microphone.listen())

    # Requests

    def _listen(self) -> socket.socket:
        path = self._folder / SOCKET
        if len(os.fsencode(path)) > _SOCKET_PATH_BYTES:
            raise UsageError(
                f"the path of the board's socket has more than {_SOCKET_PATH_BYTES} bytes",
                where=str(path),
                remedy="Choose a shorter --serial-number, or a shorter folder with EARSHOT_EMULATED.",
            )
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._folder.stat().st_uid != os.getuid():
            raise UsageError(
                "the folder of emulated boards is another user's",
                where=str(self._folder),
                remedy="Choose another one with EARSHOT_EMULATED.",
            )
        if is_plugged_in(self._folder):
            raise UsageError(
                f"an emulated board {self._identity['serial_number']} is plugged in already",
                where=str(path),
                remedy="End its `earshot emulate`, or choose another --serial-number.",
            )
        for left in (
            path,
            self._folder / "by-id",
            *self._folder.glob("ttyACM*"),
        ):
            left.unlink(missing_ok=True)
        control = socket.socket(socket.AF_UNIX)
        control.bind(str(path))
        control.listen()
        self._selector.register(control, selectors.EVENT_READ, self._answer)
        return control

    def _answer(self) -> None:
        line, _ = self._control.accept()
        with line, contextlib.suppress(OSError):  # who asked has gone
            line.settimeout(_REQUEST_S)
            try:
                request = json.loads(line.makefile("rb").readline())
                answer = getattr(self, f"_do_{request.pop('do')}")(**request)
            except EarshotError as problem:
                answer = {"error": str(problem)}
            except (ValueError, KeyError, AttributeError, TypeError) as problem:
                answer = {"error": f"not a request to an emulated board: {problem}"}
            line.sendall(json.dumps(answer).encode() + b"\n")

    def _do_state(self) -> dict[str, Any]:
        port = str(self._cable.port) if self._cable.port else None
        return {"port": port, "image": self._image, **self._identity}

    def _do_upload(self, image: str) -> dict[str, Any]:
        core_address(Path(image))  # refused while the old one runs on
        kept = self._folder / _IMAGE
        try:
            if Path(image) != kept:
                shutil.copyfile(image, kept)  # a build folder can vanish
        except OSError as problem:
            raise UploadFailed(f"the image cannot be copied: {problem}") from problem
        progress.log(f"upload of {Path(image).name}")
        self._unplug()
        try:
            self._start(kept)
        finally:
            self._after(_REPLUG_S, self._plug)
        return {"returns": True}

    def _do_gain(self, gain: float) -> dict[str, Any]:
        self._microphone.gain = gain
        return {}


def is_plugged_in(folder: Path) -> bool:
    """Tell if a board with this folder answers."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(folder / SOCKET))
    except OSError:
        return False
    return True
