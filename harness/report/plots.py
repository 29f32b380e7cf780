"""The plots of a night, drawn from its tables."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import blended_transform_factory

from harness.report import colors as colors
from harness.report import format as figures
from harness.report.svg import WIDTHS, Width, inline_svg, new_figure, styled
from harness.report.table import Table
from harness.report.timeline import draw_timeline
from harness.report.variants import ALL_STAGES, STAGES

_DEVICE_COLORS = {"MCU": colors.MCU, "CPU": colors.CPU, "GPU": colors.GPU}
_STAGE_COLORS = dict(zip(STAGES, (colors.PREPROCESS, colors.INFERENCE, colors.POSTPROCESS), strict=True))


@dataclass(frozen=True)
class Plot:
    """A plot for the page.

    Attributes:
        svgs: one `<svg>` element for each of `harness.report.svg.WIDTHS`.
        caption: how to read it.
    """

    svgs: list[str]
    caption: str


def all_plots(tables: dict[str, Table], series: dict[str, pd.DataFrame]) -> dict[str, Plot]:
    """The plots for which there are figures, by the name of what they show."""
    clock = ", ".join(dict.fromkeys(tables["latency"].frame["clock"]))
    candidates = [
        _Candidate(
            "host",
            tables["host"].frame,
            "median_us",
            draw_devices,
            f"Median time of one inference, on a logarithmic scale; the MCU's is {clock}. "
            "The line is the middle half where it is wider than the dot.",
        ),
        _Candidate(
            "latency",
            tables["latency"].frame,
            "share",
            draw_stages,
            f"Share of each stage in the board's time, {clock}.",
        ),
        _Candidate(
            "words",
            tables["words"].frame,
            "onset_s",
            draw_timeline,
            "Above, each word as it was played; below, what each variant announced and when. "
            "Orange with a cross is wrong, or missed.",
        ),
        _Candidate(
            "learning",
            series["learning"],
            "epoch",
            draw_learning,
            "Loss and accuracy after each epoch of training.",
        ),
    ]
    return {plot.name: plot.drawn() for plot in candidates if plot.frame[plot.needs].notna().any()}


@dataclass(frozen=True)
class _Candidate:
    """A plot, drawn only if its frame has figures in the column that it needs."""

    name: str
    frame: pd.DataFrame
    needs: str
    draw: Callable[[pd.DataFrame, Width], Figure]
    caption: str

    def drawn(self) -> Plot:
        return drawn(self.name, lambda width: self.draw(self.frame, width), self.caption)


def drawn(name: str, draw: Callable[[Width], Figure], caption: str) -> Plot:
    """A plot for every width of the page.

    Args:
        name: unique in the page.
        draw: makes the figure for a width.
        caption: how to read it.
    """
    svgs = []
    for width in WIDTHS:
        with styled():
            svgs.append(inline_svg(draw(width), name, width, caption))
    return Plot(svgs, caption)


def draw_devices(frame: pd.DataFrame, width: Width) -> Figure:
    """One dot for each device and runtime on a logarithmic axis, the value beside it; grouped by variant."""
    lines: list[tuple[str, pd.Series | None]] = []
    for variant, rows in frame.groupby("variant", sort=False):
        lines += [(str(variant), None), *((_device_text(row, width), row) for _, row in rows.iterrows())]
    height = 0.21 * len(lines) + 0.55
    figure = new_figure(width, height)
    left = width.of(2.0, 1.66) / width.inches
    axes = figure.add_axes(
        (left, 0.42 / height, 1 - left - width.of(0.9, 0.5) / width.inches, 1 - 0.47 / height)
    )
    medians = frame["median_us"].dropna().astype(float)
    axes.set_xscale("log")
    axes.set_xlim(
        10 ** math.floor(math.log10(medians.min() / 1.3)), 10 ** math.ceil(math.log10(medians.max() * 1.01))
    )
    axes.xaxis.set_major_locator(LogLocator(numticks=round(width.of(12, 3))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(_decade))
    axes.set_ylim(len(lines) - 0.3, -0.7)
    axes.grid(False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_yticks(range(len(lines)), [text if row is not None else "" for text, row in lines])
    margin = blended_transform_factory(figure.transFigure, axes.transData)
    for index, (text, row) in enumerate(lines):
        if row is None:  # a title may be wider than the labels under it
            axes.text(0, index, text, transform=margin, va="center", fontweight="bold", color=colors.INK)
        elif row["median_us"] is None:
            reason = f"{figures.DASH} {row['note'] or ''}"
            axes.text(
                0.01, index, reason, transform=axes.get_yaxis_transform(), va="center", color=colors.SOFT
            )
        else:
            color = _DEVICE_COLORS[row["device"]]
            low, high = row["p25_us"] or row["median_us"], row["p75_us"] or row["median_us"]
            axes.plot([low, high], [index, index], color=color, linewidth=3, alpha=0.5)
            axes.plot(row["median_us"], index, "o", color=color, markersize=6)
            text = figures.duration(row["median_us"])
            axes.annotate(text, (high, index), (7, 0), "data", "offset points", va="center")
    return figure


def _decade(microseconds: float, _: int) -> str:
    """A power of ten: 10 µs, 1 ms, 1 s."""
    for unit, size in (("s", 1e6), ("ms", 1e3), ("µs", 1)):
        if microseconds >= size:
            return f"{microseconds / size:g} {unit}"
    return f"{microseconds:g} µs"


def _device_text(row: pd.Series, width: Width) -> str:
    if row["device"] == "MCU":
        return f"MCU ({row['clock']})" if row["clock"] else "MCU"
    runtime = row["runtime"] if width.name == "wide" else row["runtime"].replace("TensorFlow", "TF")
    threads = f" · {row['threads']} thread{'s' if row['threads'] > 1 else ''}" if row["threads"] else ""
    return f"{'' if row['device'] == 'CPU' else 'GPU · '}{runtime}{threads}"


def draw_stages(frame: pd.DataFrame, width: Width) -> Figure:
    """One bar of full length for each variant, divided by stage."""
    measured = frame[frame["share"].notna()]
    variants = list(dict.fromkeys(measured["variant"]))
    height = 0.62 * len(variants) + 0.35
    figure = new_figure(width, height)
    axes = figure.add_axes((0, 0, 1, (height - 0.3) / height))
    axes.axis("off")
    axes.set_xlim(0, 1)
    axes.set_ylim(len(variants) - 0.35, -0.55)
    for index, variant in enumerate(variants):
        rows = measured[measured["variant"] == variant].set_index("stage")
        axes.text(0, index - 0.3, variant, fontweight="bold", va="center")
        whole = f"{figures.duration(rows.at[ALL_STAGES, 'median_us'])} a pass (median)"
        axes.text(1, index - 0.3, whole, ha="right", va="center", color=colors.SOFT)
        start = 0.0
        for stage in STAGES:
            share = rows.at[stage, "share"]
            axes.barh(index + 0.08, share, left=start, height=0.44, color=_STAGE_COLORS[stage])
            if share > width.of(0.045, 0.14):
                axes.text(
                    start + share / 2,
                    index + 0.08,
                    figures.share(share),
                    ha="center",
                    va="center_baseline",
                    color=colors.PAPER,
                )
            start += share
    handles = [Patch(color=color) for color in _STAGE_COLORS.values()]
    figure.legend(
        handles,
        list(_STAGE_COLORS),
        loc="upper left",
        bbox_to_anchor=(0, 1),
        ncols=3,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        handlelength=1,
        columnspacing=1.4,
    )
    return figure


def draw_learning(frame: pd.DataFrame, width: Width) -> Figure:
    """Loss and accuracy by epoch: a row for each training, variants made of the same training together."""
    trainings: dict[tuple, tuple[list[str], pd.DataFrame]] = {}
    for variant, rows in frame.groupby("variant", sort=False):
        curves = rows.drop(columns="variant")
        key = tuple(curves.itertuples(index=False, name=None))
        trainings.setdefault(key, ([], curves))[0].append(str(variant))
    rows, columns = (len(trainings), 2) if width.name == "wide" else (2 * len(trainings), 1)
    height = 2.3 * rows
    figure = new_figure(width, height)
    panels = iter(figure.subplots(rows, columns, squeeze=False).flat)
    left = 0.5 / width.inches
    figure.subplots_adjust(
        left=left, right=0.99, top=1 - 0.3 / height, bottom=0.42 / height, hspace=0.42, wspace=0.16
    )
    for names, curves in trainings.values():
        for figure_name in ("loss", "accuracy"):
            axes = next(panels)
            axes.set_title(f"{figure_name} · {', '.join(names)}", loc="left")
            for part, color in (("training", colors.QUIET), ("validation", colors.MCU)):
                values = curves[f"{part}_{figure_name}"].astype(float)
                axes.plot(curves["epoch"].astype(int), values, color=color, linewidth=1.8, label=part)
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
            axes.set_xlabel("epoch")
            if figure_name == "accuracy":
                axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
            else:
                axes.set_ylim(bottom=0)
            axes.legend(frameon=False, loc="best")
    return figure
