"""Boards on USB that arduino-cli compiles for and uploads to."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import numpy as np

from harness.arduino_cli.answers import DetectedPort
from harness.arduino_cli.cli import ArduinoCli
from harness.bench_file import Bench, BoardEntry
from harness.boards.board import Board, BoardDescription, Sound
from harness.boards.labgrid import Place, PlacePort
from harness.boards.locks import board_lock, upload_lock
from harness.boards.port_search import Sought, is_url, wait_for_port
from harness.boards.user_command import run_command
from harness.errors import AcousticFailed, BoardNotFound, EarshotError, ProtocolError, UsageError
from harness.firmware.arduino_build import Target, build_cache, compile_sketch, installed_core
from harness.firmware.arduino_platform import optimization_flags
from harness.firmware.firmware import Firmware
from harness.firmware.stage import StagedSketch
from harness.layout import store_root
from harness.link.deadline import Deadline
from harness.link.dut import SKETCH_CHUNK_BYTES, DeviceUnderTest
from harness.link.serial_link import SerialLink
from harness.sound.speaker import Speaker
from models.store import Store

_PATIENCE_S = 20.0
"""For a board to return to the bus and for its port to open: a restart takes 2 s; udev's rules and
ModemManager's search for a modem can each block the port for some seconds more."""
_POLL_S = 0.25


