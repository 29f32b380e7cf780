"""Failed calls of arduino-cli: sentences and remedies, and the numbers of an image that is too large."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from harness.arduino_cli.answers import CompileAnswer
from harness.errors import DoesNotFit, EarshotError, UploadFailed

BY_HAND = "Try the command by hand, with --verbose instead of --json."
INSTALL = (
    "Install arduino-cli (https://arduino.github.io/arduino-cli/latest/installation/), "
    "or point EARSHOT_ARDUINO_CLI at it."
)

NEEDS_PROGRAMMER = 11
"""The only exit status that tells more than 1 does (internal/cli/feedback/errorcodes.go): others do not come
from the calls of `ArduinoCli`, or do not mean what their names say."""

_TAIL_CHARACTERS = 1000
_SHOWN_ERRORS = 3  # the first errors of a compiler are the cause, the others mostly follow from them
_MEMORY = {"flash": "upload.maximum_size", "ram": "upload.maximum_data_size"}
_WEIGHED = {  # in English, because ARDUINO_LOCALE is pinned (internal/arduino/builder/sizer.go)
    "flash": re.compile(r"Sketch uses (\d+) bytes"),
    "ram": re.compile(r"Global variables use (\d+) bytes"),
}
_OVERFLOW = re.compile(r"region `(?P<region>\w+)' overflowed by (?P<bytes>\d+) byte")
_BACKWARDS = re.compile(r"cannot move location counter backwards \(from (?P<end>\w+) to (?P<limit>\w+)\)")
_FLASH_REGION = re.compile("flash|rom|text", re.IGNORECASE)


def failure(
    kind: type[EarshotError],
    what: str,
    command: str,
    *,
    status: int | None = None,
    output: str = "",
    remedy: str = BY_HAND,
) -> EarshotError:
    """Return a failure of the given class.

    Args:
        kind: UploadFailed for an upload, and so on.
        what: one sentence without a full stop.
        command: the command line.
        status: exit status; None if the command did not start or was cut off.
        output: error messages; only the end is kept, in one line.
        remedy: what the user can do.
    """
    tail = " ".join(output[-_TAIL_CHARACTERS:].replace("\0", " ").split())
    if issubclass(kind, UploadFailed):
        return kind(what, command=command, returncode=status, stderr_tail=tail, remedy=remedy)
    ending = "" if status is None else f" exited with {status}"
    return kind(what, where=f"`{command}`{ending}{': ' if tail else ''}{tail}", remedy=remedy)


def nothing_listed(
    kind: type[EarshotError], item: str, command: str, warnings: Sequence[str]
) -> EarshotError:
    """Return the failure of an empty list, with arduino-cli's warnings, the likely causes."""
    text = "; ".join(warnings)
    if "permission denied" in text.lower():
        remedy = "Give this user access to what arduino-cli names."
    else:
        remedy = (
            "Correct what arduino-cli names. Run `arduino-cli core update-index` and `arduino-cli core list` "
            "with a network if an index or a discovery is missing."
        )
    return failure(
        kind, f"arduino-cli lists no {item} and gives a reason", command, output=text, remedy=remedy
    )


def not_compiled(kind: type[EarshotError], command: str, answer: CompileAnswer) -> EarshotError:
    """Return the failure of a compilation for another reason than size."""
    if "No space left on device" in answer.compiler_err + answer.error:
        remedy = "Free space on the disk of the build folder."
        return failure(kind, "the disk is full", command, remedy=remedy)
    diagnostics = answer.result.diagnostics
    errors = [str(diagnostic) for diagnostic in diagnostics if diagnostic.is_error][:_SHOWN_ERRORS]
    if errors:
        remedy = "Correct the source named first."
        return failure(kind, "the sketch does not compile", command, output="; ".join(errors), remedy=remedy)
    output = "\n".join(filter(None, (answer.compiler_err, answer.error)))
    return failure(
        kind, "the sketch was not built", command, output=output, remedy=f"{BY_HAND} Is the core installed?"
    )


def too_large(answer: CompileAnswer, sketch: str) -> DoesNotFit | None:
    """Return the failure of an image that does not fit the board; None for any other failure.

    The linker scripts of ArduinoCore-mbed end where the board's memory ends, so that the linker refuses most
    such images: "region `FLASH' overflowed by 12 bytes", and for RAM, where the script sets the heap's end,
    "cannot move location counter backwards (from 20040210 to 2003fc00)". These are GNU ld's words, in English
    because LC_ALL is pinned; tried with the script of the Nano 33 BLE and binutils 2.40. An image that links
    is weighed by arduino-cli itself, which prints the sizes.
    """
    properties = answer.result.properties
    limits = {memory: int(properties.get(key) or 0) for memory, key in _MEMORY.items()}
    needed = _linked_beyond(answer.compiler_err, limits)
    if not needed:
        found = {memory: pattern.search(answer.compiler_out) for memory, pattern in _WEIGHED.items()}
        needed = {memory: int(match[1]) for memory, match in found.items() if match}
    for memory, count in needed.items():
        if count > limits[memory] > 0:
            return DoesNotFit(memory, count, limits[memory], where=sketch)
    return None


def _linked_beyond(compiler_err: str, limits: Mapping[str, int]) -> dict[str, int]:
    """Return the bytes that the image needs in all, by memory, where the linker reports how many it lacks."""
    needed: dict[str, int] = {}
    for match in _OVERFLOW.finditer(compiler_err):
        memory = "flash" if _FLASH_REGION.search(match["region"]) else "ram"
        needed[memory] = limits[memory] + int(match["bytes"])
    for match in _BACKWARDS.finditer(compiler_err):
        needed.setdefault("ram", limits["ram"] + int(match["end"], 16) - int(match["limit"], 16))
    return needed
