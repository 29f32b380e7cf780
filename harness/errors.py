"""Failures of a bench: one class per kind, each with what happened, where, and what to do."""

from __future__ import annotations

from models.errors import UserFacingError

EXIT_CLEAN = 0
EXIT_USAGE = 2
EXIT_REGRESSED = 3
EXIT_BROKEN = 4
EXIT_INCONCLUSIVE = 5


class EarshotError(UserFacingError):
    """Base class of the failures of a bench."""

    exit_code = EXIT_BROKEN


class UsageError(EarshotError):
    """An invalid command, configuration or input file."""

    failure = "usage"
    exit_code = EXIT_USAGE


class BuildFailed(EarshotError):
    """No image: a tool is missing, the compiler failed, or the engine lacks an operator."""

    failure = "build"


class Unsupported(BuildFailed):
    """A model that an engine cannot run."""

    failure = "unsupported"
    exit_code = EXIT_USAGE


class DoesNotFit(BuildFailed):
    """An image larger than the board. It is a result and becomes a row of the report.

    Args:
        section: "flash" or "ram".
        needed_bytes: of the image; 0 if the linker did not report it.
        available_bytes: of the board.
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
    """A failed upload (for the emulated board: the emulator did not start).

    Args:
        command: the command line that failed.
        returncode: its exit status; None after a timeout.
        stderr_tail: the end of its stderr.
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
        details = f"`{command}`" if command else ""
        if returncode is not None:
            details += f" exited with {returncode}"
        if tail := stderr_tail.strip():
            details += f": {tail}"
        super().__init__(what, where=details, remedy=remedy)


class BoardNotFound(EarshotError):
    """A missing board or serial port."""

    failure = "enumerate"


class ConnectionLost(BoardNotFound):
    """A connection that broke while a computer was measured: the run ends there and can be resumed."""


class NothingListed(BoardNotFound):
    """No port in arduino-cli's list, for a reason that arduino-cli names."""


class ProtocolError(EarshotError):
    """An unexpected answer of the board, no answer, or another image."""

    failure = "protocol"


class AcousticFailed(EarshotError):
    """A sound that did not reach the microphone as it should."""

    failure = "acoustic"


class SoundGap(AcousticFailed):
    """A gap in a played or recorded sound: the host was late. Only a repetition can be judged."""


class MeterFailed(EarshotError):
    """A power meter that is missing, or a trace from which no figure may be taken."""

    failure = "meter"


class Throttled(EarshotError):
    """A processor that was slowed down while it was timed."""

    failure = "throttled"


class AccuracyFailed(EarshotError):
    """Failed conformance: features or outputs differ from the oracle."""

    failure = "accuracy"


BREAKING = (UploadFailed, BoardNotFound, ProtocolError)
"""Failures that leave a board in an unknown state: it counts as broken for the rest of the run."""
