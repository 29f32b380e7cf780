"""Memory that an ELF image takes of the real board."""

from __future__ import annotations

from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from harness.errors import UploadFailed

FLASH_LIMIT_BYTES = 983_040
RAM_LIMIT_BYTES = 262_144
"""Limits of the Nano 33 BLE Sense (nRF52840), with which arduino-cli compares `text` and `data`."""

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
