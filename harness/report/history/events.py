"""What marks a night of a series: an epoch, an acceptance, another environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.report.history.boards import BoardHistory
from harness.report.history.series import Series


@dataclass(frozen=True)
class Event:
    """Something that is no measurement, and explains one.

    Attributes:
        night: number of the first night with it.
        kind: what it is.
        name: in a word, to stand beside it.
        sentence: the whole of it, without a full stop.
    """

    night: int
    kind: Literal["epoch", "acceptance", "environment"]
    name: str
    sentence: str


def events(board: BoardHistory, series: Series) -> list[Event]:
    """In order of time, one for each night: an epoch before an acceptance, that before the environment."""
    found: dict[int, Event] = {}
    for change in board.changes:
        names = ", ".join(sorted(change.differing))
        found[change.night] = Event(change.night, "environment", "environment", f"another {names}")
    for epoch in board.baseline.epochs if board.baseline else ():
        for acceptance in epoch.accepted[1:]:
            if str(series.name) in acceptance.series:
                night = board.first_night_from(acceptance.at)
                found[night] = Event(night, "acceptance", "accepted", f"accepted: {acceptance.reason}")
        night = board.first_night_from(epoch.since)
        reason = f": {epoch.accepted[0].reason}" if epoch.accepted else ""
        found[night] = Event(night, "epoch", f"epoch {epoch.number}", f"epoch {epoch.number}{reason}")
    return [found[night] for night in sorted(found) if night < len(board.nights)]
