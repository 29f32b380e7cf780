"""Build the index of the history: last verdicts, a sparkline per series, changes of the environment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from markupsafe import Markup, escape

from harness.records.verdict import DEVIATING, STATUSES, SeriesName, SeriesVerdict
from harness.regression.a_a import a_a
from harness.regression.epochs import A_A_NIGHTS
from harness.regression.history import LeftOut
from harness.regression.sentences import acceptance
from harness.report import format as fmt
from harness.report.html import PageTable, page_template
from harness.report.pages.history_data import BoardHistory, Kind, Series
from harness.report.pages.history_links import NIGHTS, Links, board_folder, night_anchor, series_file
from harness.report.pages.history_plots import RECENT, draw_spark, night_strip, sparkline
from harness.report.pages.history_text import Grid, amount, badge, change, link, with_code
from harness.report.table import Column, Table

_SHOWN = 5
"""Findings of one status that are not folded away."""
_NOISE_NIGHTS = 400
"""Latest nights that the noise of one image is taken from."""
_KINDS: tuple[Kind, ...] = ("time", "modeled", "number", "text")


@dataclass(frozen=True)
class _Row:
    """A row of the table of all series."""

    title: str | Markup
    spark: Markup
    latest: str
    change: str = ""
    status: str = ""
    advisory: bool = False


@dataclass(frozen=True)
class _BoardView:
    """A board as the template needs it; `findings` has the shown and the folded ones of each status."""

    history: BoardHistory
    sentence: Markup
    files: Markup
    nights: str
    strip: Markup
    differences: Grid
    findings: list[tuple[str, list[Markup], list[Markup]]]
    canary: list[_Row]
    groups: list[tuple[str, list[_Row]]]
    changes: list[tuple[Markup, Grid]]


def index_page(
    boards: Sequence[BoardHistory], links: Links, noise: Table, left_out: Sequence[LeftOut]
) -> str:
    """Render the index."""
    columns = [("File", "long"), ("Reason and remedy", "long")]
    return page_template("history.html.j2").render(
        title="Earshot: history",
        headline=_headline(boards),
        boards=[_board_view(board, links) for board in boards],
        recent=RECENT,
        tables={noise.name: PageTable(noise)} if noise.rows else {},
        plots={},
        left_out=Grid("Left out", columns, [[str(one.path), one.sentence] for one in left_out]),
    )


def _board_view(board: BoardHistory, links: Links) -> _BoardView:
    folder = board_folder(board.name)
    series = sorted((one for one in board.series if one.latest is not None), key=_order)
    grouped = groupby(series, key=lambda one: f"{one.name.variant} · {one.name.engine}")
    return _BoardView(
        history=board,
        sentence=_sentence(board),
        files=links.files(board.nights[-1], links.folder),
        nights=f"{folder}/{NIGHTS}",
        strip=Markup(night_strip(board.statuses)),
        differences=_differences(board.verdict.differences, "Accepted", "Last night"),
        findings=_findings(board),
        canary=_canary(board),
        groups=[(heading, [_row(board, one) for one in those]) for heading, those in grouped],
        changes=[
            (
                link(board.nights[number].started[:10], f"{folder}/{night_anchor(number)}"),
                _differences(differing, "Before", "Since"),
            )
            for number, differing in reversed([*board.changes.items()])
        ],
    )


def _order(series: Series) -> tuple[str, str, int, SeriesName]:
    """Sort by variant; times before numbers before texts."""
    return series.name.variant, series.name.engine, _KINDS.index(series.kind), series.name


def _headline(boards: Sequence[BoardHistory]) -> str:
    """Summarize all boards' last nights: "nano33ble: 1 regressed; emulated: as accepted"."""
    parts = []
    for board in boards:
        counts = Counter(item.status for item in board.verdict.series)
        found = [f"{counts[status]} {status}" for status in STATUSES if status != "ok" and counts[status]]
        plain = "as accepted" if board.verdict.status == "ok" else board.verdict.status
        text = "nothing accepted yet" if _has_no_reference(board) else ", ".join(found) or plain
        parts.append(f"{board.name}: {text}")
    return "; ".join(parts)


def _findings(board: BoardHistory) -> list[tuple[str, list[Markup], list[Markup]]]:
    """List the series that are not as accepted, the gravest first, without those in the sentence above."""
    found: list[tuple[str, list[Markup], list[Markup]]] = []
    for status in () if _has_no_reference(board) else STATUSES:
        items = [item for item in board.verdict.series if item.status == status != "ok"]
        items = [item for item in items if item.sentence not in board.verdict.sentence]
        items.sort(key=lambda item: (item.advisory, -abs(item.change or 0.0)))
        rows = [_finding(board, item) for item in items]
        if rows:
            found.append((status, rows[:_SHOWN], rows[_SHOWN:]))
    return found


