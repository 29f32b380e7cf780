"""The index: what the last nights came to, every series in a line, and everything around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from markupsafe import Markup, escape

from harness.records.verdict import DEVIATING, STATUSES, SeriesName, SeriesVerdict
from harness.regression.sentences import acceptance
from harness.report import format as figures
from harness.report.history.boards import BoardHistory
from harness.report.history.links import Links
from harness.report.history.series import Kind, Series
from harness.report.history.sparklines import night_strip, spark, sparkline
from harness.report.history.words import amount, change, night_time, share_text, with_code

RECENT = 60
"""Nights that the first sparkline shows; the second has all of them."""
_SHOWN = 5
"""Rows of one status that are shown at once; the others are folded away."""
_STRIP_PX = 1008
_KINDS: tuple[Kind, ...] = ("time", "modeled", "number", "text")


@dataclass(frozen=True)
class Row:
    """A series in the table of all."""

    title: str
    address: str
    recent: str
    everything: str
    latest: str
    change: str
    tone: str
    status: str
    advisory: bool


@dataclass(frozen=True)
class Finding:
    """A series that is not as accepted."""

    status: str
    address: str
    name: str
    sentence: Markup
    advisory: bool


@dataclass(frozen=True)
class BoardView:
    """A board as the template needs it."""

    name: str
    status: str
    modeled: bool
    sentence: Markup
    night: str
    commit: str
    dirty: bool
    files: list[tuple[str, str]]
    nights: int
    since: str
    strip: str
    all_nights: str
    differences: list[tuple[str, str, str]]
    findings: list[tuple[list[Finding], list[Finding]]]
    """For each status what is shown at once, and the rest; without the one that the sentence is about."""
    groups: list[tuple[str, list[Row]]]
    canary: Row | None
    changes: list[tuple[str, str, list[tuple[str, str, str]]]]


def board_view(board: BoardHistory, links: Links) -> BoardView:
    """What the index says of a board."""
    last = board.nights[-1]
    place = links.boards[board.name]
    series = sorted((one for one in board.series if one.latest is not None), key=_order)
    grouped = groupby(series, key=lambda one: (one.name.variant, one.name.engine))
    return BoardView(
        name=board.name,
        status=board.verdict.status,
        modeled=last.modeled,
        sentence=_linked(board, links),
        night=night_time(last.started),
        commit=last.commit[:10],
        dirty=last.dirty,
        files=links.files(last, links.folder),
        nights=len(board.nights),
        since=board.nights[0].started[:10],
        strip=night_strip(board.statuses, _STRIP_PX),
        all_nights=f"{place}/{links.year_page(last)}",
        differences=_differences(board.verdict.differences),
        findings=_findings(board, links),
        groups=[
            (f"{variant} · {engine}", [_row(board, one, links) for one in those])
            for (variant, engine), those in grouped
        ],
        canary=_canary(board),
        changes=[
            (
                board.nights[change.night].started[:10],
                f"{place}/{links.night(board, change.night)}",
                _differences(change.differing),
            )
            for change in reversed(board.changes)
        ],
    )


def _order(series: Series) -> tuple[str, str, int, SeriesName]:
    """Variant by variant its times, then its numbers, then its texts."""
    name = series.name
    return name.variant, name.engine, _KINDS.index(series.kind), name


def headline(boards: Sequence[BoardHistory]) -> str:
    """All boards' last nights in a line: "nano33ble: 1 regressed; emulated as accepted"."""
    parts = []
    for board in boards:
        counts = Counter(item.status for item in board.verdict.series)
        told = [f"{counts[status]} {status}" for status in STATUSES if status != "ok" and counts[status]]
        if _unheld(board):
            parts.append(f"{board.name}: nothing accepted yet")
        elif told:
            parts.append(f"{board.name}: {', '.join(told)}")
        else:
            whole = "as accepted" if board.verdict.status == "ok" else board.verdict.status
            parts.append(f"{board.name}: {whole}")
    return "; ".join(parts)


def _findings(board: BoardHistory, links: Links) -> list[tuple[list[Finding], list[Finding]]]:
    """What is not as accepted, the gravest first: for each status what is shown at once, and the rest."""
    found: list[tuple[list[Finding], list[Finding]]] = []
    for status in () if _unheld(board) else STATUSES:
        those = [
            item
            for item in board.verdict.series
            if item.status == status != "ok" and item.sentence not in board.verdict.sentence
        ]
        if not those:
            continue
        those.sort(key=lambda item: (item.advisory, -abs(item.change or 0.0)))
        rows = [_finding(board, item, links) for item in those]
        found.append((rows[:_SHOWN], rows[_SHOWN:]))
    return found


def _unheld(board: BoardHistory) -> bool:
    """Whether the night has nothing to be held against: to say so once is enough."""
    statuses = {item.status for item in board.verdict.series}
    return statuses == {"new"} and not (board.baseline and board.baseline.epoch)


def _linked(board: BoardHistory, links: Links) -> Markup:
    """The sentence of the night, with a link to the series that it is about."""
    if _unheld(board):
        return with_code(
            f"Nothing was accepted on {board.name} yet that the {len(board.verdict.series)} series of this "
            f"night could be held against: accept one, of a tree without changes, with "
            f"{acceptance(board.name)}."
        )
    said = with_code(board.verdict.sentence)
    about = [item for item in board.verdict.series if item.sentence in board.verdict.sentence]
    for item in about[:1]:
        name = item.name
        if (board.name, name) in links.pages:
            link = Markup('<a href="{}">{}</a>').format(links.series(board, name), str(name))
            said = said.replace(escape(str(name)), link, 1)
    return said


def _finding(board: BoardHistory, item: SeriesVerdict, links: Links) -> Finding:
    name = item.name
    known = (board.name, name) in links.pages
    sentence = item.sentence.removeprefix(f"{name} ")
    return Finding(
        item.status,
        links.series(board, name) if known else "",
        str(name),
        with_code(sentence),
        item.advisory,
    )


def _row(board: BoardHistory, series: Series, links: Links) -> Row:
    first = max(len(board.nights) - RECENT, 0)
    return Row(
        title=series.title,
        address=links.series(board, series.name),
        recent=sparkline(series, first),
        everything=sparkline(series) if first else "",
        latest=amount(series.latest, series),
        change=change(series),
        tone=series.status if series.status in ("regressed", "changed", "suspect", "improved") else "",
        status=series.status,
        advisory=bool(series.verdict and series.verdict.advisory and series.status in DEVIATING),
    )


def _canary(board: BoardHistory) -> Row | None:
    level = board.canary_level_us
    if not np.isfinite(level).any():
        return None
    first, accepted = max(len(board.nights) - RECENT, 0), board.canary_accepted_us[-1]
    title = "canary, never rebuilt"
    return Row(
        title=title,
        address="",
        recent=spark(level[first:], accepted, (), "", title),
        everything=spark(level, accepted, (), "", title) if first else "",
        latest=figures.duration(level[-1]),
        change=share_text(level[-1] / accepted - 1) if np.isfinite(accepted) else figures.DASH,
        tone="",
        status="",
        advisory=False,
    )


def _differences(differing: Mapping[str, tuple[str, str]]) -> list[tuple[str, str, str]]:
    """What was and what is, the board before everything else."""
    order = sorted(differing, key=lambda name: (name != "board", name))
    return [(name, *differing[name]) for name in order]
