"""The JSON answers of arduino-cli 1.2 and later.

arduino-cli leaves out keys that are empty, zero or false, or gives them as null: each field has that as its
default.
Source: internal/cli/feedback/result/rpc.go of arduino-cli 1.5.
"""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import NamedTuple

from msgspec import Struct, field


class MatchingBoard(Struct, frozen=True):
    """A kind of board that a port may belong to, such as "Arduino Nano 33 BLE"."""

    name: str = ""
    fqbn: str = ""


class DetectedPort(NamedTuple):
    """One port of `board list`.

    Attributes:
        address: such as "/dev/ttyACM0".
        protocol: "serial", "network" or another discovery's.
        serial_number: of the USB device; empty where it has none.
        vid: USB vendor, such as 0x2341; 0 if the port is not a USB device.
        pid: USB product, such as 0x805A; 0 if the port is not a USB device.
        boards: kinds of boards of installed cores; empty without a core that knows the device.
        location: of the USB socket, such as "1-1.4"; empty if unknown, as arduino-cli leaves it.
    """

    address: str
    protocol: str = ""
    serial_number: str = ""
    vid: int = 0
    pid: int = 0
    boards: tuple[MatchingBoard, ...] = ()
    location: str = ""


class _Port(Struct, frozen=True):
    address: str = ""
    protocol: str = ""
    properties: dict[str, str] = {}


class _PortEntry(Struct, frozen=True):
    port: _Port = _Port()
    matching_boards: tuple[MatchingBoard, ...] = ()

    def detected(self) -> DetectedPort:
        usb = self.port.properties
        vid, pid = (_usb_id(usb.get(key, "")) for key in ("vid", "pid"))
        number = usb.get("serialNumber", "")
        return DetectedPort(self.port.address, self.port.protocol, number, vid, pid, self.matching_boards)


class ListAnswer(Struct, frozen=True):
    """The answer of a list, which arduino-cli adds its warnings to."""

    warnings: tuple[str, ...] = ()


def _usb_id(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:  # no USB device
        return 0


class BoardList(ListAnswer, frozen=True):
    """The answer of `board list`."""

    detected_ports: tuple[_PortEntry, ...] = ()


class Core(Struct, frozen=True):
    """An installed core, such as "arduino:mbed_nano" in version "4.6.0"."""

    id: str = ""
    version: str = field(name="installed_version", default="")


class CoreList(ListAnswer, frozen=True):
    """The answer of `core list`."""

    platforms: tuple[Core, ...] = ()


class Library(Struct, frozen=True):
    """An installed library; `install_dir` is empty where arduino-cli does not report it."""

    name: str = ""
    version: str = ""
    install_dir: str = ""


class _LibraryEntry(Struct, frozen=True):
    library: Library = Library()


class LibraryList(ListAnswer, frozen=True):
    """The answer of `lib list`."""

    installed_libraries: tuple[_LibraryEntry, ...] = ()


class Section(Struct, frozen=True):
    """Bytes that an image takes of one kind of memory: "text" (flash) or "data" (RAM)."""

    name: str = ""
    size: int = 0


class Diagnostic(Struct, frozen=True):
    """A message of the compiler about one place; lines and columns count from 1, 0 is unknown.

    The lines of the message after the first show the source.
    """

    severity: str = ""
    message: str = ""
    file: str = ""
    line: int = 0
    column: int = 0

    @property
    def is_error(self) -> bool:
        return self.severity in ("ERROR", "FATAL")

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        message = self.message.partition("\n")[0]
        return f"{place}: {message}" if place else message


class BuildResult(Struct, frozen=True):
    """The part of a compilation's answer that only exists once the core was found."""

    executable_sections_size: tuple[Section, ...] = ()
    used_libraries: tuple[Library, ...] = ()
    build_properties: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def properties(self) -> dict[str, str]:
        """The expanded build properties."""
        return dict(line.split("=", 1) for line in self.build_properties if "=" in line)


class CompileAnswer(Struct, frozen=True):
    """The answer of `compile`, whether it succeeded or not."""

    success: bool
    error: str = ""
    compiler_out: str = ""
    compiler_err: str = ""
    builder_result: BuildResult | None = None

    @property
    def result(self) -> BuildResult:
        return self.builder_result or BuildResult()


class Compiled(NamedTuple):
    """A compiled sketch.

    Attributes:
        image: the ELF file; .bin and .hex lie beside it.
        text_bytes: flash, by the core's own rule.
        data_bytes: .data and .bss; heap and stack are not counted.
        used_libraries: everything that was compiled in beside core and sketch.
        toolchain: such as "arm-none-eabi-gcc 7-2017q4".
    """

    image: Path
    text_bytes: int
    data_bytes: int
    used_libraries: tuple[Library, ...]
    toolchain: str


def compiled(result: BuildResult, image: Path) -> Compiled | None:
    """Return the result of a compilation that succeeded; None if it does not have the image's size."""
    sizes = {section.name: section.size for section in result.executable_sections_size}
    if not {"text", "data"} <= sizes.keys():
        return None
    properties = result.properties
    # Cores unpack a tool into .../tools/<name>/<version>/bin/, which is the value of compiler.path.
    parts = PurePath(properties.get("compiler.path", "")).parts
    toolchain = properties.get("compiler.cpp.cmd", "")
    if "tools" in parts and len(parts) > (place := parts.index("tools")) + 2:
        toolchain = f"{parts[place + 1]} {parts[place + 2]}"
    return Compiled(image, sizes["text"], sizes["data"], result.used_libraries, toolchain)


class VersionAnswer(Struct, frozen=True):
    """The answer of `version`."""

    version: str = field(name="VersionString", default="")


class _Output(Struct, frozen=True):
    stdout: str = ""
    stderr: str = ""


class FailureAnswer(Struct, frozen=True):
    """The answer of a failed call: arduino-cli's sentence, and the output of the tools that it ran."""

    error: str
    output: _Output = _Output()
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = (self.error, self.output.stderr or self.output.stdout, *self.warnings)
        return "\n".join(filter(None, parts))
