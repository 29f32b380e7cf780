"""The JSON that arduino-cli answers, as frozen dataclasses. Pure: nothing is run, no text is interpreted.

A key that is missing means empty, zero or false, as arduino-cli leaves out what is. Whatever has another
type than it should counts as missing too: an answer never raises here, it is only as empty as it is.
Source: internal/cli/feedback/result/rpc.go of arduino-cli 1.5, and the list formats back to 0.18.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


class MatchingBoard(NamedTuple):
    """A board that a port's USB identity may be.

    Attributes:
        name: such as "Arduino Nano 33 BLE".
        fqbn: such as "arduino:mbed_nano:nano33ble".
    """

    name: str
    fqbn: str


@dataclass(frozen=True)
class DetectedPort:
    """One port of `board list`.

    Attributes:
        address: such as "/dev/ttyACM0".
        protocol: "serial", "network" or another discovery's.
        serial_number: of the USB device, as it tells it; empty where it tells none.
        vid: USB vendor, such as 0x2341; 0 if it is not a USB device.
        pid: USB product, such as 0x805A; 0 if it is not a USB device.
        boards: what installed cores take it for; empty without a core that knows it.
    """

    address: str
    protocol: str = ""
    serial_number: str = ""
    vid: int = 0
    pid: int = 0
    boards: tuple[MatchingBoard, ...] = ()


@dataclass(frozen=True)
class Core:
    """An installed core, such as "arduino:mbed_nano" in version "4.6.0"."""

    id: str
    version: str


@dataclass(frozen=True)
class Library:
    """An installed library; `folder` is where it lies, None where arduino-cli does not tell."""

    name: str
    version: str
    folder: Path | None = None


@dataclass(frozen=True)
class Diagnostic:
    """What the compiler said about one place.

    Attributes:
        severity: "ERROR", "FATAL" or "WARNING".
        line: from 1; 0 if not told.
        column: from 1; 0 if not told.
    """

    severity: str
    message: str
    file: str = ""
    line: int = 0
    column: int = 0

    @property
    def is_error(self) -> bool:
        """Whether it ended the compilation."""
        return self.severity in ("ERROR", "FATAL")

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return f"{place}: {self.message}" if place else self.message


@dataclass(frozen=True)
class Section:
    """What an image takes of one kind of memory: name "text" (flash) or "data" (RAM), in bytes."""

    name: str
    bytes: int
    max_bytes: int


@dataclass(frozen=True)
class CompileAnswer:
    """The answer of `compile`, whether it succeeded or not; `Compiled` is what is left of it."""

    success: bool
    error: str = ""
    compiler_err: str = ""
    build_path: Path | None = None
    sections: tuple[Section, ...] = ()
    core: Core = Core("", "")
    used_libraries: tuple[Library, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()


def detected_ports(answer: Any) -> list[DetectedPort]:
    """Reads `board list` of any arduino-cli since 0.18.

    1.0 and later: an object with `detected_ports`. 0.19 to 0.35: a list of the same entries. 0.18 and
    older: a list of flat entries with `boards` and `serial_number`.
    """
    entries = _list(answer) if isinstance(answer, list) else _list(_get(answer, "detected_ports"))
    ports = [_detected_port(entry) for entry in entries if isinstance(entry, dict)]
    return [port for port in ports if port.address]


def cores(answer: Any) -> list[Core]:
    """Reads `core list`: what is installed. Before 1.0 it was a bare list with `installed`."""
    entries = _list(answer) if isinstance(answer, list) else _list(_get(answer, "platforms"))
    found = [
        Core(_text(entry, "id"), _text(entry, "installed_version") or _text(entry, "installed"))
        for entry in entries
    ]
    return [core for core in found if core.id and core.version]


def libraries(answer: Any) -> list[Library]:
    """Reads `lib list`. Before 1.0 it was a bare list."""
    entries = _list(answer) if isinstance(answer, list) else _list(_get(answer, "installed_libraries"))
    found = [_library(_get(entry, "library")) for entry in entries]
    return [library for library in found if library.name]


def compile_answer(answer: Any) -> CompileAnswer:
    """Reads the object of `compile`."""
    result = _get(answer, "builder_result")
    platform = _get(result, "board_platform")
    folder = _text(result, "build_path")
    return CompileAnswer(
        success=_get(answer, "success") is True,
        error=_text(answer, "error"),
        compiler_err=_text(answer, "compiler_err"),
        build_path=Path(folder) if folder else None,
        sections=tuple(
            Section(_text(entry, "name"), _count(entry, "size"), _count(entry, "max_size"))
            for entry in _list(_get(result, "executable_sections_size"))
        ),
        core=Core(_text(platform, "id"), _text(platform, "version")),
        used_libraries=tuple(_library(entry) for entry in _list(_get(result, "used_libraries"))),
        properties=_properties(_list(_get(result, "build_properties"))),
        diagnostics=tuple(
            Diagnostic(
                severity=_text(entry, "severity").upper(),
                message=_text(entry, "message"),
                file=_text(entry, "file"),
                line=_count(entry, "line"),
                column=_count(entry, "column"),
            )
            for entry in _list(_get(result, "diagnostics"))
        ),
    )


def port_hint(answer: Any) -> str | None:
    """Where `upload` thinks the board is now; None if it does not say."""
    return _text(_get(answer, "updated_upload_port"), "address") or None


def version(answer: Any) -> str:
    """Reads `version`, such as "1.5.1"; empty if the answer is of something else."""
    return _text(answer, "VersionString")


def version_numbers(text: str) -> tuple[int, int, int] | None:
    """The numbers of a version such as "1.5.1" or "1.0.0-rc.2"; None for "nightly" or "git-snapshot"."""
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def error(answer: Any) -> str:
    """The sentence of a failure, in the language of arduino-cli: to be shown, never to be interpreted."""
    return _text(answer, "error")


def error_output(answer: Any) -> str:
    """What the tools that a failed call ran had written to stderr, or to stdout if that is empty."""
    output = _get(answer, "output")
    return _text(output, "stderr") or _text(output, "stdout") or _text(answer, "compiler_err")


def warnings(answer: Any) -> tuple[str, ...]:
    """What arduino-cli warned of; any object may carry it."""
    return tuple(str(entry) for entry in _list(_get(answer, "warnings")))


def _detected_port(entry: dict[str, Any]) -> DetectedPort:
    port = entry.get("port") if isinstance(entry.get("port"), dict) else entry
    usb = _get(port, "properties")
    boards = _list(entry.get("matching_boards")) or _list(entry.get("boards"))
    return DetectedPort(
        address=_text(port, "address"),
        protocol=_text(port, "protocol"),
        serial_number=_text(usb, "serialNumber") or _text(port, "serial_number"),
        vid=_hexadecimal(_text(usb, "vid") or _first_text(boards, "vid")),
        pid=_hexadecimal(_text(usb, "pid") or _first_text(boards, "pid")),
        boards=tuple(
            MatchingBoard(_text(board, "name"), _text(board, "fqbn") or _text(board, "FQBN"))
            for board in boards
        ),
    )


def _library(entry: Any) -> Library:
    folder = _text(entry, "install_dir")
    return Library(_text(entry, "name"), _text(entry, "version"), Path(folder) if folder else None)


def _properties(lines: list[Any]) -> dict[str, str]:
    pairs = (str(line).partition("=") for line in lines)
    return {key: value for key, _, value in pairs}


def _get(answer: Any, key: str) -> Any:
    return answer.get(key) if isinstance(answer, dict) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(answer: Any, key: str) -> str:
    value = _get(answer, key)
    return value if isinstance(value, str) else ""


def _first_text(entries: list[Any], key: str) -> str:
    return next((text for entry in entries if (text := _text(entry, key))), "")


def _count(answer: Any, key: str) -> int:
    """A number; the protocol buffers behind some answers write 64-bit ones as text."""
    value = _get(answer, key)
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _hexadecimal(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        return 0
