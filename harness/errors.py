"""Everything that can go wrong on a bench, each its own class with what happened, where, and what to try."""

from __future__ import annotations

from models.errors import UserFacingError

EXIT_CLEAN = 0
EXIT_USAGE = 2
EXIT_REGRESSED = 3
EXIT_BROKEN = 4
EXIT_INCONCLUSIVE = 5


class EarshotError(UserFacingError):
    """Root of the failures of a bench."""

    exit_code = EXIT_BROKEN


class UsageError(EarshotError):
    """The command, a configuration or an input file is not what it should be."""

    failure = "usage"
    exit_code = EXIT_USAGE


class BuildFailed(EarshotError):
    """No image: a tool is missing, the compiler failed, or the engine lacks an operator."""

    failure = "build"


class DoesNotFit(BuildFailed):
    """The image is larger than the board. A result, not a crash: it becomes a row of the report.

    Args:
        section: "flash" or "ram".
        needed_bytes: what the image takes; 0 if the linker did not tell.
        available_bytes: what the board has.
    """

    failure = "does-not-fit"

    def __init__(self, section: str, needed_bytes: int, available_bytes: int, *, where: str = "") -> None:
        self.section, self.needed_bytes, self.available_bytes = section, needed_bytes, available_bytes
        super().__init__(
            f"the image needs {needed_bytes:,} bytes of {section}, the board has {available_bytes:,}",
            where=where,
            remedy="Choose a smaller variant (int8, pruned) or a larger board.",
        )


class UploadFailed(EarshotError):
    """The image did not get onto the board (for the emulated board: the emulator did not start).

    Args:
        command: the command line that failed.
        returncode: its exit status; None if it was cut off by a timeout.
        stderr_tail: the end of what it wrote to stderr.
    """

    failure = "upload"

    def __init__(
        self,
        what: str,
        *,
        command: str = "",
        returncode: int | None = None,
        stderr_tail: str = "",
        remedy: str = "",
    ) -> None:
        self.command, self.returncode, self.stderr_tail = command, returncode, stderr_tail
        details = f"`{command}` exited with {returncode}: {stderr_tail.strip()}" if command else ""
        super().__init__(what, where=details, remedy=remedy)


class BoardNotFound(EarshotError):
    """The board or its serial port is not there."""

    failure = "enumerate"


class ProtocolError(EarshotError):
    """The board said something else than expected, or nothing at all, or runs another image."""

    failure = "protocol"


class AcousticFailed(EarshotError):
    """The sound did not reach the microphone as it should."""

    failure = "acoustic"


class AccuracyFailed(EarshotError):
    """The chain of trust broke: features or outputs differ from the oracle."""

    failure = "accuracy"


BREAKING = (UploadFailed, BoardNotFound, ProtocolError)
"""What leaves a board in an unknown state: it counts as broken for the rest of the run."""
