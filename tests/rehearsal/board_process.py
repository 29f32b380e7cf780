"""The board of the rehearsal bench: a process with the emulated machine, its microphone and its USB cable.

    python -m rehearsal.board_process STATE_FOLDER [PULSE_SOURCE]

It does one thing at a time in one loop: bytes between machine and cable, requests (`control.ask`), and what
is due later, such as a port that comes back. Requests by `do`:

    state                      the port, the image, and the faults that have struck
    upload  image              runs another image; the port comes back under another name, if it `returns`
    faults  faults [board]     from the next upload on: `faults` see `wire.Fault`; `board` is "keeps" (the old
                               image keeps running), "grabs" (another program opens the port as soon as it
                               is there), "stays away" (no port after an upload) or empty
    gain    gain               of the microphone
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rehearsal.cable import Cable
from rehearsal.control import SOCKET
from rehearsal.microphone import Microphone
from rehearsal.wire import Fault, Wire

from harness.boards.qemu.clock import Clock, TimingParameters, choose_clock
from harness.boards.qemu.machine import Machine
from harness.boards.qemu.tools import find_qemu
from harness.errors import EarshotError
from harness.layout import store_root
from models.store import Store

_TICK_S = 0.02  # how often it is looked whether a program has opened the port
_BUSY_TICK_S = 0.002  # while bytes wait for the host, or half a line for its time
_REPLUG_S = 0.2  # from reset to the port's return; a second on the real board


class BoardProcess:
    """The board: its machine, cable, wire and microphone, driven by one loop."""

    def __init__(self, state: Path, source: str) -> None:
        self._state = state
        self._clock: Clock = choose_clock(find_qemu(), Store(store_root()), TimingParameters())
        self._microphone = Microphone(source)
        self._cable = Cable(state)
        self._wire = Wire()
        self._habit = ""
        self._silent = False
        self._watched: int | None = None
        self._machine: Machine | None = None
        self._board: int | None = None
        self._image = ""
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._paused_until = 0.0
        self._arrived: list[bytes | Fault] = []
        self._selector = selectors.DefaultSelector()
        self._control = socket.socket(socket.AF_UNIX)
        self._control.bind(str(state / SOCKET))
        self._control.listen()
        self._selector.register(self._control, selectors.EVENT_READ, self._answer)
        self._plug()

    def run(self) -> None:
        """Serve until the process is killed."""
        while True:
            self._watch_host()
            for key, _ in self._selector.select(_BUSY_TICK_S if self._is_busy else _TICK_S):
                key.data()
            self._to_host()
            now = time.monotonic()
            for entry in [entry for entry in self._later if entry[0] <= now]:
                self._later.remove(entry)
                entry[1]()

    @property
    def _is_busy(self) -> bool:
        return bool(self._arrived) or self._cable.wants_to_send

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        self._later.append((time.monotonic() + seconds, action))

    # The port

    def _plug(self, same_name: bool = False) -> None:
        self._cable.plug(same_name, grab=self._habit == "grabs")

    def _watch_host(self) -> None:
        """Watch the port while a program has it open; otherwise it counts as readable all the time."""
        wanted = self._cable.master if self._cable.is_open else None
        if wanted == self._watched:
            return
        if self._watched is not None:
            self._selector.unregister(self._watched)
        if wanted is not None:
            self._selector.register(wanted, selectors.EVENT_READ, self._to_board)
        self._watched = wanted

    def _unplug(self) -> None:
        if self._watched is not None:  # before its number is given to another file
            self._selector.unregister(self._watched)
        self._watched = None
        self._cable.unplug()

    def _to_board(self) -> None:
        sent = self._cable.receive()
        if sent and self._board is not None and not self._silent:
            os.write(self._board, sent)

    def _from_board(self) -> None:
        assert self._board is not None
        if self._cable.is_full:
            time.sleep(_BUSY_TICK_S)
            return
        with contextlib.suppress(OSError):
            data = os.read(self._board, 4096)
            if not self._silent:
                self._arrived += self._wire.feed(data)

    def _to_host(self) -> None:
        if self._cable.wants_to_send:
            self._cable.send(b"")
        while self._arrived and time.monotonic() >= self._paused_until and not self._cable.is_full:
            part = self._arrived.pop(0)
            if isinstance(part, bytes):
                if not self._silent:
                    self._cable.send(part)
            else:
                self._strike(part)

    def _strike(self, fault: Fault) -> None:
        if fault.kind == "pause":
            self._paused_until = time.monotonic() + fault.seconds
        elif fault.kind == "hang":
            self._silent = True
        elif fault.kind == "vanish":
            self._unplug()
            self._after(fault.seconds, self._plug)
        elif fault.kind == "reboot":  # the real board's USB goes with it
            self._unplug()
            self._start(self._image)
            self._after(fault.seconds, lambda: self._plug(same_name=True))

    # The machine

    def _start(self, image: str) -> None:
        self._stop()
        self._wire.restart()
        self._silent = False
        self._image = image
        machine = self._machine = Machine(find_qemu(), Path(image), self._clock, realtime=True)
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

    def _answer(self) -> None:
        line, _ = self._control.accept()
        with line:
            line.settimeout(60.0)
            request = json.loads(line.makefile("rb").readline())
            try:
                answer = getattr(self, f"_do_{request.pop('do')}")(**request)
            except EarshotError as problem:
                answer = {"error": str(problem)}
            if answer is not None:
                line.sendall(json.dumps(answer).encode() + b"\n")

    def _do_state(self) -> dict[str, Any]:
        return {
            "port": str(self._cable.port) if self._cable.port else None,
            "image": self._image,
            "struck": [asdict(fault) for fault in self._wire.struck],
        }

    def _do_upload(self, image: str) -> dict[str, Any]:
        self._unplug()
        self._start(self._image if self._habit == "keeps" else image)
        returns = self._habit != "stays away"
        if returns:
            self._after(_REPLUG_S, self._plug)
        return {"returns": returns}

    def _do_faults(self, faults: list[dict[str, Any]], board: str = "") -> dict[str, Any]:
        self._wire = Wire([Fault(**fault) for fault in faults])
        self._habit = board
        return {}

    def _do_gain(self, gain: float) -> dict[str, Any]:
        self._microphone.gain = gain
        return {}


if __name__ == "__main__":
    BoardProcess(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "").run()
