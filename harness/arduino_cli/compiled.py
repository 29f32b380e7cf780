"""What `ArduinoCli.compile` and `ArduinoCli.upload` give back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from harness.arduino_cli.answers import CompileAnswer, Diagnostic, Library, Section


@dataclass(frozen=True)
class Compiled:
    """What a compilation made.

    Attributes:
        image: the ELF file, `<output>/<sketch>.ino.elf`; .bin and .hex lie beside it.
        text_bytes: what it takes of the flash, by the core's own rule.
        text_max: bytes of flash there are; 0 if the core does not tell.
        data_bytes: .data and .bss; heap and stack are not counted.
        data_max: bytes of RAM there are; 0 if the core does not tell.
        core: such as "arduino:mbed_nano".
        core_version: of the installed core that compiled it, such as "4.6.0".
        used_libraries: whatever was compiled in beside core and sketch.
        toolchain: such as "arm-none-eabi-gcc 7-2017q4".
        compiler_flags: of C++ sources; flags in a core's files (`@cxxflags.txt`) stay the files' names.
        properties: every build property, expanded.
        diagnostics: warnings of the compiler.
    """

    image: Path
    text_bytes: int
    text_max: int
    data_bytes: int
    data_max: int
    core: str
    core_version: str
    used_libraries: tuple[Library, ...]
    toolchain: str
    compiler_flags: str
    properties: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True)
class Uploaded:
    """An upload that arduino-cli calls done; `port_hint` is where it thinks the board is now."""

    port_hint: str | None = None


def compiled(answer: CompileAnswer, image: Path) -> Compiled:
    """The answer of a compilation that succeeded, and the image it exported."""
    sizes = {section.name: section for section in answer.sections}
    text, data = (sizes.get(name, Section(name, 0, 0)) for name in ("text", "data"))
    return Compiled(
        image=image,
        text_bytes=text.bytes,
        text_max=text.max_bytes,
        data_bytes=data.bytes,
        data_max=data.max_bytes,
        core=answer.core.id,
        core_version=answer.core.version,
        used_libraries=answer.used_libraries,
        toolchain=_toolchain(answer.properties),
        compiler_flags=_compiler_flags(answer.properties),
        properties=answer.properties,
        diagnostics=answer.diagnostics,
    )


def _toolchain(properties: Mapping[str, str]) -> str:
    """Cores unpack a tool into `…/tools/<name>/<version>/bin/`, which is what `compiler.path` says."""
    parts = PurePath(properties.get("compiler.path", "")).parts
    if "tools" in parts and len(parts) > (place := parts.index("tools")) + 2:
        return f"{parts[place + 1]} {parts[place + 2]}"
    return properties.get("compiler.cpp.cmd", "")


def _compiler_flags(properties: Mapping[str, str]) -> str:
    names = ("compiler.cpp.flags", "build.extra_flags", "compiler.cpp.extra_flags")
    return " ".join(" ".join(properties.get(name, "") for name in names).split())