def _finding(board: BoardHistory, item: SeriesVerdict) -> Markup:
    name = item.name
    text = with_code(item.sentence.removeprefix(f"{name} "))
    shown = _series_link(board, name)
    return Markup("{}{} {}{}").format(badge(item.status), shown, text, " (advisory)" if item.advisory else "")


def _series_link(board: BoardHistory, name: SeriesName) -> Markup:
    if name.metric == "-":  # a variant that failed has no page
        return escape(str(name))
    return link(name, f"{board_folder(board.name)}/{series_file(name)}")


def _has_no_reference(board: BoardHistory) -> bool:
    statuses = {item.status for item in board.verdict.series}
    return statuses == {"new"} and not (board.baseline and board.baseline.epoch)


def _sentence(board: BoardHistory) -> Markup:
    """Return the sentence of the last night, with a link to the series that it names."""
    if _has_no_reference(board):
        return with_code(
            f"No night of {board.name} was accepted yet. Accept one of a clean tree with "
            f"{acceptance(board.name)}."
        )
    sentence = with_code(board.verdict.sentence)
    for item in board.verdict.series:
        if item.sentence in board.verdict.sentence:
            name = item.name
            return sentence.replace(escape(str(name)), _series_link(board, name), 1)
    return sentence


def _row(board: BoardHistory, series: Series) -> _Row:
    return _Row(
        title=link(series.title, f"{board_folder(board.name)}/{series_file(series.name)}"),
        spark=Markup(sparkline(series)),
        latest=amount(series.latest, series),
        change=change(series),
        status=series.status,
        advisory=bool(series.verdict and series.verdict.advisory and series.status in DEVIATING),
    )


def _canary(board: BoardHistory) -> list[_Row]:
    """Return a row for the geometric mean of both readings, if any night has them."""
    level = np.sqrt(board.canary_us.prod(axis=1))
    if not np.isfinite(level).any():
        return []
    accepted = float(board.canary_accepted_us[-1])
    spark = Markup(draw_spark(level, accepted, (), "", "canary"))
    return [_Row("canary", spark, fmt.duration(level[-1]), fmt.precise_change(level[-1] / accepted - 1))]


def _differences(differing: Mapping[str, tuple[str, str]], then: str, now: str) -> Grid:
    order = sorted(differing, key=lambda name: (name != "board", name))
    columns = [("Environment", "short"), (then, "long"), (now, "long")]
    return Grid("Differences of the environment", columns, [[name, *differing[name]] for name in order])


def series_table(boards: Sequence[BoardHistory]) -> Table:
    """Return the last night of every series in raw figures, for the CSV."""
    rows = [
        {
            "board": board.name,
            "night": board.nights[-1].id,
            "started": board.nights[-1].started,
            "series": str(series.name),
            "status": series.status,
            "advisory": series.verdict.advisory if series.verdict else None,
            "value": series.latest,
            "accepted": None if np.isnan(series.accepted[-1]) else float(series.accepted[-1]),
            "change": series.change,
            "nights": int(np.isfinite(series.values).sum()),
            "levels": len(series.levels),
        }
        for board in boards
        for series in board.series
    ]
    keys = "board night started series status advisory value accepted change nights levels"
    return Table("series", "All series", [Column(keys)], rows)


def noise_table(boards: Sequence[BoardHistory]) -> Table:
    """Return the noise of each real board's series on nights of one image (A/A)."""
    rows, alarms = [], []
    for board in boards:
        found = a_a(board.nights[-_NOISE_NIGHTS:])
        if found.series:
            alarms.append(f"{found.alarmed} of {found.judged} nights on {board.name}")
        rows += [
            {
                "board": board.name,
                "series": f"{one.name.variant} {one.name.metric} {one.name.input_mode}",
                "image": one.image[:8],
                "nights": one.nights,
                "night_sd": one.night_sd,
                "false_alarms": one.false_alarms,
                "gates": "gates" if one.gates else f"advisory: {one.nights} of {A_A_NIGHTS} nights",
            }
            for one in found.series
        ]
    columns = [
        Column("board", "Board"),
        Column("series", "Series"),
        Column("image", "Image"),
        Column("nights", "Nights", fmt.count),
        Column("night_sd", "Night sd", _night_sd),
        Column("false_alarms", "False alarms", fmt.count),
        Column("gates", "Gate"),
    ]
    note = (
        f"Nights of the image that ran most often among the latest {_NOISE_NIGHTS}. With fewer than "
        f"{A_A_NIGHTS} of them a series is advisory: it is reported and fails nothing. Nights with a false "
        f"alarm before confirmation: {', '.join(alarms)}."
    )
    return Table("noise", "Noise of unchanged images (A/A)", columns, rows, note, headed=len(boards) > 1)


def _night_sd(night_sd: float | None) -> str:
    return fmt.DASH if night_sd is None else f"{100 * night_sd:.2f}\u00a0%"
