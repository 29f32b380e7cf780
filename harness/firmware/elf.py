"""Memory that an ELF image takes of the real board."""

from __future__ import annotations

import bisect
import subprocess
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from harness.errors import BuildFailed, UploadFailed

FLASH_LIMIT_BYTES = 983_040
RAM_LIMIT_BYTES = 262_144
"""Limits of the Nano 33 BLE Sense (nRF52840), with which arduino-cli compares `text` and `data`."""

_DEMANGLER = "arm-none-eabi-c++filt"  # of binutils-arm-none-eabi, as are the compiler's assembler and linker
_HARDWARE_SECTIONS = (".vectors", ".core_")  # of the emulated board: board.ld


def section_sizes(image: Path) -> dict[str, int]:
    """Return the bytes of each section by name, in the order of the file.

    The sections hold the sketch, its libraries, the engine with its constants and the used parts of the
    compiler's runtime. The core is not counted: the emulated board's stands for hardware, and the real
    board's (mbed OS) is not in this image.
    """
    with image.open("rb") as stream:
        return {
            section.name: section["sh_size"]
            for section in ELFFile(stream).iter_sections()
            if section["sh_flags"] & SH_FLAGS.SHF_ALLOC
            and section["sh_size"] > 0
            and not section.name.startswith(_HARDWARE_SECTIONS)
        }


def flash_and_ram(sections: dict[str, int]) -> tuple[int, int]:
    """Return the bytes of flash (all but .bss) and of RAM (.data and .bss) from `section_sizes`."""
    flash = sum(size for name, size in sections.items() if name != ".bss")
    ram = sections.get(".data", 0) + sections.get(".bss", 0)
    return flash, ram


def core_address(image: Path) -> int:
    """Return the address of the emulated board's core; code from there on is hardware and takes no time.

    Raises:
        UploadFailed: the file is not an image for the emulated board.
    """
    try:
        with image.open("rb") as stream:
            section = ELFFile(stream).get_section_by_name(".core_text")
            if section is not None:
                return int(section["sh_addr"])
        problem = "it lacks the emulated core"
    except (ELFError, OSError) as failure:
        problem = str(failure)
    raise UploadFailed(f"{image} is not an image for the emulated board: {problem}", remedy="Build it again.")


@dataclass(frozen=True)
class Functions:
    """The functions of an image, in the order of their addresses."""

    starts: tuple[int, ...]
    names: tuple[str, ...]

    def at(self, address: int) -> str:
        """Return the name of the function that contains an address, "?" before the first one."""
        place = bisect.bisect(self.starts, address) - 1
        return self.names[place] if place >= 0 else "?"

    def range_of(self, name: str) -> tuple[int, int]:
        """Return start and end of a function; raises BuildFailed if the image has none of this name."""
        if name not in self.names:
            raise BuildFailed(
                f"the image has no function {name}, so its profile cannot be told apart",
                remedy="Build with the compiler of `earshot doctor`, without link-time optimization.",
            )
        place = self.names.index(name)
        starts = (*self.starts, 1 << 32)
        return starts[place], starts[place + 1]


def functions(image: Path) -> Functions:
    """Return the functions of an image, with C++ names without parameters and namespace earshot.

    Raises:
        BuildFailed: binutils for the board are not installed.
    """
    with image.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        symbols = {
            symbol["st_value"] & ~1: symbol.name
            for symbol in (table.iter_symbols() if table else ())
            if symbol["st_info"]["type"] == "STT_FUNC"
        }
    try:
        answer = subprocess.run(
            [_DEMANGLER, "--no-params"], input="\n".join(symbols.values()), capture_output=True, text=True
        )
    except OSError as problem:
        remedy = "Install it: apt-get install binutils-arm-none-eabi"
        raise BuildFailed(f"{_DEMANGLER} does not run: {problem.strerror}", remedy=remedy) from problem
    short = answer.stdout.replace("(anonymous namespace)::", "").replace("earshot::", "")
    pairs = sorted(zip(symbols, short.splitlines(), strict=True))
    return Functions(tuple(start for start, _ in pairs), tuple(name for _, name in pairs))
