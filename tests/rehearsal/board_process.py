"""The board of the rehearsal bench: a plugged-in emulated board with faults.

    python -m rehearsal.board_process STATE_FOLDER [PULSE_SOURCE]

Requests beyond those of `harness.boards.plugged.process`; `state` also has the faults that have `struck`:

    faults  faults [board]     from the next upload on: `faults` see `wire.Fault`; `board` is "keeps" (the old
                               image keeps running), "grabs" (another program opens the port as soon as it
                               is there, as ModemManager does), "stays away" (no port after an upload),
                               "stalls" (an upload has no end) or empty
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rehearsal.wire import Fault, Wire

from harness.boards.plugged.process import PluggedBoard
from harness.boards.qemu.clock import TimingParameters, choose_clock
from harness.boards.qemu.tools import find_qemu
from harness.layout import store_root
from models.store import Store

NANO = ("0x2341", "0x805A")
PIN_LOG = "pins"
"""File of the state folder with every change of a pin."""


class BoardProcess(PluggedBoard):
    """A board that goes wrong when it is told to, and is as fast as its host."""

    def __init__(self, state: Path, source: str) -> None:
        wait_states = int((state / "wait_states").read_text())
        clock = choose_clock(find_qemu(), Store(store_root()), TimingParameters(wait_states=wait_states))
        self._wire = Wire()
        self._habit = ""
        self._grabbed: int | None = None
        self._silent = False
        self._paused_until = 0.0
        number = (state / "serial_number").read_text()
        super().__init__(state, clock, number, NANO, source, paced=False, pin_log=state / PIN_LOG)

    def _plug(self, same_name: bool = False) -> None:
        if self._habit == "stays away":
            return
        self._cable.plug(same_name)
        if self._habit == "grabs" and self._cable.port:
            self._grabbed = os.open(self._cable.port, os.O_RDWR | os.O_NOCTTY)
            fcntl.flock(self._grabbed, fcntl.LOCK_EX)  # what pyserial asks for, and therefore sees

    def _unplug(self) -> None:
        super()._unplug()
        if self._grabbed is not None:
            os.close(self._grabbed)
        self._grabbed = None

    def _to_board(self) -> None:
        if self._silent:
            self._cable.receive()
        else:
            super()._to_board()

    def _feed(self, data: bytes) -> None:
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
            self._start(Path(self._image))
            self._after(fault.seconds, lambda: self._plug(same_name=True))

    def _start(self, image: Path) -> None:
        self._wire.restart()
        self._silent = False
        super()._start(image)

    def _do_state(self) -> dict[str, Any]:
        return {**super()._do_state(), "struck": [asdict(fault) for fault in self._wire.struck]}

    def _do_upload(self, image: str) -> dict[str, Any]:
        if self._habit == "stalls":
            signal.pause()
        super()._do_upload(self._image if self._habit == "keeps" else image)
        return {"returns": self._habit != "stays away"}

    def _do_faults(self, faults: list[dict[str, Any]], board: str = "") -> dict[str, Any]:
        self._wire = Wire([Fault(**fault) for fault in faults])
        self._habit = board
        return {}


if __name__ == "__main__":
    BoardProcess(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "").run()
