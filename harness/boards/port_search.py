"""The port of one board among all that are attached, told by its USB serial number and waited for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.arduino_cli.answers import DetectedPort
from harness.errors import BoardNotFound
from harness.link.deadline import Deadline

_POLL_S = 0.25  # between two board lists, each of which takes a second of its own


@dataclass(frozen=True)
class Sought:
    """What is known of a board before it is found.

    Attributes:
        title: what people call it.
        fqbn: what arduino-cli calls its kind.
        usb_ids: vendor and product under which its kind appears on USB.
        bootloader_ids: those of them under which no sketch runs.
        serial_number: its own on USB; "" takes the only one of its kind.
        port: where the user says that it is; "" looks for it.
    """

    title: str
    fqbn: str
    usb_ids: tuple[tuple[int, int], ...]
    bootloader_ids: tuple[tuple[int, int], ...] = ()
    serial_number: str = ""
    port: str = ""


def find_port(sought: Sought, ports: Sequence[DetectedPort]) -> DetectedPort | None:
    """The port of a board among those that are attached; None if it is not among them now.

    A port that the user named is taken as it is, known to arduino-cli or not, unless it belongs to a board
    of another serial number. Ports of other protocols (network, DFU) cannot be talked over.

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
            f"{len(candidates)} boards of the kind {sought.title} are attached, and none is chosen",
            where=_listed(candidates, sought),
            remedy="Write the serial number of one into its entry of the bench file (`earshot boards` prints "
            "one), or give --port.",
        )
    return candidates[0] if candidates else None


def is_of_kind(port: DetectedPort, fqbn: str, usb_ids: Sequence[tuple[int, int]]) -> bool:
    """Whether a port is of a kind of board, by its USB identity or by what an installed core takes it for."""
    return (port.vid, port.pid) in usb_ids or any(board.fqbn == fqbn for board in port.boards)


def wait_for_port(
    sought: Sought,
    list_ports: Callable[[], Sequence[DetectedPort]],
    deadline: Deadline,
    runs_sketch: bool = False,
) -> DetectedPort:
    """Finds the port of a board that may be about to appear: each restart takes it off the bus.

    Args:
        sought: which board.
        list_ports: what is attached now.
        deadline: how long to wait for it; it is looked for at least once.
        runs_sketch: whether a board in its bootloader is not enough.

    Raises:
        BoardNotFound: it did not appear, stayed in its bootloader, or cannot be told from another one.
    """
    while True:
        ports = list_ports()
        found = find_port(sought, ports)
        if found and not (runs_sketch and _in_bootloader(found, sought)):
            return found
        if deadline.expired:
            raise _stays_in_bootloader(sought, found) if found else _not_attached(sought, ports)
        time.sleep(min(_POLL_S, deadline.remaining))


def _named_port(sought: Sought, ports: Sequence[DetectedPort]) -> DetectedPort | None:
    is_path = "://" not in sought.port
    if is_path and not Path(sought.port).exists():
        return None
    real = str(Path(sought.port).resolve()) if is_path else sought.port  # /dev/serial/by-id/… is a link
    detected = next((port for port in ports if port.address in (sought.port, real)), None)
    if detected is None:
        return DetectedPort(sought.port, serial_number=sought.serial_number)
    differs = sought.serial_number and detected.serial_number.casefold() != sought.serial_number.casefold()
    if differs and detected.serial_number:
        raise BoardNotFound(
            f"{sought.port} is the port of another board",
            where=f"{_listed([detected], sought)}, sought is {sought.serial_number}",
            remedy="Leave the port out: the board is found by its serial number.",
        )
    return detected


def _not_attached(sought: Sought, ports: Sequence[DetectedPort]) -> BoardNotFound:
    remedy = (
        "Check the cable (it has to carry data) and press the board's reset button twice: its LED then fades "
        "slowly, and `earshot boards` lists it."
    )
    if sought.port:
        what = f"the port of the board is not there: {sought.port}"
        remedy = "Give the port that `earshot boards` lists; or none, then the board is looked for."
    elif sought.serial_number:
        what = f"no board with the serial number {sought.serial_number} is attached"
        if any(_in_bootloader(port, sought) for port in ports):
            remedy = "If it is the one in its bootloader, press its reset button once."
        elif any(is_of_kind(port, sought.fqbn, sought.usb_ids) for port in ports):
            remedy = f"{remedy} If it is one of those attached, correct its serial number in the bench file."
    else:
        what = f"no {sought.title} is attached"
    usb = [port for port in ports if port.vid]
    where = f"attached: {_listed(usb, sought) if usb else 'no board at all'}"
    return BoardNotFound(what, where=where, remedy=remedy)


def _stays_in_bootloader(sought: Sought, found: DetectedPort) -> BoardNotFound:
    return BoardNotFound(
        f"the {sought.title} stays in its bootloader and runs no sketch",
        where=_listed([found], sought),
        remedy="Press its reset button once; if the LED goes on fading, upload again.",
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
