"""What can fail for the host's USB, tried again: uploads, and boards that are looked for. Never a verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from harness.errors import BoardNotFound, UploadFailed

T = TypeVar("T")

RETRIES = 2
"""For each variant, over all that it does."""


class Attempts:
    """Tries things, and keeps count of what had to be tried again.

    Args:
        say: told of each.

    Attributes:
        told: one line about each, for the record.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.told: list[str] = []

    def of(self, what: str, attempt: Callable[[], T]) -> T:
        """The answer of an attempt that did not fail.

        Raises:
            UploadFailed, BoardNotFound: as often as there are retries, and once more.
        """
        while True:
            try:
                return attempt()
            except (UploadFailed, BoardNotFound) as failure:
                if len(self.told) == RETRIES:
                    raise
                self.told.append(f"{what}: tried again, {len(self.told) + 1} of {RETRIES}, after {failure}")
                self._say(self.told[-1])
