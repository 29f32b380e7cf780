"""The search for the port of a board, by USB serial number.

pyserial lists USB's ports within 8 ms and leaves none out. arduino-cli takes a second, and under load leaves
an attached port out in one call of five; it is asked for what only it knows: the boards of installed cores,
and ports that other discoveries than USB's find.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from serial.tools.list_ports import comports

from harness.arduino_cli.answers import DetectedPort
from harness.errors import BoardNotFound, NothingListed
from harness.link.deadline import Deadline

_CALLS, _MOST_CALLS = 3, 10  # of arduino-cli, before it is believed that a port or a board is missing
_ATTEMPTS = 3
_POLL_S = 0.25


@dataclass(frozen=True)
class Sought:
    """Facts to find a board by.

    Attributes:
        title, fqbn, usb_ids, bootloader_ids: of the kind, as in `ArduinoBoard`.
        serial_number: USB serial number; "" takes the only board of the kind.
        port: device path that the user named; "" to search.
        location: USB socket of a board without a serial number; "" for any.
    """

    title: str
    fqbn: str
    usb_ids: tuple[tuple[int, int], ...]
    bootloader_ids: tuple[tuple[int, int], ...] = ()
    serial_number: str = ""
    port: str = ""
    location: str = ""


def usb_ports() -> list[DetectedPort]:
    """Return the serial ports of USB devices, as the kernel lists them."""
    for _ in range(_ATTEMPTS):
        with suppress(OSError, TypeError, ValueError):  # pyserial reads about a device that is just vanishing
            return [
                DetectedPort(
                    *(port.device, "serial", port.serial_number or "", port.vid, port.pid or 0),
                    location=(port.location or "").partition(":")[0],  # without the interface
                )
                for port in comports()
                if port.vid
            ]
    return []


def all_ports(
    list_ports: Callable[[], Sequence[DetectedPort]], is_certain: Callable[[Sequence[DetectedPort]], bool]
) -> list[DetectedPort]:
    """Return the ports of USB devices, and unless their list is certain, those that arduino-cli adds.

    Args:
        list_ports: one call of arduino-cli; calls are made until the list is certain, or until several calls
            together have listed every port of USB.
        is_certain: tells if more ports, or more boards of installed cores, could change nothing.

    Raises:
        NothingListed: there is no port, and arduino-cli names a reason.
        BoardNotFound: arduino-cli is missing or does not answer.
    """
    listed: dict[str, DetectedPort] = {}
    problem: NothingListed | None = None
    for call in range(_MOST_CALLS + 1):
        usb = {port.address: port for port in usb_ports()}
        both = usb.keys() & listed.keys()
        matched = {name: usb[name]._replace(boards=listed[name].boards) for name in both}
        ports = list((listed | usb | matched).values())
        if is_certain(ports) or (call >= _CALLS and usb.keys() <= listed.keys()):
            break
        try:
            listed |= {port.address: port for port in list_ports()}
        except NothingListed as failure:
            problem = failure
    if problem and not ports:
        raise problem
    return ports


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
    here = [port for port in serial if sought.location in ("", port.location)]
    candidates = [port for port in here if is_of_kind(port, sought.fqbn, sought.usb_ids)]
    if len(candidates) > 1:
        raise BoardNotFound(
            f"{len(candidates)} boards of the kind {sought.title} are attached; choose one",
            where=_listed(candidates, sought),
            remedy="Write the serial number of one, or its usb_location, into its entry of the bench file "
            "(`earshot boards` prints one), or give --port.",
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
        list_ports: one call of arduino-cli.
        deadline: time limit; see `all_ports` for what is looked at before it counts.
        runs_sketch: True to wait until the board has left its bootloader.

    Raises:
        BoardNotFound: the board did not appear, stayed in its bootloader, or several boards match.
    """
    while True:
        ports: Sequence[DetectedPort] = ()
        problem: NothingListed | None = None
        try:
            ports = all_ports(list_ports, lambda ports: _is_certain(sought, ports))
        except NothingListed as failure:  # the board may be restarting, or the user has named its port
            problem = failure
        found = find_port(sought, ports)
        if found and not (runs_sketch and _in_bootloader(found, sought)):
            return found
        if deadline.expired:
            raise problem or (_stays_in_bootloader(sought, found) if found else _not_attached(sought, ports))
        time.sleep(min(_POLL_S, deadline.remaining))


def _is_certain(sought: Sought, ports: Sequence[DetectedPort]) -> bool:
    """Tell if a list holds the board: by serial number or name, or as the only one of its USB ids."""
    found = find_port(sought, ports)
    if sought.serial_number or sought.port:
        return found in ports
    return found is not None and bool(found.location) and (found.vid, found.pid) in sought.usb_ids


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
    elif sought.location:
        what = f"no {sought.title} is attached at the USB socket {sought.location}"
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
        f"{f' at USB socket {port.location}' if port.location else ''}"
        for port in ports
    )
