"""What went wrong with a call of arduino-cli, as the failure class of its verb."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from harness.arduino_cli.answers import CompileAnswer
from harness.errors import EarshotError, UploadFailed

_TAIL_CHARACTERS = 2000
_SHOWN_ERRORS = 3  # the first errors of a compiler are the cause, the others mostly follow from them

_STATUS_SENTENCES = {  # internal/cli/feedback/errorcodes.go
    3: ("found no configuration file", "Run `arduino-cli config init`, or unset ARDUINO_CONFIG_FILE."),
    5: ("could not reach the network", "Connect the host, or install cores and libraries beforehand."),
    6: (
        "cannot use its folders or its configuration",
        "Make `arduino-cli config get directories` folders that this user can write to.",
    ),
    7: ("was called with an argument it does not take", "Check the fqbn and the port of the bench file."),
    8: ("could not listen on its TCP port", "End the other arduino-cli daemon."),
    9: ("was called with a TCP port it does not take", "Correct the daemon's port in its configuration."),
    10: (
        "cannot read its inventory",
        "Remove inventory.yaml from `arduino-cli config get directories.data`; it is made anew.",
    ),
    11: ("needs a programmer to upload", "This board is uploaded to by its bootloader: check the fqbn."),
}


@dataclass(frozen=True)
class Trouble:
    """A failed call, not yet of a class.

    Attributes:
        what: one sentence without a full stop.
        command: the command line.
        status: exit status; None if it did not start or was cut off.
        said: its error, and the end of what its tools wrote to stderr.
        remedy: what the reader should try.
    """

    what: str
    command: str
    status: int | None = None
    said: str = ""
    remedy: str = ""

    def as_error(self, kind: type[EarshotError]) -> EarshotError:
        """This trouble as the failure class of a verb, with command, status and tail."""
        said = self.said.strip()[-_TAIL_CHARACTERS:]
        if issubclass(kind, UploadFailed):
            return kind(
                self.what,
                command=self.command,
                returncode=self.status,
                stderr_tail=said,
                remedy=self.remedy,
            )
        ending = "" if self.status is None else f" exited with {self.status}"
        return kind(
            self.what, where=f"`{self.command}`{ending}{': ' if said else ''}{said}", remedy=self.remedy
        )


def missing(command: str) -> Trouble:
    """There is no such command."""
    return Trouble(
        "arduino-cli is not installed",
        command,
        remedy="Install arduino-cli (https://arduino.github.io/arduino-cli/latest/installation/), "
        "or point EARSHOT_ARDUINO_CLI at it.",
    )


def not_startable(command: str, reason: str) -> Trouble:
    """The operating system does not start it."""
    return replace(missing(command), what="arduino-cli cannot be started", said=reason)


def too_old(command: str, version: str, minimum: str) -> Trouble:
    """Its answers are not those that the wrapper reads."""
    return Trouble(
        f"arduino-cli {version or 'of an unknown version'} is too old: {minimum} or later is needed",
        command,
        remedy="Install a current arduino-cli.",
    )


def hung(command: str, seconds: float, stderr: str) -> Trouble:
    """It was killed after a timeout, and everything it had started with it."""
    return Trouble(
        f"arduino-cli did not end within {seconds:.0f} s and was killed",
        command,
        said=stderr,
        remedy="Try the command by hand; offline, a missing index or an unknown board can stall it.",
    )


def flooded(command: str, stderr: str) -> Trouble:
    """It was killed because it would not stop writing."""
    return Trouble(
        "arduino-cli wrote without end and was killed",
        command,
        said=stderr,
        remedy="Try the command by hand; what EARSHOT_ARDUINO_CLI names should be arduino-cli.",
    )


def crashed(command: str, status: int | None, said: str) -> Trouble:
    """No JSON where there must be some."""
    return Trouble(
        "arduino-cli crashed: it answered no JSON",
        command,
        status,
        said,
        remedy="Try the command by hand; reinstall arduino-cli if it fails there as well.",
    )


def failed(command: str, status: int | None, said: str) -> Trouble:
    """It reported a failure: the status becomes a sentence, its own words stay as they are."""
    what, remedy = _STATUS_SENTENCES.get(
        status or 0, ("failed", "Try the command by hand, with --verbose instead of --json.")
    )
    return Trouble(f"arduino-cli {what}", command, status, said, remedy)


def not_compiled(command: str, answer: CompileAnswer) -> Trouble:
    """A compilation that failed for another reason than size."""
    if "No space left on device" in answer.compiler_err + answer.error:
        return Trouble("the disk is full", command, remedy="Free space on the disk of the build folder.")
    errors = [str(diagnostic) for diagnostic in answer.diagnostics if diagnostic.is_error][:_SHOWN_ERRORS]
    if errors:
        remedy = "Correct the source named first."
        return Trouble("the sketch does not compile", command, said="; ".join(errors), remedy=remedy)
    return Trouble(
        "the sketch was not built",
        command,
        said="\n".join(filter(None, (answer.compiler_err, answer.error))),
        remedy="Try the command by hand, with --verbose instead of --json; is the core installed?",
    )


def no_image(command: str, image: Path) -> Trouble:
    """A compilation that succeeded and left no image where it should be."""
    return Trouble(
        f"arduino-cli reported success, but there is no {image.name} in {image.parent}",
        command,
        remedy="Name the sketch's folder like its .ino file.",
    )


def not_there(command: str, what: str) -> Trouble:
    """An installation that succeeded and left nothing."""
    return Trouble(
        f"arduino-cli reported success, but {what} is not installed",
        command,
        remedy="Run `arduino-cli core update-index` and `arduino-cli lib update-index`, then try again.",
    )


def incomplete(command: str, warnings: tuple[str, ...]) -> Trouble:
    """`board list` without its serial discovery sees nothing, whatever is plugged in."""
    return Trouble(
        "arduino-cli is incomplete: without its serial-discovery it sees no board, whatever is plugged in",
        command,
        said="; ".join(warnings),
        remedy="Run `arduino-cli core update-index` and `arduino-cli core list` while the host is online.",
    )
