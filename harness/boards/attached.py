"""Which boards are attached to this host, and which of them is meant when nobody says."""

from __future__ import annotations

import json
from dataclasses import dataclass

from harness.arduino_cli.cli import ArduinoCli
from harness.bench_file import FILE, Bench, BoardEntry
from harness.boards.port_search import is_of_kind
from harness.boards.registry import board_kinds, find_entry
from harness.errors import BoardNotFound, UsageError


@dataclass(frozen=True)
class Attached:
    """A board that arduino-cli sees.

    Attributes:
        kind: a kind of board, see `harness.boards.registry.board_kinds`.
        name: of its entry in the bench file; "" without one.
        serial_number: its USB serial number; "" if it tells none.
        port: such as "/dev/ttyACM0"; another one after each upload, perhaps.
    """

    kind: str
    name: str
    serial_number: str
    port: str


def attached(bench: Bench | None = None, cli: ArduinoCli | None = None) -> list[Attached]:
    """The attached boards of every kind that arduino-cli can tell.

    Args:
        bench: whose entries name them.
        cli: None for the arduino-cli of this machine.

    Raises:
        BoardNotFound: arduino-cli is missing, or does not answer.
    """
    ports = (cli or ArduinoCli()).detected_ports()
    names = {entry.serial_number.casefold(): entry.name for entry in (bench or Bench()).boards}
    return [
        Attached(name, names.get(port.serial_number.casefold() or "-", ""), port.serial_number, port.address)
        for port in ports
        for name, kind in board_kinds().items()
        if kind.fqbn and is_of_kind(port, kind.fqbn, kind.usb_ids)
    ]


def only_hardware(bench: Bench, port: str = "") -> BoardEntry:
    """The board that is meant where hardware is asked for and none is named.

    The bench file's only one; without any there, the only kind at the given port, or the only attached one.

    Raises:
        BoardNotFound: there is none.
        UsageError: there are several.
        ConfigError: an entry of the bench file is of a kind that does not exist.
    """
    hardware = [name for name, kind in board_kinds().items() if kind.marker == "hardware"]
    entries = [find_entry(entry.name, bench, port) for entry in bench.boards]
    entries = [entry for entry in entries if entry.kind in hardware]
    if not entries and port:
        entries = [BoardEntry(name=kind, kind=kind, port=port) for kind in hardware]
    if not entries:
        there = [found for found in attached(bench) if found.kind in hardware]
        entries = [
            BoardEntry(name=found.kind, kind=found.kind, serial_number=found.serial_number) for found in there
        ]
        if len(entries) > 1:
            found = ", ".join(f"{one.kind} {one.serial_number} at {one.port}" for one in there)
            raise UsageError(
                f"{len(entries)} boards are attached, and none is chosen",
                where=found,
                remedy=f"Write them into {FILE}, as `earshot boards` prints them, and choose with --board.",
            )
    if len(entries) > 1:
        raise UsageError(
            f"there are {len(entries)} boards, and none is chosen",
            where=str(bench.path or ""),
            remedy=f"Choose with --board: {', '.join(entry.name for entry in entries)}.",
        )
    if not entries:
        raise BoardNotFound(
            "no board is there to be tested",
            where=f"none in {bench.path or 'a bench file'}, none that arduino-cli sees",
            remedy="Plug one in and look with `earshot boards`, or name it with --board, --bench or --port.",
        )
    return entries[0]


def ready_entry(board: Attached, name: str, core: str = "") -> str:
    """An entry of the bench file for an attached board.

    Args:
        board: which.
        name: what it is to be called.
        core: the installed core with its version; "" leaves it open.
    """
    lines = [f"[board.{name}]", f"kind = {_text(board.kind)}"]
    if board.serial_number:
        lines.append(f"serial_number = {_text(board.serial_number)}")
    else:  # nothing else tells it apart
        lines.append(f"port = {_text(board.port)}")
    if core:
        lines.append(f"core = {_text(core)}")
    lines.append('revision = ""  # as printed on the board')
    return "\n".join(lines)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # TOML's basic strings are written like JSON's
