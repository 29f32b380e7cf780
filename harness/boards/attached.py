"""Boards attached to this host, and the default choice among them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from harness.arduino_cli.answers import DetectedPort
from harness.arduino_cli.cli import ArduinoCli
from harness.bench_file import FILE, Bench, BoardEntry
from harness.boards.port_search import all_ports, is_of_kind
from harness.boards.registry import board_kinds, find_entry
from harness.errors import BoardNotFound, UsageError


@dataclass(frozen=True)
class Attached:
    """An attached board.

    Attributes:
        kind: kind of board, see `harness.boards.registry.board_kinds`.
        name: name in the bench file; "" without an entry.
        serial_number: USB serial number; "" if the board reports none.
        port: such as "/dev/ttyACM0"; can change with each upload.
        location: USB socket, such as "1-1.4"; "" if unknown.
    """

    kind: str
    name: str
    serial_number: str
    port: str
    location: str = ""


def attached(bench: Bench | None = None, cli: ArduinoCli | None = None) -> list[Attached]:
    """Return the attached boards of every kind.

    Raises:
        BoardNotFound: some port is of no known kind, and arduino-cli is missing or does not answer.
    """
    kinds = {name: kind for name, kind in board_kinds().items() if kind.fqbn}

    def are_of_a_kind(ports: Sequence[DetectedPort]) -> bool:
        known = [any(is_of_kind(port, kind.fqbn, kind.usb_ids) for kind in kinds.values()) for port in ports]
        return bool(known) and all(known)

    ports = all_ports((cli or ArduinoCli()).detected_ports, are_of_a_kind)
    names = {
        (entry.serial_number or entry.usb_location).casefold(): entry.name
        for entry in (bench or Bench()).boards
        if entry.serial_number or entry.usb_location
    }

    def name_of(port: DetectedPort) -> str:
        return names.get(port.serial_number.casefold(), names.get(port.location, ""))

    return [
        Attached(name, name_of(port), port.serial_number, port.address, port.location)
        for port in ports
        for name, kind in kinds.items()
        if is_of_kind(port, kind.fqbn, kind.usb_ids)
    ]


def only_hardware(bench: Bench, port: str = "", wait_s: float | None = None) -> BoardEntry:
    """Return the board to test if the user names none.

    This is the only board of the bench file; without one, the only kind of board at the given port, or the
    only attached board.

    Raises:
        BoardNotFound: there is none.
        UsageError: there are several.
        ConfigError: an entry of the bench file is of a kind that does not exist.
    """
    hardware = [name for name, kind in board_kinds().items() if kind.marker == "hardware"]
    entries = [find_entry(entry.name, bench, port, wait_s=wait_s) for entry in bench.boards]
    entries = [entry for entry in entries if entry.kind in hardware]
    if not entries and port:
        entries = [BoardEntry(name=kind, kind=kind, port=port) for kind in hardware]
    if not entries:
        plugged_in = [board for board in attached(bench) if board.kind in hardware]
        entries = [
            BoardEntry(
                name=board.kind,
                kind=board.kind,
                serial_number=board.serial_number,
                usb_location="" if board.serial_number else board.location,
            )
            for board in plugged_in
        ]
        if len(entries) > 1:
            listed = ", ".join(f"{one.kind} {one.serial_number} at {one.port}" for one in plugged_in)
            raise UsageError(
                f"{len(entries)} boards are attached; choose one",
                where=listed,
                remedy=f"Write them into {FILE}, as `earshot boards` prints them, and choose with --board.",
            )
    if len(entries) > 1:
        raise UsageError(
            f"the bench has {len(entries)} boards; choose one",
            where=str(bench.path or ""),
            remedy=f"Choose with --board: {', '.join(entry.name for entry in entries)}.",
        )
    if not entries:
        raise BoardNotFound(
            "there is no board to test",
            where=f"none in {bench.path or 'a bench file'}, none on USB",
            remedy="Plug one in and look with `earshot boards`, or name it with --board, --bench or --port.",
        )
    return entries[0]


def ready_entry(board: Attached, name: str, core: str = "") -> str:
    """Return a bench file entry for an attached board; `core` is "id@version", "" for any."""
    lines = [f"[board.{name}]", f"kind = {_text(board.kind)}"]
    if board.serial_number:
        lines.append(f"serial_number = {_text(board.serial_number)}")
    elif board.location:
        lines.append(f"usb_location = {_text(board.location)}")
    else:
        lines.append(f"port = {_text(board.port)}")
    if core:
        lines.append(f"core = {_text(core)}")
    lines.append('revision = ""  # as printed on the board')
    return "\n".join(lines)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # TOML's basic strings are written like JSON's
