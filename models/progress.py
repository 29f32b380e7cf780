"""Progress of long work: the work reports tasks and lines to one receiver, which shows them or not.

Without a receiver a report is dropped, so library calls and tests are silent. A command installs a display
(`harness.display`), a task of `models.cluster` the way to the process that submitted it.
"""

from __future__ import annotations

import itertools
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, TypeVar

T = TypeVar("T")
Key = tuple[int, int]

_INTERVAL_S = 0.1
"""Shortest time between two reports of one task: a task may advance a hundred thousand times a second."""


class Level(IntEnum):
    """Verbosity of a display, and the least verbosity that shows a line."""

    QUIET = 0
    NORMAL = 1
    VERBOSE = 2


@dataclass(frozen=True)
class Line:
    """A line of text.

    Attributes:
        text: without line end.
        level: QUIET for a problem, NORMAL for a step, VERBOSE for details.
        once: a display shows it once, however many processes report it.
    """

    text: str
    level: Level = Level.NORMAL
    once: bool = False


@dataclass(frozen=True)
class Task:
    """State of a task.

    Attributes:
        key: identifies the task among those of all processes.
        name: such as "tinyconv-int8: train".
        done, total: progress in `unit`; the total is 0 if unknown.
        unit: in the plural, such as "epochs".
        inner: True within another task of the same process.
        within: key of the task of the submitting process that this one is a part of, see `models.cluster`.
        ended: True in the last report.
        failed: True if an exception ended the task.
    """

    key: Key
    name: str
    done: float = 0.0
    total: float = 0.0
    unit: str = ""
    inner: bool = False
    within: Key | None = None
    ended: bool = False
    failed: bool = False


Report = Line | Task
Receiver = Callable[[Report], None]


class _RunningTask:
    """A task of this process; threads of the work may advance it.

    Until it is advanced, it shows the amounts of tasks of the same unit within it, also of other processes.
    """

    def __init__(self, name: str) -> None:
        key = (os.getpid(), next(_reporter.numbers))
        self._outer = _reporter.running[-1] if _reporter.running else None
        within = None if self._outer else _reporter.within
        self.state = Task(key, name, inner=self._outer is not None, within=within)
        self._reported_s = 0.0
        self._elsewhere: dict[Key, float] = {}  # amounts of tasks of other processes
        self._advanced = 0.0  # of those amounts
        self._lock = threading.Lock()  # nothing is sent after the end

    def change(self, **changes: Any) -> None:
        with self._lock:
            self.state = replace(self.state, **changes)
            send(self.state)

    def advance(self, amount: float = 1.0) -> None:
        with self._lock:
            self._advanced = min(self._advanced + amount, sum(self._elsewhere.values()))
            self.state = replace(self.state, done=self.state.done + amount)
        self.show()

    def add(self, other: Task) -> None:
        """Show the amount of a task of another process."""
        if other.unit == self.state.unit != "":
            with self._lock:
                self._elsewhere[other.key] = 0.0 if other.failed else other.done
            self.show()

    def show(self, inner: float = 0.0) -> None:
        """Report the amount with those within, for the outer task too; nothing after the end."""
        with self._lock:
            if self.state.ended:
                return
            done = self.state.done + inner + sum(self._elsewhere.values()) - self._advanced
            done = min(done, self.state.total or math.inf)
            if time.monotonic() - self._reported_s >= _INTERVAL_S:
                self._reported_s = time.monotonic()
                send(replace(self.state, done=done))
        outer = self._outer
        if outer and outer.state.unit == self.state.unit != "":
            outer.show(done)


class _Reporter:
    """The reports of this process."""

    def __init__(self) -> None:
        self.receiver: Receiver | None = None
        self.subject = ""
        self.within: Key | None = None
        self.running: list[_RunningTask] = []
        self.numbers = itertools.count()


_reporter = _Reporter()


def send(report: Report) -> None:
    """Send a report, such as one of another process, to the receiver."""
    if _reporter.receiver is not None:
        _reporter.receiver(report)
    if isinstance(report, Task) and report.within:
        for running in [each for each in _reporter.running if each.state.key == report.within]:
            running.add(report)


@contextmanager
def sent_to(receiver: Receiver, within: Key | None = None) -> Iterator[None]:
    """Send the reports of this process to a receiver, which any thread may call.

    Args:
        receiver: of the reports.
        within: see `Task`.
    """
    before = _reporter.receiver, _reporter.within
    _reporter.receiver, _reporter.within = receiver, within
    try:
        yield
    finally:
        _reporter.receiver, _reporter.within = before


def innermost() -> Key | None:
    """Return the key of the innermost running task of this process."""
    return _reporter.running[-1].state.key if _reporter.running else None


def log(text: str) -> None:
    """Report a step."""
    send(Line(_reporter.subject + text))


def warn(text: str) -> None:
    """Report a problem, which `--quiet` shows as well."""
    send(Line(_reporter.subject + text, Level.QUIET))


def warn_once(text: str) -> None:
    """Report a problem that concerns all tasks and processes alike."""
    send(Line(text, Level.QUIET, once=True))


def detail(text: str) -> None:
    """Report what only `--verbose` shows: a command, an artifact's path."""
    send(Line(_reporter.subject + text, Level.VERBOSE))


@contextmanager
def about(subject: str) -> Iterator[None]:
    """Put a subject, such as a variant's id, before the lines and task names that are reported meanwhile."""
    before, _reporter.subject = _reporter.subject, f"{subject}: "
    try:
        yield
    finally:
        _reporter.subject = before


@contextmanager
def task(name: str, total: float = 0.0, unit: str = "") -> Iterator[Callable[..., None]]:
    """Report a task from its beginning to its end.

    Args:
        name: what is done, such as "train".
        total: amount of work; 0 if unknown.
        unit: of the amount, in the plural.

    Yields:
        A function that advances the task by an amount, 1 by default.
    """
    running = _RunningTask(_reporter.subject + name)
    failed = True
    _reporter.running.append(running)
    try:
        running.change(total=total, unit=unit)
        yield running.advance
        failed = False
    finally:
        _reporter.running.remove(running)  # first: a receiver that raises must not leave the task open
        running.change(ended=True, failed=failed)


def count(total: float, unit: str) -> Callable[..., None]:
    """Begin to count in the innermost task; return the function that advances it, see `task`."""
    if not _reporter.running:
        return lambda amount=1.0: None
    running = _reporter.running[-1]
    running.change(done=0.0, total=total, unit=unit)
    return running.advance


def each(items: Sequence[T], unit: str) -> Iterator[T]:
    """Yield items, and count those that are done in the innermost task; see `count`."""
    advance = count(len(items), unit)
    for item in items:
        yield item
        advance()
