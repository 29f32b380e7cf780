"""Tells an image that is larger than the board from every other failed compilation, by numbers.

arduino-cli reports sizes only of what it accepted, and the sentence in which it refuses the rest is
translated, so that it is not looked at. What is looked at, in this order:

1. Section sizes, should the answer have some: larger than their maximum.
2. What the linker said it lacks. The linker scripts of ArduinoCore-mbed end where the board's memory ends,
   so that the linker refuses such an image long before arduino-cli weighs it: "region `FLASH' overflowed by
   12 bytes", and for RAM, where the script sets the heap's end, "cannot move location counter backwards (from
   20040210 to 2003fc00)". GNU ld's words, in English because the call pins LC_ALL; tried with the script of
   the Nano 33 BLE and binutils 2.40. What is needed is the board's limit and what was lacking.
3. A linked image in the build folder, written during this call. arduino-cli weighs it by the core's regular
   expressions over the lines of `size -A` (internal/arduino/builder/sizer.go), and so do we.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from harness.arduino_cli.answers import CompileAnswer
from harness.errors import DoesNotFit

_MEMORY = {"text": "flash", "data": "ram"}  # arduino-cli's names of sections, and what they occupy
_LIMITS = {"text": "upload.maximum_size", "data": "upload.maximum_data_size"}
_RULES = {"text": "recipe.size.regex", "data": "recipe.size.regex.data"}
_OVERFLOW = re.compile(r"region `(?P<region>\w+)' overflowed by (?P<bytes>\d+) byte")
_BACKWARDS = re.compile(r"cannot move location counter backwards \(from (?P<end>\w+) to (?P<limit>\w+)\)")
_FLASH_REGION = re.compile("flash|rom|text", re.IGNORECASE)
_CLOCK_STEP_S = 2.0  # the coarsest time stamps of file systems in use


def too_large(answer: CompileAnswer, started: float, sketch: str = "") -> DoesNotFit | None:
    """What to raise for an image that does not fit; None if it fits, or if something else is wrong.

    Args:
        answer: of `compile`.
        started: `time.time()` before the call; an older image tells nothing about this one.
        sketch: its name, for the message.
    """
    for section in answer.sections:
        if 0 < section.max_bytes < section.bytes:
            return _does_not_fit(section.name, section.bytes, section.max_bytes, sketch)
    if answer.success or any(diagnostic.is_error for diagnostic in answer.diagnostics):
        return None
    limits = _limits(answer.properties)
    for name, needed in (_linked_beyond(answer.compiler_err, limits) or _weighed(answer, started)).items():
        if name in limits and needed > limits[name]:
            return _does_not_fit(name, needed, limits[name], sketch)
    return None


def _does_not_fit(name: str, needed: int, available: int, sketch: str) -> DoesNotFit:
    return DoesNotFit(_MEMORY.get(name, name), needed, available, where=sketch)


def _limits(properties: Mapping[str, str]) -> dict[str, int]:
    """Bytes that the board has, by section name."""
    values = {name: properties.get(key, "") for name, key in _LIMITS.items()}
    return {name: int(value) for name, value in values.items() if value.isdecimal()}


def _linked_beyond(compiler_err: str, limits: Mapping[str, int]) -> dict[str, int]:
    """Bytes that the image needs in all, by section name, where the linker says what it lacks."""
    needed: dict[str, int] = {}
    for match in _OVERFLOW.finditer(compiler_err):
        name = "text" if _FLASH_REGION.search(match["region"]) else "data"
        needed[name] = limits.get(name, 0) + int(match["bytes"])
    for match in _BACKWARDS.finditer(compiler_err):
        needed.setdefault("data", limits.get("data", 0) + int(match["end"], 16) - int(match["limit"], 16))
    return needed


def _weighed(answer: CompileAnswer, started: float) -> dict[str, int]:
    """Bytes by section name of the image that this call linked; empty if it linked none."""
    project = answer.properties.get("build.project_name", "")
    if not project or answer.build_path is None:
        return {}
    image = answer.build_path / f"{project}.elf"
    if not image.is_file() or image.stat().st_mtime < started - _CLOCK_STEP_S:
        return {}
    try:
        lines = _section_lines(image)
        rules = {name: answer.properties[key] for name, key in _RULES.items() if key in answer.properties}
        return {name: _sum(rule, lines) for name, rule in rules.items()}
    except (ELFError, re.error):  # half an image, or a rule in Go's dialect only
        return {}


def _section_lines(image: Path) -> str:
    """The sections as `size -A` lists them, which is what a core's rules match."""
    with image.open("rb") as stream:
        sections = list(ELFFile(stream).iter_sections())
    return "\n".join(f"{section.name} {section['sh_size']} {section['sh_addr']}" for section in sections[1:])


def _sum(rule: str, lines: str) -> int:
    """All numbers that the rule's groups capture, added up, as arduino-cli's `computeSize` does."""
    groups = (group for match in re.finditer(rule, lines, re.MULTILINE) for group in match.groups())
    return sum(int(group) for group in groups if group and group.isdecimal())
