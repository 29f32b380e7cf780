"""The search for the port of a board, by USB serial number."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.arduino_cli.answers import DetectedPort
from harness.errors import BoardNotFound, NothingListed
from harness.link.deadline import Deadline

_POLL_S = 0.25  # between two board lists, each of which takes a second of its own


@dataclass(frozen=True)
class Sought:
    """Facts to find a board by.

    Attributes:
        title, fqbn, usb_ids, bootloader_ids: of the kind, as in `ArduinoBoard`.
        serial_number: USB serial number; "" takes the only board of the kind.
        port: device path that the user named; "" to search.
    """

    title: str
    fqbn: str
    usb_ids: tuple[tuple[int, int], ...]
    bootloader_ids: tuple[tuple[int, int], ...] = ()
    serial_number: str = ""
    port: str = ""


def is_url(port: str) -> bool:
    """Tell if a port is another host's, such as rfc2217://pi:4000."""
    return "://" in port


def find_port(sought: Sought, ports: Sequence[DetectedPort]) -> DetectedPort | None:
    """Return the port of a board; None if the board is not attached now.

    A port that the user named is returned even if arduino-cli does not list it, unless it belongs to a board
    of another serial number. Ports of other protocols than serial (network, DFU) are ignored.

    Raises:
        BoardNotFound: several boards could be it, or the named port belongs to another one.
    """
    if sought.port:
        return _named_port(sought, ports)
    serial = [port for port in ports if port.protocol == "serial"]
    if sought.serial_number:
        number = sought.serial_number.casefold()
        return next((port for port in serial if port.serial_number.casefold() == number), None)
    candidates = [port for port in serial if is_of_kind(port, sought.fqbn, sought.usb_ids)]
    if len(candidates) > 1:
        raise BoardNotFound(
            f"{len(candidates)} boards of the kind {sought.title} are attached; choose one",
            where=_listed(candidates, sought),
            remedy="Write the serial number of one into its entry of the bench file (`earshot boards` prints "
            "one), or give --port.",
        )
    return candidates[0] if candidates else None


def is_of_kind(port: DetectedPort, fqbn: str, usb_ids: Sequence[tuple[int, int]]) -> bool:
    """Tell if a port is of a kind of board, by USB ids or by the boards that an installed core matches."""
    return (port.vid, port.pid) in usb_ids or any(board.fqbn == fqbn for board in port.boards)


def wait_for_port(
    sought: Sought,
    list_ports: Callable[[], Sequence[DetectedPort]],
    deadline: Deadline,
    runs_sketch: bool = False,
) -> DetectedPort:
    """Wait for the port of a board: each restart takes the board off the bus.

    Args:
        deadline: time limit; ports are listed at least once.
        runs_sketch: True to wait until the board has left its bootloader.

    Raises:
        BoardNotFound: the board did not appear, stayed in its bootloader, or several boards match.
    """
    while True:
        ports: Sequence[DetectedPort] = ()
        problem: NothingListed | None = None
        try:
            ports = list_ports()
        except NothingListed as failure:  # the board may be restarting, or the user has named its port
            problem = failure
        found = find_port(sought, ports)
        if found and not (runs_sketch and _in_bootloader(found, sought)):
            return found
        if deadline.expired:
            raise problem or (_stays_in_bootloader(sought, found) if found else _not_attached(sought, ports))
        time.sleep(min(_POLL_S, deadline.remaining))


def _named_port(sought: Sought, ports: Sequence[DetectedPort]) -> DetectedPort | None:
    if not Path(sought.port).exists():
        return None
    real = str(Path(sought.port).resolve())  # /dev/serial/by-id/… is a link
    detected = next((port for port in ports if port.address in (sought.port, real)), None)
    if detected is None:
        return DetectedPort(sought.port, serial_number=sought.serial_number)
    differs = sought.serial_number and detected.serial_number.casefold() != sought.serial_number.casefold()
    if differs and detected.serial_number:
        raise BoardNotFound(
            f"{sought.port} is the port of another board",
            where=f"{_listed([detected], sought)}, wanted is {sought.serial_number}",
            remedy="Leave out the port: the board is found by its serial number.",
        )
    return detected


def _not_attached(sought: Sought, ports: Sequence[DetectedPort]) -> BoardNotFound:
    remedy = (
        "Check that the cable carries data, and press the board's reset button twice: its LED then pulses, "
        "and `earshot boards` lists it."
    )
    if sought.port:
        what = f"the port {sought.port} does not exist"
        remedy = "Give the port that `earshot boards` lists, or none to search for the board."
    elif sought.serial_number:
        what = f"no board with the serial number {sought.serial_number} is attached"
        if any(_in_bootloader(port, sought) for port in ports):
            remedy = "If it is the board in its bootloader, press its reset button once."
        elif any(is_of_kind(port, sought.fqbn, sought.usb_ids) for port in ports):
            remedy = f"{remedy} If it is one of those attached, correct its serial number in the bench file."
    else:
        what = f"no {sought.title} is attached"
    usb = [port for port in ports if port.vid]
    where = f"attached: {_listed(usb, sought) if usb else 'no board'}"
    return BoardNotFound(what, where=where, remedy=remedy)


def _stays_in_bootloader(sought: Sought, found: DetectedPort) -> BoardNotFound:
    return BoardNotFound(
        f"the {sought.title} stays in its bootloader and runs no sketch",
        where=_listed([found], sought),
        remedy="Press its reset button once; if the LED still pulses, upload again.",
    )


def _in_bootloader(port: DetectedPort, sought: Sought) -> bool:
    return (port.vid, port.pid) in sought.bootloader_ids


def _listed(ports: Sequence[DetectedPort], sought: Sought) -> str:
    return ", ".join(
        f"{port.boards[0].name if port.boards else f'USB {port.vid:04x}:{port.pid:04x}'}"
        f"{' in its bootloader' if _in_bootloader(port, sought) else ''}"
        f" on {port.address} with serial number {port.serial_number or 'unknown'}"
        for port in ports
    )
