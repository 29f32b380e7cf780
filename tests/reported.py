"""What work reports through `models.progress`, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from models.progress import Level, Line, Report, sent_to


@contextmanager
def reported(lines: list[str] | None = None) -> Iterator[list[str]]:
    """Append the reported lines to a list, without details, and "<name> …" for each task that begins."""
    lines = [] if lines is None else lines
    begun = set()

    def receive(report: Report) -> None:
        if isinstance(report, Line):
            if report.level <= Level.NORMAL:
                lines.append(report.text)
        elif report.key not in begun:
            begun.add(report.key)
            lines.append(f"{report.name} …")

    with sent_to(receive):
        yield lines


@contextmanager
def problems() -> Iterator[list[str]]:
    """Collect the lines that are shown with `--quiet` too."""
    lines: list[str] = []

    def receive(report: Report) -> None:
        if isinstance(report, Line) and report.level == Level.QUIET:
            lines.append(report.text)

    with sent_to(receive):
        yield lines
