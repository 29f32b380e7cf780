"""A user's own keywords: recorded with the host's microphone, judged, trimmed and listed; and played back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path


def record(
    label: str,
    folder: Path,
    device: str | None,
    takes: int,
    seconds: float,
    say: Callable[[str], None],
) -> list[Path]:
    """Records a keyword several times into `<folder>/<label>/`, and lists the takes in the folder's manifest.

    Args:
        label: the word; becomes the folder's name.
        folder: of recordings, such as the checkout's.
        device: part of the microphone's name; None or empty for the system's own choice.
        takes: how many.
        seconds: how long each take listens.
        say: told a line about each step.

    Returns:
        The files that were written.

    Raises:
        UsageError: the label is no name of a folder.
        AcousticFailed: no such microphone, or it stopped, or take after take was unusable.
    """
    raise NotImplementedError


def play(paths: Sequence[Path], device: str | None, say: Callable[[str], None]) -> None:
    """Plays recordings one after another, with a line on the level of each.

    Args:
        paths: WAV files; of a folder, all in it.
        device: part of the output's name; None or empty for the system's own choice.
        say: told a line for each file.

    Raises:
        UsageError: there is nothing to play.
        DatasetError: a file is no sound.
        AcousticFailed: see `harness.audio.speaker.Speaker.play`.
    """
    raise NotImplementedError
