"""The result of one check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        name: the thing that was checked.
        present: True if it is there and usable.
        required: True if the emulated board or the bench file's boards need it.
        detail: version or place; for a missing thing, its purpose.
        remedy: instruction for a missing thing; empty if it is there.
    """

    name: str
    present: bool
    required: bool
    detail: str
    remedy: str = ""
