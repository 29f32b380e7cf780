"""Checks of a bench: arduino-cli and what it has installed, ports, sound devices and power meter."""

from __future__ import annotations

import grp
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from harness.arduino_cli.answers import DetectedPort
from harness.arduino_cli.cli import ArduinoCli
from harness.bench_file import BoardEntry, MeterTable, SpeakerEntry
from harness.boards.labgrid import Place
from harness.boards.port_search import all_ports, usb_ports
from harness.boards.small_linux import wheels
from harness.boards.small_linux.computer import Computer
from harness.doctor import Finding
from harness.errors import AcousticFailed, EarshotError
from harness.meters.registry import meter_of
from harness.sound.devices import devices, find_device

_ARDUINO_VENDOR = 0x2341  # of USB
_PROCESSES = Path("/proc")
_MODEM_MANAGER = "ModemManager"
_IGNORE_BOARDS = (
    "Tell it to leave Arduinos alone: put "
    'ATTRS{idVendor}=="2341", ENV{ID_MM_DEVICE_IGNORE}="1" into /etc/udev/rules.d/99-arduino.rules '
    "and run `udevadm control --reload`; or `systemctl disable --now ModemManager`."
)
_PLUG_IN = "Plug it in with a cable that carries data; if its sketch crashes, press reset twice."


def examine_arduino(entries: Sequence[BoardEntry], required: bool) -> list[Finding]:
    """Check arduino-cli, the pinned cores and libraries, and that the boards are attached.

    Only arduino-cli is checked if it is missing or if `entries` is empty.

    Args:
        entries: boards of the bench file; empty without one.
        required: False if there is no bench file.
    """
    tool = ArduinoCli()
    arduino_cli = _checked("arduino-cli", required, tool.version)
    if not arduino_cli.present:
        return [arduino_cli]
    cores = dict.fromkeys(entry.core for entry in entries if entry.core)
    libraries = dict.fromkeys(library for entry in entries for library in entry.libraries)
    return [
        arduino_cli,
        *(_checked(f"Core {_name(pin)}", required, partial(_core, tool, pin)) for pin in cores),
        *(_checked(f"Library {_name(pin)}", required, partial(_library, tool, pin)) for pin in libraries),
        *(_checked(f"Board {entry.name}", required, partial(_board, tool, entry)) for entry in entries),
    ]


def examine_computers(entries: Sequence[BoardEntry]) -> list[Finding]:
    """Check that the small Linux computers of the bench file can be reached and have ONNX Runtime."""
    return [_checked(f"Board {entry.name}", True, partial(_computer, entry)) for entry in entries]


def examine_ports(required: bool, processes: Path = _PROCESSES) -> list[Finding]:
    """Check that attached boards' ports can be opened, and look for programs that use them.

    Args:
        required: True if a bench depends on the ports.
        processes: the kernel's folder of processes.
    """
    found = [port for port in usb_ports() if port.vid == _ARDUINO_VENDOR]
    boards = [_port(port, required, processes) for port in found]
    if not found:
        boards = [Finding("Board on USB", False, "for `pytest -m hardware`", _PLUG_IN)]
    return [*boards, _modem_manager(processes, required and bool(found))]


def examine_sound(speaker: SpeakerEntry | None, required: bool) -> list[Finding]:
    """Check the bench file's loudspeaker, and look for a microphone.

    Args:
        speaker: None if the bench file has none.
        required: True if a bench depends on the loudspeaker.
    """
    return [_speaker(speaker, required), _microphone()]


def port_holders(device: str, processes: Path = _PROCESSES) -> list[str]:
    """Return the other programs that have a port open, as "program (process id)".

    Only root sees the open files of other users' processes.
    """
    try:
        target = Path(device).stat()
    except OSError:
        return []
    holders = []
    for files in processes.glob("[0-9]*/fd"):
        try:
            is_holder = any(_is_same(file, target) for file in files.iterdir())
            name = (files.parent / "comm").read_text().strip()
        except OSError:  # ended meanwhile, or another user's
            continue
        if is_holder and int(files.parent.name) != os.getpid():
            holders.append(f"{name} ({files.parent.name})")
    return holders


def _is_same(file: Path, target: os.stat_result) -> bool:
    """Compare by device and inode: in a container another terminal may have the same path."""
    try:
        return os.path.samestat(file.stat(), target)
    except OSError:  # closed meanwhile
        return False


class _Missing(EarshotError):
    """A thing that a check does not find."""


def _checked(name: str, required: bool, check: Callable[[], str]) -> Finding:
    """Return a check's finding from the detail that it returns or the failure that it raises."""
    try:
        return Finding(name, required, check())
    except EarshotError as failure:
        return Finding.of_failure(name, required, failure)


def _name(pin: str) -> str:
    return pin.partition("@")[0]


def _core(tool: ArduinoCli, pin: str) -> str:
    identity, _, version = pin.partition("@")
    installed = [core.version for core in tool.cores() if core.id == identity]
    return _pinned(installed, version, f"arduino-cli core update-index && arduino-cli core install {pin}")


