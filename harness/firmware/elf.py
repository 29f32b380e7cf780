"""What an ELF image takes of the real board's memory."""

from __future__ import annotations

from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from harness.errors import UploadFailed

FLASH_LIMIT_BYTES = 983_040
RAM_LIMIT_BYTES = 262_144
"""Of the Nano 33 BLE Sense (nRF52840): what arduino-cli compares `text` and `data` with."""

_NOT_THE_SKETCH = (".vectors", ".core_")
"""What stands for hardware on the emulated board (sketches/emulated_core/board.ld)."""


def section_sizes(image: Path) -> dict[str, int]:
    """Bytes of each section that the sketch takes of the board, by name, in the order of the file.

    Counted are the sketch, its libraries, the engine with its constants, and what of the compiler's runtime
    they use. Not counted is the core: neither the emulated board's, which stands for hardware, nor the real
    board's (mbed OS), which is not in this image.
    """
    with image.open("rb") as stream:
        return {
            section.name: section["sh_size"]
            for section in ELFFile(stream).iter_sections()
            if section["sh_flags"] & SH_FLAGS.SHF_ALLOC
            and section["sh_size"] > 0
            and not section.name.startswith(_NOT_THE_SKETCH)
        }


def flash_and_ram(sections: dict[str, int]) -> tuple[int, int]:
    """Bytes of flash (everything but .bss) and of RAM (.data and .bss) from `section_sizes`."""
    flash = sum(size for name, size in sections.items() if name != ".bss")
    ram = sections.get(".data", 0) + sections.get(".bss", 0)
    return flash, ram


def core_address(image: Path) -> int:
    """Where the emulated board's core begins: code from there on stands for hardware and takes no time.

    Raises:
        UploadFailed: not an image for the emulated board.
    """
    try:
        with image.open("rb") as stream:
            section = ELFFile(stream).get_section_by_name(".core_text")
            if section is not None:
                return int(section["sh_addr"])
        problem = "the emulated core is not in it"
    except (ELFError, OSError) as failure:
        problem = str(failure)
    raise UploadFailed(f"{image} is no image for the emulated board: {problem}", remedy="Build it again.")
