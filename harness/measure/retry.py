"""Retries of uploads, port search and playback, which can fail on the host's side.

Before the last attempt the board is recovered by the bench's command, if it has one.

A verdict is never retried, and a sound with a gap is never judged.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from harness.errors import BoardNotFound, SoundGap, UploadFailed
from models import progress

T = TypeVar("T")

MOST_RETRIES = 2


class Retries:
    """Counter of retries, shared by all attempts of one measurement.

    Args:
        recover: brings the board back, see `Board.recover`; None for a board that cannot be.

    Attributes:
        notes: one line per retry, for the record.
    """

    def __init__(self, recover: Callable[[], str] | None = None) -> None:
        self.notes: list[str] = []
        self._recover, self._recovery = recover, ""

    def run(self, what: str, attempt: Callable[[], T], transcripts: Iterable[Path] = ()) -> T:
        """Call `attempt` until it succeeds, with at most `MOST_RETRIES` retries over the counter's life.

        Args:
            transcripts: written by an attempt; those of a failed one are kept under another name.

        Raises:
            UploadFailed, BoardNotFound, SoundGap: no retry is left.
        """
        while True:
            try:
                return attempt()
            except (UploadFailed, BoardNotFound, SoundGap) as failure:
                if len(self.notes) == MOST_RETRIES:
                    if self._recovery:
                        failure.what += (
                            f", in attempt {MOST_RETRIES + 1} after the board was {self._recovery}"
                        )
                    raise
                for transcript in transcripts:
                    keep_failed(transcript, len(self.notes) + 1)
                attempts = len(self.notes) + 1
                note = f"{what}: retry {attempts} of {MOST_RETRIES} after {failure}"
                if attempts == MOST_RETRIES and self._recover and not isinstance(failure, SoundGap):
                    self._recovery = self._recover()
                if self._recovery:
                    note = f"{note.rstrip('.')}; {self._recovery} after {attempts} attempts"
                self.notes.append(note)
                progress.warn(note)


def keep_failed(transcript: Path, attempt: int = 1) -> None:
    """Rename a transcript, if there is one, from `x.log` to `x.failed-N.log`, N from `attempt` on."""
    if not transcript.exists():
        return
    for number in itertools.count(attempt):
        kept = transcript.with_name(f"{transcript.stem}.failed-{number}{transcript.suffix}")
        if not kept.exists():
            transcript.rename(kept)
            return