class ArduinoBoard(Board):
    """A board on USB; a kind of board is a subclass that sets the class attributes.

    The board is identified by its USB serial number, since its port changes. It is locked for this process
    from the first upload until `close`.

    Args:
        entry, bench: of the bench file; None for an empty bench.
        store, cli: None for the usual cache of images, and for the arduino-cli of this machine.
        patience_s: longest time that the board may be off the bus or its port blocked.

    Attributes:
        title: name of the kind for people, without revision.
        known_core: core and version that the kind is known to work with.
        bootloader_ids: the `usb_ids` of the bootloader.
        flash_bytes: arduino-cli's limit of `text`.
        ram_bytes: arduino-cli's limit of `data`.
    """

    marker = "hardware"
    default_engine = "tflm"
    acoustic = True

    title: ClassVar[str]
    known_core: ClassVar[str]
    bootloader_ids: ClassVar[tuple[tuple[int, int], ...]] = ()
    clock_hz: ClassVar[int]
    flash_bytes: ClassVar[int]
    ram_bytes: ClassVar[int]

    def __init__(
        self,
        entry: BoardEntry,
        bench: Bench | None = None,
        store: Store | None = None,
        cli: ArduinoCli | None = None,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._entry = entry
        self._bench = bench or Bench()
        self._store = store or Store(store_root())
        flags = optimization_flags(entry.optimization)
        self._target = Target(self.fqbn, entry.core, self.known_core, flags)
        self._cli = cli or ArduinoCli(build_cache=build_cache(self._store, self._target))
        self._patience_s = patience_s
        self._sought = Sought(
            self.title,
            self.fqbn,
            self.usb_ids,
            self.bootloader_ids,
            entry.serial_number,
            entry.port,
            entry.usb_location,
        )
        self._firmware: Firmware | None = None
        self._link: SerialLink | None = None
        self._reserved = contextlib.ExitStack()
        self._is_reserved = False
        self._locked: set[str] = set()
        self._place = Place(entry.labgrid) if entry.labgrid else None
        self._place_port: PlacePort | None = None
        self._has_place = False

    @classmethod
    def from_bench(cls, entry: BoardEntry, bench: Bench) -> ArduinoBoard:
        if entry.clock:
            raise UsageError(
                f"a real board measures its own time: clock {entry.clock} is for the emulated board",
                where=entry.name,
                remedy="Leave out --clock, and `clock` in the bench file.",
            )
        if entry.labgrid and (entry.port or entry.usb_location):
            raise UsageError(
                f"the board is at {entry.port or entry.usb_location} and the labgrid place {entry.labgrid}",
                where=entry.name,
                remedy="Leave out --port, and `port` and `usb_location` in the bench file.",
            )
        if (entry.labgrid or is_url(entry.port)) and not entry.upload_command:
            what = f"labgrid place {entry.labgrid}" if entry.labgrid else f"network port {entry.port}"
            raise UsageError(
                f"nothing can be uploaded through the {what} alone",
                where=entry.name,
                remedy="Write upload_command into the board's entry of the bench file: a command that "
                "uploads on the board's host. docs/bench-setup.md has examples.",
            )
        return cls(entry, bench)

    def describe(self) -> BoardDescription:
        """Return the row of a run record; `uid` is the USB serial number, or what else identifies it."""
        return BoardDescription(
            name=self.name,
            uid=self._serial_number or self._identity or self.name,
            title=f"{self.title} {self._entry.revision}".strip(),
            clock_hz=self.clock_hz,
            clock="measured",
            flash_bytes=self.flash_bytes,
            ram_bytes=self.ram_bytes,
            details=self._details,
        )

    def compile(self, sketch: StagedSketch) -> Firmware:
        return compile_sketch(sketch, self._cli, self._target, self._store)

    def upload(self, firmware: Firmware) -> None:
        """Put an image on the board, and lock the board for this process until `close`.

        arduino-cli takes the first port that appears on the host for the board's, so one upload at a time
        runs on a host, until the board is back on the bus.

        Raises:
            BoardNotFound: the board is not attached, locked by another process, or did not come back.
            UploadFailed: arduino-cli or the bench file's command could not upload.
        """
        self._close_link()
        self._firmware = None
        self._reserve()
        with upload_lock():
            port = self._find()
            if command := self._entry.upload_command:
                self._run_command("upload_command", command, self._placeholders(port, firmware))
            else:
                limit_s = self._entry.upload_timeout_s
                self._cli.upload(self.fqbn, port.address, firmware.image.parent, limit_s)
            self._find(runs_sketch=True)
        self._firmware = firmware

    @property
    def port(self) -> str:
        """The serial port, searched each time."""
        return self._find().address

    def open(self, transcript: Path) -> DeviceUnderTest:
        """Open the link, see `Board.open`; close an earlier one.

        Raises:
            BoardNotFound: nothing was uploaded, the board is not attached, or its port stays blocked.
            ProtocolError: another image runs, or none, or the instruction cache cannot be set.
        """
        if not self._firmware:
            raise BoardNotFound(f"no image was uploaded to the {self.title}", remedy="Upload an image first.")
        self._close_link()
        deadline = Deadline(self._patience_s)
        while True:
            link = self._link = self._connect(transcript, deadline)
            try:
                return self._shake_hands(DeviceUnderTest(link, SKETCH_CHUNK_BYTES), self._firmware)
            except BaseException as failure:
                self._close_link()
                # A server of ports accepts a connection, and ends it, while the board is off the bus.
                is_early = isinstance(failure, BoardNotFound) and is_url(link.name)
                if not is_early or deadline.expired:
                    raise
            time.sleep(_POLL_S)

    def _shake_hands(self, device: DeviceUnderTest, firmware: Firmware) -> DeviceUnderTest:
        """Prove which image runs, and switch the instruction cache."""
        icache, wanted = device.handshake(firmware).icache, self._entry.icache
        if wanted != "as-is" and icache not in (wanted, "none"):
            device.set_icache(wanted)
            icache = device.handshake(firmware).icache  # the state that the transcript shows last
            if icache != wanted:
                raise ProtocolError(
                    f"the instruction cache is {icache} after the command to switch it {wanted}",
                    where=self._entry.name,
                    remedy='Write icache = "as-is" into the board\'s entry of the bench file.',
                )
        return device

    def recover(self) -> str:
        """Run the bench file's command `recover`, unless another process may have the board."""
        command, entry = self._entry.recover, self._entry
        if not command:
            return ""
        self._close_link()
        try:
            if self._identity:
                self._reserve_identity()  # of a board that is not attached, too
            else:
                self._reserve()
            values = {"serial_number": entry.serial_number}
            self._run_command("recover", command, values)
        except EarshotError as failure:
            return f"not recovered ({failure.what}: {failure.where})"
        return "recovered by command"

    def listen(self, sound: Sound) -> None:
        if self._bench.speaker is None:
            raise AcousticFailed(
                "the bench has no loudspeaker",
                where=str(self._bench.path or "no bench file"),
                remedy='Write a table [speaker] with device = "…" into the bench file; `earshot doctor` '
                "lists the devices.",
            )
        Speaker(self._bench.speaker).play([sound] if isinstance(sound, np.ndarray) else sound)

    def close(self) -> None:
        try:
            self._close_link()
        finally:
            self._firmware = None
            self._is_reserved = self._has_place = False
            self._locked.clear()
            self._reserved.close()

    @cached_property
    def _details(self) -> dict[str, str]:
        try:
            core = installed_core(self._cli, self._target)
            tools = {"core": f"{core.id} {core.version}", "arduino-cli": self._cli.version()}
        except EarshotError as problem:
            tools = {"core": f"none: {problem.what}"}
        entry = self._entry
        access = {
            "revision": entry.revision,
            "labgrid place": entry.labgrid,
            "port": entry.port if is_url(entry.port) else "",
            "upload": entry.upload_command,
        }
        known = {name: text for name, text in access.items() if text}
        return {**known, "fqbn": self.fqbn, **tools, "instruction cache": entry.icache}

    @property
    def _serial_number(self) -> str:
        """The board's USB serial number; "" until arduino-cli has listed it."""
        if not self._sought.serial_number and not self._place:
            with contextlib.suppress(EarshotError):
                self._find(Deadline(0))
        return self._sought.serial_number

    def _find(self, deadline: Deadline | None = None, runs_sketch: bool = False) -> DetectedPort:
        """Return the board's port; search by serial number once that is known."""
        deadline = deadline or Deadline(self._patience_s)
        if self._place:
            self._place_port = self._place.port(deadline)
            return DetectedPort(self._place_port.url, serial_number=self._entry.serial_number)
        if is_url(self._entry.port):
            return DetectedPort(self._entry.port, serial_number=self._entry.serial_number)
        port = wait_for_port(self._sought, self._cli.detected_ports, deadline, runs_sketch)
        if port.vid and port.serial_number:
            self._sought = replace(self._sought, serial_number=port.serial_number, port="")
        elif port.location:
            self._sought = replace(self._sought, location=port.location, port="")
        return port

    @property
    def _identity(self) -> str:
        """The name by which the bench file identifies the board, attached or not; "" if it does not."""
        entry = self._entry
        port = entry.port if is_url(entry.port) else ""
        return entry.serial_number or entry.labgrid or entry.usb_location or port

    def _reserve(self) -> None:
        """Lock the board for this process, by its USB socket or port if it has no serial number."""
        if not self._is_reserved:
            self._reserve_identity()
            found = self._find()
            self._lock(found.serial_number or found.location or found.address)
            self._is_reserved = True

    def _reserve_identity(self) -> None:
        """Lock the board by what is known of it without a search, and acquire its place."""
        if self._identity:
            self._lock(self._identity)
        if self._place and not self._has_place:
            self._lock(f"labgrid place {self._place.name}")
            self._reserved.enter_context(self._place.acquired(self._entry.wait_s))
            self._has_place = True

    def _lock(self, name: str) -> None:
        if name.casefold() not in self._locked:
            self._reserved.enter_context(board_lock(name, self._entry.wait_s))
            self._locked.add(name.casefold())

    def _placeholders(self, port: DetectedPort, firmware: Firmware) -> dict[str, str]:
        """Return the values of the placeholders of the bench file's `upload_command`."""
        place = self._place_port
        return {
            "image": str(firmware.image),
            "hex": str(firmware.image.with_suffix(".hex")),
            "bin": str(firmware.image.with_suffix(".bin")),
            "port": place.device if place else port.address,
            "host": place.host if place else urlsplit(port.address).hostname or "localhost",
            "serial_number": port.serial_number,
            "fqbn": self.fqbn,
        }

    def _run_command(self, key: str, command: str, values: Mapping[str, str]) -> None:
        """Run a command of the bench file, in the file's folder, as the user of the board's labgrid place."""
        folder = self._bench.path.resolve().parent if self._bench.path else Path.cwd()
        environment = self._place.environment if self._place else os.environ
        run_command(key, command, values, self._entry.upload_timeout_s, folder, environment)

    def _connect(self, transcript: Path, deadline: Deadline) -> SerialLink:
        """Open the port, which other programs can block for some seconds after it appeared."""
        while True:
            port = self._find(deadline, runs_sketch=True)
            try:
                return SerialLink(port.address, transcript)
            except BoardNotFound:
                if deadline.expired:
                    raise
            time.sleep(_POLL_S)

    def _close_link(self) -> None:
        link, self._link = self._link, None
        if link:
            link.close()
