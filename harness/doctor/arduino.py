"""arduino-cli on a bench: itself, the cores and libraries that are pinned, the boards that are attached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from harness.arduino_cli.cli import ArduinoCli
from harness.bench_file import BoardEntry
from harness.doctor.finding import Finding
from harness.errors import EarshotError

_NAME = "arduino-cli"


def examine_arduino(entries: Sequence[BoardEntry], required: bool) -> list[Finding]:
    """What the boards of a bench file need of arduino-cli.

    Args:
        entries: the boards that are to be there.
        required: whether a bench was asked for; without one, arduino-cli alone is looked at.
    """
    tool = ArduinoCli()
    found = _asked(_NAME, required, lambda: Finding(_NAME, True, required, tool.version()))
    findings = [found]
    if not found.present:
        return findings
    for pin in dict.fromkeys(entry.core for entry in entries if entry.core):
        findings.append(_asked(pin, required, partial(_core, tool, pin, required)))
    for pin in dict.fromkeys(library for entry in entries for library in entry.libraries):
        findings.append(_asked(pin, required, partial(_library, tool, pin, required)))
    for entry in entries:
        findings.append(_asked(f"Board {entry.name}", required, partial(_board, tool, entry, required)))
    return findings


def _asked(name: str, required: bool, ask: Callable[[], Finding]) -> Finding:
    """A finding; arduino-cli's failure to answer is one too."""
    try:
        return ask()
    except EarshotError as failure:
        detail = ": ".join(part for part in (failure.what, failure.where) if part)
        return Finding(name, False, required, detail, failure.remedy)


def _core(tool: ArduinoCli, pin: str, required: bool) -> Finding:
    identity, _, version = pin.partition("@")
    installed = [core.version for core in tool.cores() if core.id == identity]
    return _pinned(f"Core {identity}", installed, version, required, f"arduino-cli core install {pin}")


def _library(tool: ArduinoCli, pin: str, required: bool) -> Finding:
    name, _, version = pin.partition("@")
    installed = [found.version for found in tool.libraries() if found.name.casefold() == name.casefold()]
    return _pinned(f"Library {name}", installed, version, required, f'arduino-cli lib install "{pin}"')


def _pinned(name: str, installed: list[str], wanted: str, required: bool, install: str) -> Finding:
    if wanted in installed:
        return Finding(name, True, required, wanted)
    there = f"{installed[0]} is installed" if installed else "not installed"
    return Finding(name, False, required, f"{there}, the bench file pins {wanted}", install)


def _board(tool: ArduinoCli, entry: BoardEntry, required: bool) -> Finding:
    if entry.port:
        return Finding(f"Board {entry.name}", True, required, f"port {entry.port}, as the bench file says")
    ports = tool.detected_ports()
    for port in ports:
        if entry.serial_number and port.serial_number == entry.serial_number:
            detail = f"serial number {entry.serial_number} at {port.address}"
            return Finding(f"Board {entry.name}", True, required, detail)
    if not entry.serial_number:
        remedy = "Run `earshot boards` with the board attached: it prints the entry."
        return Finding(f"Board {entry.name}", False, required, "no serial_number in the bench file", remedy)
    there = ", ".join(f"{port.serial_number} at {port.address}" for port in ports if port.serial_number)
    detail = f"serial number {entry.serial_number} is not attached; there is {there or 'no board'}"
    remedy = "Plug it in with a cable that carries data; a sketch that crashed: press reset twice."
    return Finding(f"Board {entry.name}", False, required, detail, remedy)
