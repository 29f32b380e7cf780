"""View of a live session: level, scores and detections as they come, on a terminal or in plain lines."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Self

from harness.link.events import Detection, Event, Inference, Overrun, label_of_name
from harness.measure.live import BEHIND_S
from models.progress import Level

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from harness.measure.live import LiveSession

_LINE_S = 1.0
"""Time between two plain lines about level and scores."""
_REFRESH_HZ = 10.0  # of the display on a terminal
_FLOOR_DBFS = -70.0  # level of an empty bar
_WIDTH = 30  # characters of a full bar
_SHOWN = 12  # labels on a terminal


class LiveView:
    """A view on stdout.

    Args:
        level: verbosity; a quiet one shows detections only.

    Attributes:
        detected: number of detections by label.
    """

    def __init__(self, level: Level = Level.NORMAL) -> None:
        self.detected: Counter[str] = Counter()
        self._level = level
        self._live: Live | None = None
        self._is_terminal = (
            level > Level.QUIET and sys.stdout.isatty() and os.environ.get("TERM") not in ("dumb", None)
        )
        self._shown_s = -1e9
        self._word = ""
        self._losses = 0

    def show(self, session: LiveSession, event: Event, word: str) -> None:
        """Show an event of a session, and the word to be said now."""
        if word != self._word:
            self._word = word
            if word:
                self._print(f"say: {word}")
        losses = session.sound.capture.losses if session.sound else []
        for loss in losses[self._losses :]:
            self._print(f"{session.heard_s:8.2f} s  {loss}")
        self._losses = len(losses)
        if isinstance(event, Detection):
            label = label_of_name(event.label, session.labels)
            self.detected[label] += 1
            self._print(f"{event.device_ms / 1000:8.2f} s  {label}  (average {event.score})")
        elif isinstance(event, Overrun):
            self._print(f"{event.device_ms / 1000:8.2f} s  the board lost {event.samples_lost:,} samples")
        elif isinstance(event, Inference) and self._level > Level.QUIET:
            self._show_state(session, event)

    def close(self) -> None:
        """End the live display."""
        if self._live:
            self._live.stop()
            self._live = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _show_state(self, session: LiveSession, event: Inference) -> None:
        now_s = time.monotonic()
        if now_s - self._shown_s < (1 / _REFRESH_HZ if self._is_terminal else _LINE_S):
            return
        self._shown_s = now_s
        if self._is_terminal:
            self._update(session, event)
            return
        scores = (f"{label} {score}" for label, score in zip(session.labels, event.scores, strict=True))
        state = (f"{session.heard_s:8.2f} s", _level(session), _lag(session), f"scores: {', '.join(scores)}")
        self._print("  ".join(filter(None, state)))

    def _update(self, session: LiveSession, event: Inference) -> None:
        # rich takes 0.1 s to import, which a view without a terminal need not pay.
        from rich.console import Console
        from rich.live import Live

        if self._live is None:
            self._live = Live(console=Console(), auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(_table(session, event, self._word), refresh=True)

    def _print(self, text: str) -> None:
        if self._live:
            self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, flush=True)


def _table(session: LiveSession, event: Inference, word: str) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1))
    level_dbfs = session.sound.level_dbfs if session.sound else None
    share = 0.0 if level_dbfs is None else 1 - level_dbfs / _FLOOR_DBFS
    behind = session.behind_s > BEHIND_S
    table.add_row(
        Text(f"{session.heard_s:.1f} s"),
        Text(_bar(share), style="cyan"),
        Text("  ".join(filter(None, (_level(session), _lag(session)))), style="red" if behind else ""),
    )
    scored = list(zip(session.labels, event.scores, strict=True))
    if len(scored) > _SHOWN:
        scored = sorted(scored, key=lambda one: -one[1])[:_SHOWN]
    for label, score in scored:
        table.add_row(Text(label), Text(_bar(score / 255)), Text(str(score)))
    if word:
        table.add_row(Text("say"), Text(word, style="bold green"))
    return table


def _bar(share: float) -> str:
    return f"{'█' * round(max(0.0, min(1.0, share)) * _WIDTH):<{_WIDTH}}"


def _level(session: LiveSession) -> str:
    level_dbfs = session.sound.level_dbfs if session.sound else None
    return "" if level_dbfs is None else f"{level_dbfs:.0f} dBFS"


def _lag(session: LiveSession) -> str:
    return f"{session.behind_s:.2f} s behind" if session.sound and not session.board.acoustic else ""
