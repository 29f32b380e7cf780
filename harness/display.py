"""Display of progress on stderr: live on a terminal, else plain lines; stdout is for results."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from models.progress import Level, Report, Task, sent_to

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_REPORT_S = 10.0
"""Time between two plain lines about one task."""
_LEAST_S = 3.0
"""Shortest time after the first amount that an estimate is made from."""
_REFRESH_HZ = 4.0


@contextmanager
def shown(level: Level = Level.NORMAL) -> Iterator[PlainDisplay]:
    """Show the progress of this process until the context ends; yield the display."""
    live = level > Level.QUIET and sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", None)
    display = LiveDisplay(level) if live else PlainDisplay(level)
    try:
        with sent_to(display.receive):
            yield display
    finally:
        display.close()


class PlainDisplay:
    """Lines: one when a task begins, one every 10 s while it advances, and one with its duration.

    Args:
        level: verbosity.
    """

    def __init__(self, level: Level) -> None:
        self._level = level
        self._begun_s: dict[tuple[int, int], float] = {}
        self._reported_s: dict[tuple[int, int], float] = {}
        self._first: dict[tuple[int, int], tuple[float, float]] = {}  # time and amount
        self._shown_once: set[str] = set()
        self._unfinished: dict[tuple[int, int], str] = {}
        self._lock = threading.Lock()

    def receive(self, report: Report) -> None:
        """Show a report of any thread."""
        with self._lock:
            if isinstance(report, Task):
                if not report.ended:
                    self._unfinished[report.key] = report.name
                elif not report.failed:
                    self._unfinished.pop(report.key, None)
                self._show_task(report)
            elif report.level <= self._level and report.text not in self._shown_once:
                self.print(report.text)
                if report.once:
                    self._shown_once.add(report.text)

    def unfinished(self) -> list[str]:
        """Return the names of the tasks that failed or still run: those of other processes, if there are any.

        Of this process it is the innermost task, which began last.
        """
        here = [name for (process, _), name in self._unfinished.items() if process == os.getpid()]
        others = [name for (process, _), name in self._unfinished.items() if process != os.getpid()]
        return list(dict.fromkeys(others)) or here[-1:]

    def print(self, text: str) -> None:
        """Print a line to stderr; drop a line that cannot be written, because the measurement must go on."""
        with contextlib.suppress(OSError):
            print(text, file=sys.stderr, flush=True)

    def begin(self, task: Task) -> None:
        """Show that a task begins."""
        if self._has_lines(task):
            self.print(f"{task.name} …")

    def update(self, task: Task) -> None:
        """Show the state of a running task."""
        now_s = time.monotonic()
        if self._has_lines(task) and task.done and now_s - self._reported_s[task.key] >= _REPORT_S:
            self._reported_s[task.key] = now_s
            to_go = self.to_go(task)
            self.print(f"{task.name}: {as_amount(task)}{to_go and f', {to_go}'}")

    def to_go(self, task: Task) -> str:
        """Estimate the time to go from the pace since the first amount; "" until that has lasted long enough.

        Earlier time, such as that for the start of processes, is left out: it does not recur.
        """
        if not task.done:
            self._first.pop(task.key, None)  # the task counts something else now
            return ""
        now_s = time.monotonic()
        first_s, first = self._first.setdefault(task.key, (now_s, task.done))
        if not task.total or task.done <= first or now_s - first_s < _LEAST_S:
            return ""
        return f"{as_duration((now_s - first_s) * (task.total - task.done) / (task.done - first))} to go"

    def end(self, task: Task) -> None:
        """Remove a task."""

    def close(self) -> None:
        """Remove all tasks."""

    def _show_task(self, task: Task) -> None:
        if self._level == Level.QUIET:
            return
        if task.key not in self._begun_s:
            self._begun_s[task.key] = self._reported_s[task.key] = time.monotonic()
            self.begin(task)
        elif not task.ended:
            self.to_go(task)  # remembers the first amount
            self.update(task)
        else:
            self.end(task)
            took_s = time.monotonic() - self._begun_s.pop(task.key)
            del self._reported_s[task.key]
            self._first.pop(task.key, None)
            if self._has_lines(task) and not task.failed:
                self.print(f"{task.name}: {as_duration(took_s)}")

    def _has_lines(self, task: Task) -> bool:
        return not task.inner or self._level >= Level.VERBOSE


class LiveDisplay(PlainDisplay):
    """Display of one bar per running task, below the printed lines."""

    def __init__(self, level: Level) -> None:
        super().__init__(level)
        self._progress: Progress | None = None
        self._rows: dict[tuple[int, int], TaskID] = {}

    def print(self, text: str) -> None:
        """Print a line above the bars."""
        if self._progress is None:
            super().print(text)
        else:
            self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def begin(self, task: Task) -> None:
        """Add a bar."""
        if self._progress is None:
            self._progress = _bars()
            self._progress.start()
        self._rows[task.key] = self._progress.add_task(
            task.name, total=task.total or None, amount=as_amount(task), to_go=""
        )

    def update(self, task: Task) -> None:
        """Move a bar."""
        assert self._progress is not None
        self._progress.update(
            self._rows[task.key],
            completed=task.done,
            total=task.total or None,
            amount=as_amount(task),
            to_go=self.to_go(task),
        )

    def end(self, task: Task) -> None:
        """Remove a bar."""
        assert self._progress is not None
        self._progress.remove_task(self._rows.pop(task.key))
        if not self._rows:
            self.close()

    def close(self) -> None:
        """Remove all bars."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _bars() -> Progress:
    # rich takes 0.1 s to import, which a run without a terminal need not pay.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    name = Column(no_wrap=True, overflow="ellipsis")
    return Progress(
        TextColumn("{task.description}", markup=False, table_column=name),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[amount]}", markup=False, table_column=Column(no_wrap=True)),
        TimeElapsedColumn(),
        TextColumn("{task.fields[to_go]}", markup=False, table_column=Column(no_wrap=True)),
        console=Console(stderr=True),
        refresh_per_second=_REFRESH_HZ,
        transient=True,
        redirect_stdout=False,  # results are printed when no task runs
    )


def as_amount(task: Task) -> str:
    """Return the progress of a task, such as "12 of 40 epochs"."""
    of = f" of {task.total:,.0f}" if task.total else ""
    return f"{task.done:,.0f}{of} {task.unit}" if task.unit else ""


def as_duration(seconds: float) -> str:
    """Return a duration, such as "0.8 s" or "2 min 5 s"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