def _library(tool: ArduinoCli, pin: str) -> str:
    name, _, version = pin.partition("@")
    installed = [found.version for found in tool.libraries() if found.name.casefold() == name.casefold()]
    return _pinned(installed, version, f'arduino-cli lib install "{pin}"')


def _pinned(installed: list[str], wanted: str, install: str) -> str:
    if wanted not in installed:
        there = f"{installed[0]} is installed" if installed else "not installed"
        raise _Missing(f"{there}, the bench file pins {wanted}", remedy=install)
    return wanted


def _board(tool: ArduinoCli, entry: BoardEntry) -> str:
    if entry.labgrid:
        holder = Place(entry.labgrid).holder()
        return f"labgrid place {entry.labgrid}, {f'acquired by {holder}' if holder else 'free'}"
    if entry.port:
        return f"port {entry.port}, from the bench file"
    wanted, title = entry.serial_number, f"serial number {entry.serial_number}"
    if not wanted:
        wanted, title = entry.usb_location, f"USB socket {entry.usb_location}"
    if not wanted:
        remedy = "Run `earshot boards` with the board attached: it prints the entry."
        raise _Missing("no serial_number in the bench file", remedy=remedy)

    def is_wanted(port: DetectedPort) -> bool:
        name = port.serial_number if entry.serial_number else port.location
        return name.casefold() == wanted.casefold()

    ports = all_ports(tool.detected_ports, lambda ports: any(map(is_wanted, ports)))
    if found := next(filter(is_wanted, ports), None):
        return f"{title} at {found.address}"
    names = [(port.serial_number or port.location, port.address) for port in ports]
    there = ", ".join(f"{name} at {address}" for name, address in names if name)
    what = f"{title} is not attached; attached: {there or 'no board'}"
    raise _Missing(what, remedy=_PLUG_IN)


def _computer(entry: BoardEntry) -> str:
    computer = Computer(entry.host)
    if (found := computer.installed()) != wheels.version():
        what = (
            f"ONNX Runtime is {found}, not {wheels.version()}" if found else "ONNX Runtime is not installed"
        )
        raise _Missing(what, where=computer.machine.title, remedy=f"earshot prepare {entry.name}")
    return computer.description


def _port(port: DetectedPort, required: bool, processes: Path) -> Finding:
    name = f"Port {port.address}"
    if not os.access(port.address, os.R_OK | os.W_OK):
        group = grp.getgrgid(Path(port.address).stat().st_gid).gr_name
        remedy = f"usermod --append --groups {group} {os.environ.get('USER', '$USER')}, then log in again."
        return Finding(name, required, "you may not open it", remedy)
    if holders := port_holders(port.address, processes):
        remedy = "End that program: only one at a time can talk to the board."
        return Finding(name, required, f"in use by {', '.join(holders)}", remedy)
    return Finding(name, required, f"serial number {port.serial_number or 'unknown'}")


def _modem_manager(processes: Path, required: bool) -> Finding:
    """Look for ModemManager, which opens every new ttyACM and makes uploads fail now and then."""
    for comm in processes.glob("[0-9]*/comm"):
        try:
            runs = comm.read_text().strip() == _MODEM_MANAGER
        except OSError:
            continue
        if runs and not _has_ignore_rule():
            return Finding(_MODEM_MANAGER, required, "runs, and opens new ports", _IGNORE_BOARDS)
        if runs:
            return Finding(_MODEM_MANAGER, required, "runs, with a rule to ignore Arduinos")
    return Finding(_MODEM_MANAGER, required, "does not run, so no port is taken")


def _has_ignore_rule() -> bool:
    rules = [*Path("/etc/udev/rules.d").glob("*.rules"), *Path("/usr/lib/udev/rules.d").glob("*.rules")]
    return any(
        "ID_MM_DEVICE_IGNORE" in line and "2341" in line
        for rule in rules
        for line in rule.read_text(errors="replace").splitlines()
    )


def _speaker(speaker: SpeakerEntry | None, required: bool) -> Finding:
    try:
        if speaker is not None:
            return Finding("Speaker", required, find_device(speaker.device, "output").name)
        there = ", ".join(device.name for device in devices("output")) or "no sound output on this machine"
    except AcousticFailed as failure:
        return Finding.of_failure("Speaker", required and speaker is not None, failure)
    remedy = f"Add [speaker] with its device to the bench file. Found: {there}."
    return Finding("Speaker", False, "none in the bench file: a real board hears no keywords", remedy)


def _microphone() -> Finding:
    try:
        inputs = devices("input")
    except AcousticFailed as failure:
        return Finding.of_failure("Microphone", False, failure)
    if inputs:
        return Finding("Microphone", False, ", ".join(device.name for device in inputs[:3]))
    remedy = "Plug one into the host, whose sound server has to run: the board's own cannot record for it."
    return Finding("Microphone", False, "for `earshot record` and `earshot listen`", remedy)


def examine_meter(table: MeterTable | None) -> list[Finding]:
    """Check that the bench file's power meter is there; nothing without one."""
    if table is None:
        return []
    return [_checked("Power meter", True, lambda: meter_of(table).describe())]
