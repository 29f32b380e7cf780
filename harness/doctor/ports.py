"""The serial ports of a bench: boards on USB, who may open them, and who has them open."""

from __future__ import annotations

import grp
import os
from pathlib import Path

from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from harness.doctor.finding import Finding

ARDUINO_VENDOR = 0x2341  # of USB
_PROCESSES = Path("/proc")
_MODEM_MANAGER = "ModemManager"
_IGNORE_BOARDS = (
    "Tell it to leave Arduinos alone: put "
    'ATTRS{idVendor}=="2341", ENV{ID_MM_DEVICE_IGNORE}="1" into /etc/udev/rules.d/99-arduino.rules '
    "and run `udevadm control --reload`; or `systemctl disable --now ModemManager`."
)


def examine_ports(required: bool, processes: Path = _PROCESSES) -> list[Finding]:
    """Boards on USB, the right to open their ports, and programs that get in the way.

    Args:
        required: whether a bench depends on what is found; whether its boards are there, arduino-cli tells.
        processes: where the kernel tells of processes.
    """
    found = [port for port in list_ports.comports() if port.vid == ARDUINO_VENDOR]
    if not found:
        remedy = "Plug it in with a cable that carries data; a sketch that crashed: press reset twice."
        boards = [Finding("Board on USB", False, False, "for `pytest -m hardware`", remedy)]
    else:
        boards = [finding for port in found for finding in _port(port, required, processes)]
    return [*boards, _modem_manager(processes, required and bool(found))]


def _port(port: ListPortInfo, required: bool, processes: Path) -> list[Finding]:
    name = f"Port {port.device}"
    if not os.access(port.device, os.R_OK | os.W_OK):
        group = grp.getgrgid(Path(port.device).stat().st_gid).gr_name
        remedy = f"usermod --append --groups {group} {os.environ.get('USER', '$USER')}, then log in again."
        return [Finding(name, False, required, "you may not open it", remedy)]
    holders = port_holders(port.device, processes)
    if holders:
        remedy = "End it; one program at a time can talk with the board."
        return [Finding(name, False, required, f"in use by {', '.join(holders)}", remedy)]
    return [Finding(name, True, required, f"{port.product or 'Arduino'}, serial number {port.serial_number}")]


def port_holders(device: str, processes: Path = _PROCESSES) -> list[str]:
    """Who has a port open, as "program (process id)"; of other users' processes only root sees the files."""
    target = os.path.realpath(device)
    holders = []
    for files in processes.glob("[0-9]*/fd"):
        try:
            is_holder = any(os.path.realpath(file) == target for file in files.iterdir())
            name = (files.parent / "comm").read_text().strip()
        except OSError:  # ended meanwhile, or another user's
            continue
        if is_holder and int(files.parent.name) != os.getpid():
            holders.append(f"{name} ({files.parent.name})")
    return holders


def _modem_manager(processes: Path, required: bool) -> Finding:
    """ModemManager opens every new ttyACM to look for a modem, which makes uploads fail now and then."""
    for comm in processes.glob("[0-9]*/comm"):
        try:
            runs = comm.read_text().strip() == _MODEM_MANAGER
        except OSError:
            continue
        if runs and not _told_to_ignore():
            return Finding(_MODEM_MANAGER, False, required, "runs, and grabs new ports", _IGNORE_BOARDS)
        if runs:
            return Finding(_MODEM_MANAGER, True, required, "runs, and is told to leave Arduinos alone")
    return Finding(_MODEM_MANAGER, True, required, "does not run, so it grabs no ports")


def _told_to_ignore() -> bool:
    rules = [*Path("/etc/udev/rules.d").glob("*.rules"), *Path("/usr/lib/udev/rules.d").glob("*.rules")]
    return any(
        "ID_MM_DEVICE_IGNORE" in line and "2341" in line
        for rule in rules
        for line in rule.read_text(errors="replace").splitlines()
    )
