"""Tables of the history: all series of a board, and the nights of a series."""

from __future__ import annotations

import html
import math
import os
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from markupsafe import Markup

from harness import format as fmt
from harness.files import file_name
from harness.layout import RECORD
from harness.records.verdict import DEVIATING, STATUSES, Figure
from harness.regression import sentences
from harness.regression.a_a import a_a
from harness.regression.epochs import A_A_NIGHTS
from harness.regression.nights import Night
from harness.regression.specimens import Difference
from harness.report.pages.history_data import KINDS, QUIET, BoardHistory, Series
from harness.report.pages.history_plots import RECENT, sparkline
from harness.report.table import Column, Table

_NOTICED = "Not as accepted"
_LATEST = 30
"""Nights that a table shows beside those that need attention; the CSV has all."""
_NOISE_NIGHTS = 400
"""Latest nights that the noise of one image is taken from."""
_SHORT, _LONG = 18, 300
"""Characters of a text beside figures, and of one that stands alone."""
_MS_FROM_US = 10_000
"""Shortest measured time that is shown in ms."""
_FILES = {RECORD: "record", "report.html": "report", "summary.md": "summary", "transcripts": "transcripts"}


def link(title: object, address: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(address, title)


def badge(status: str, advisory: bool = False) -> Markup:
    """Return a status with its color, and the remark that it does not gate."""
    shown = Markup('<span class="status {0}">{0}</span>').format(status) if status else Markup()
    return shown + (" advisory" if advisory and status in DEVIATING else "")


def with_code(sentence: str) -> Markup:
    """Return a sentence as HTML, with its commands between backticks as code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(sentence)))


def link_files(record: Path | None, page_folder: Path) -> Markup:
    """Link a night's record and the files beside it, as far as they exist."""
    if record is None:
        return Markup()
    address = os.path.relpath(record.parent, page_folder).replace(os.sep, "/")
    found = [(title, name) for name, title in _FILES.items() if (record.parent / name).exists()]
    return Markup(" ").join(link(title, quote(f"{address}/{name}")) for title, name in found)


def amount(value: Figure | None, series: Series, characters: int = _SHORT) -> str:
    """Format a value with its unit: 33.12 ms, 61,312 bytes; a dash for none, the start of a long text."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return fmt.DASH
    if isinstance(value, str):
        return value if len(value) <= characters else f"{value[: characters - 1]}…"
    if series.kind == "time" and series.name.metric.endswith("_us") and abs(value) >= _MS_FROM_US:
        return _milliseconds(value)
    return sentences.amount(value, series.name).replace(" ", "\u00a0")


def _milliseconds(time_us: float) -> str:
    return f"{time_us / 1000:,.2f}\u00a0ms"


def change(value: Figure | None, reference: Figure | None, series: Series) -> str:
    """Format a change as a share, and for figures that repeat exactly in their unit too: +1 µs, +0.10 %."""
    if isinstance(value, str):
        return fmt.DASH if reference is None else "the same" if value == reference else "another"
    if value is None or not isinstance(reference, (int, float)) or not reference > 0:
        return fmt.DASH
    share = fmt.precise_change(value / reference - 1)
    if series.kind == "time" or value == reference:
        return share
    return f"{fmt.added(value - reference)}\u00a0{sentences.unit_of(series.name)}, {share}"


def series_table(board: BoardHistory) -> Table:
    """Return the last night of every series, those that need attention first, with the noise of one image."""
    folder = file_name(board.name)
    by_name = {str(series.name): series for series in board.series}
    noise = {one.name: one for one in a_a(board.nights[-_NOISE_NIGHTS:]).series}

    def row(series: Series) -> dict[str, Any]:
        name, verdict, of_series = series.name, series.verdict, noise.get(series.name)
        return {
            "group": _NOTICED if series.noticed else f"{name.variant} · {name.engine}",
            "series": str(name),
            "status": series.statuses[-1],
            "advisory": bool(verdict and verdict.advisory),
            "value": series.figures[-1],
            "accepted": verdict and verdict.reference if series.kind == "text" else series.accepted[-1],
            "night_sd": of_series and of_series.night_sd,
            "false_alarms": of_series and of_series.false_alarms,
            "image_nights": of_series and of_series.nights,
        }

    def title(group: str, name: str) -> Markup:
        shown = name if group == _NOTICED else by_name[name].title
        return link(shown, f"{folder}/{file_name(name)}.html")

    def latest(name: str, value: Figure | None) -> str:
        return amount(value, by_name[name])

    def against(name: str, value: Figure | None, accepted: Figure | None) -> str:
        return change(value, accepted, by_name[name])

    note = "Each line has its own scale; dashed is the accepted reference."
    if noise:
        note += (
            " A/A: the standard deviation between nights of the image that ran most often among the latest "
            f"{_NOISE_NIGHTS}, and how many of them the rule found slower. With fewer than {A_A_NIGHTS} of "
            "them a series is advisory."
        )
    a_a_group = "One image (A/A)"
    return Table(
        f"{folder}/series",
        f"All series of {board.name}",
        [
            Column("group", "Variant"),
            Column("group series", "Series", title, text=True),
            Column("status advisory", "Status", badge, text=True),
            Column("series value", "Last night", latest),
            Column("series value accepted", "Against the accepted", against),
            Column("series", f"Last {RECENT} nights", lambda name: sparkline(by_name[name]), text=True),
            Column("night_sd", "Night sd", fmt.precise_share, optional=True, group=a_a_group),
            Column("false_alarms image_nights", "False alarms", fmt.of, optional=True, group=a_a_group),
        ],
        [row(series) for series in sorted(board.series, key=_order)],
        note,
        headed=True,
    )


def _order(series: Series) -> tuple[object, ...]:
    """Sort by what needs attention, the gravest first; then by variant, times before numbers before texts."""
    name = series.name
    gravity = STATUSES.index(series.statuses[-1]) if series.noticed else len(STATUSES)
    return gravity, name.variant, name.engine, KINDS.index(series.kind), name


def nights_table(board: BoardHistory, series: Series, records: Mapping[str, Path], folder: Path) -> Table:
    """Return the latest nights of a series, and those with a remark or a finding, the latest first.

    `records` are paths of records by the night's id, linked from the page's folder.
    """
    remarks = board.remarks(series.name)
    for night, level in _new_levels(board, series).items():
        remarks[night] = "; ".join(filter(None, [level, remarks.get(night)]))
    latest_first = range(len(board.nights) - 1, -1, -1)
    older = [
        night for night in latest_first[_LATEST:] if night in remarks or series.statuses[night] not in QUIET
    ]
    columns = [
        Column("started", "Night, UTC", fmt.date_time, text=True),
        Column("status", "Status", badge, text=True),
        Column("value", "Value", lambda value: amount(value, series, _LONG)),
        Column(
            "value accepted",
            "Against the accepted",
            lambda value, accepted: change(value, accepted, series),
            optional=True,
        ),
        Column("commit dirty", "Commit", _commit, text=True),
        Column("bench", "Bench", optional=True),
        Column("canary_first_us canary_last_us", "Canary, ms", _canary, optional=True),
        Column("remark", "Remark", fmt.remark, optional=True),
        Column("record", "Files", lambda path: link_files(path, folder), text=True, optional=True),
    ]
    rows = [
        _facts(board.nights[night])
        | {
            "status": series.statuses[night],
            "value": series.figures[night],
            "accepted": series.accepted[night],
            "remark": remarks.get(night, ""),
            "record": records.get(board.nights[night].id),
        }
        for night in [*latest_first[:_LATEST], *older[:RECENT]]
    ]
    return Table("nights", "Nights", columns, rows, _note(board, series))


def specimens_table(differences: Sequence[Difference]) -> Table:
    """Return the times of each two boards of a kind side by side, with the difference and its interval."""

    def row(one: Difference) -> dict[str, Any]:
        change = one.change
        boards = f"{_place(one.second)} against {_place(one.first)}, {one.kind}"
        times = {"first_us": one.first_us, "second_us": one.second_us, "pairs": change.n}
        limits = {"change": change.mean, "low": change.low, "high": change.high}
        return {"boards": boards, "series": str(one.name), **times, **limits}

    return Table(
        "specimens",
        "Times on both boards",
        [
            Column("boards", "Boards"),
            Column("series", "Series"),
            Column("first_us", "First board", _time),
            Column("second_us", "Second board", _time),
            Column("change", "Difference", fmt.precise_change),
            Column("low high", "95 % interval", fmt.precise_interval),
            Column("pairs", "Pairs of nights", fmt.count),
        ],
        [row(one) for one in differences],
        "Times of the same image on both boards, paired in the order of their nights, so that a difference "
        "comes from the boards and not from the code. With one pair there is no interval.",
        headed=True,
    )


def _time(time_us: float) -> str:
    return _milliseconds(time_us) if time_us >= _MS_FROM_US else f"{time_us:,.2f}\u00a0µs"


def _place(night: Night) -> str:
    of_bench = f" of {night.bench}"
    return night.board + ("" if not night.bench or night.board.endswith(of_bench) else of_bench)


def nights_csv(board: BoardHistory) -> str:
    """Return all nights of a board as CSV: facts of the night, then value and status of each series."""
    columns: dict[str, Sequence[object]] = {}
    for series in board.series:
        columns |= {str(series.name): series.figures, f"{series.name} status": series.statuses}
    frame = pd.DataFrame(map(_facts, board.nights)).join(pd.DataFrame(columns, dtype=object))
    return frame.to_csv(index=False, lineterminator="\n")


def _facts(night: Night) -> dict[str, Any]:
    first, last = (night.canary.first, night.canary.last) if night.canary else (None, None)
    return {
        "night": night.id,
        "started": night.started,
        "commit": night.commit,
        "dirty": night.dirty,
        "bench": night.bench,
        "canary_first_us": first and first.value_us,
        "canary_last_us": last and last.value_us,
    }


def _new_levels(board: BoardHistory, series: Series) -> dict[int, str]:
    """Describe each change of level: both medians, the change, and the commits before and after."""
    found = {}
    for (_, _, old), (night, _, new) in pairwise(series.medians()):
        commits = " … ".join(commit[:10] for commit in board.commits(series, night))
        parts = ["another value"]
        if series.kind != "text":
            parts = [f"new level: {amount(old, series)} → {amount(new, series)}", change(new, old, series)]
        found[night] = ", ".join([*parts, f"commits {commits}"] if commits else parts)
    return found


def _commit(commit: str, dirty: bool) -> str:
    return commit[:10] + (" with changes" if dirty else "")


def _canary(first_us: float | None, last_us: float | None) -> str:
    shown = (fmt.DASH if value is None else f"{value / 1000:,.3f}" for value in (first_us, last_us))
    return " → ".join(shown) if first_us or last_us else ""


def _note(board: BoardHistory, series: Series) -> Markup:
    """Say which nights are shown, and how to find the commit of the latest change on a modeled board."""
    note = f"The latest {_LATEST} nights, and those with a remark or a finding. The CSV has all of the board."
    commits = board.commits(series, series.levels[-1]) if series.levels and board.nights[-1].modeled else []
    if len(commits) == 2:
        before, after = (commit[:10] for commit in commits)
        options = _build_options(board.nights[-1])
        note += f" Find the commit with `earshot bisect {before} {after} --series {series.name}{options}`."
    return with_code(note)


def _build_options(night: Night) -> str:
    """Return the options of `earshot bisect` for images that are not built like a stock sketch."""
    found = {
        "--footprint": night.environment.get("footprint", ""),
        "--optimization": night.environment.get("flags", "").removeprefix("-"),
    }
    return "".join(f" {name} {value}" for name, value in found.items() if value not in ("", "Os"))
