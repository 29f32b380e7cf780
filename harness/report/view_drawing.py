"""How each view of a recording is drawn: axes that begin and end at the same times, colors with a scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from harness.report import colors as colors
from harness.report.svg import Width, new_figure
from harness.report.view_data import Image, Times, Views

LEVELS, SIGNED = "magma", "berlin"
"""Color maps, both dark where there is little, told apart by the color-blind and in gray."""
_RANGE_DB = 80.0
"""Shown below the loudest: more than the ear hears in one sound."""
_QUIETEST_TOP_DBFS = -60.0
"""Top of the colors at least, so that digital silence is dark and not noise."""
_SHOWN_PERCENT = 98
"""Of the MFCCs; the rest, mostly coefficient 1 of loud moments, has the colors' ends."""
_NO_SHAPE = 1e-3
"""What float32 makes of MFCCs that are 0, and more."""


@dataclass(frozen=True)
class Palette:
    """Colors of one drawing: those that a page sets, or real ones."""

    ink: str = colors.INK
    soft: str = colors.SOFT
    line: str = colors.LINE
    paper: str = colors.PAPER
    curve: str = colors.CPU
    mark: str = colors.MCU


PAPER = Palette("#1b1f24", "#5c6670", "#dde1e6", "#ffffff", "#2f6db3", "#b45309")
"""The light page's, for a file that nobody colors."""


def waveform(views: Views, times: Times, width: Width, palette: Palette) -> Figure:
    """Amplitude against time, the active part shaded."""
    figure, axes, _ = _panel(width, 1.6)
    wave = views.waveform
    low, high = times.active_s
    if (low, high) != (0, times.duration_s):
        axes.axvspan(low, high, color=palette.mark, alpha=0.14, linewidth=0)
    step = times.duration_s / len(wave.start_s)
    axes.fill_between(
        wave.start_s + step / 2,
        wave.low,
        wave.high,
        color=palette.curve,
        linewidth=0.8,
        edgecolor=palette.curve,
    )
    reach = max(0.01, float(np.abs([wave.low, wave.high]).max()))
    axes.set_ylim(-1.08 * reach, 1.08 * reach)
    axes.yaxis.set_major_locator(MaxNLocator(5, symmetric=True))
    axes.set_ylabel("of full scale")
    _over_time(axes, times, width)
    return figure


def spectrum(views: Views, times: Times, width: Width, palette: Palette) -> Figure:
    """Level against frequency."""
    figure, axes, _ = _panel(width, 1.8)
    spectrum = views.spectrum
    axes.plot(spectrum.hz, spectrum.dbfs, color=palette.curve, linewidth=1.2)
    bottom, top = level_limits(spectrum.dbfs)
    axes.fill_between(spectrum.hz, bottom, spectrum.dbfs, color=palette.curve, alpha=0.15, linewidth=0)
    axes.set_ylim(bottom, top + 3)
    axes.set_xlim(0, spectrum.hz[-1])
    axes.xaxis.set_major_locator(MaxNLocator(8 if width.name == "wide" else 4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda hz, _: f"{hz:,.0f} Hz"))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_ylabel("dBFS")
    if spectrum.dbfs.max() <= bottom + 1:
        _say(axes, "digital silence: no frequency is above the scale", palette)
    return figure


def spectrogram(views: Views, times: Times, width: Width, palette: Palette) -> Figure:
    """Level by time and frequency."""
    return _draw_levels(views.spectrogram, times, width, palette, height_in=2.3)


def mel(views: Views, times: Times, width: Width, palette: Palette) -> Figure:
    """Level by time and mel band."""
    return _draw_levels(views.mel, times, width, palette, height_in=2.0, of_bands=True)


def _draw_levels(
    image: Image, times: Times, width: Width, palette: Palette, height_in: float, of_bands: bool = False
) -> Figure:
    figure, axes, bar = _panel(width, height_in)
    bottom, top = level_limits(image.values)
    _show(axes, image, image.values, LEVELS, (bottom, top))
    _scale(bar, LEVELS, bottom, top, "dBFS")
    if of_bands:
        _hz_of_bands(axes, image.rows)
    else:
        axes.set_yticks(range(0, len(image.rows), len(image.rows) // 4))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda row, _: f"{row * image.rows[1]:,.0f}"))
        axes.set_ylabel("Hz")
    _over_time(axes, times, width)
    if image.values.max() <= bottom + 1:
        _say(axes, "digital silence: nothing is above the scale", palette)
    return figure


def mfcc(views: Views, times: Times, width: Width, palette: Palette) -> Figure:
    """Coefficients from 1 on by time."""
    figure, axes, bar = _panel(width, 1.6)
    shape = views.mfcc.values[:, 1:]  # coefficient 0 is the loudness, ten times as large as the others
    reach = max(1.0, float(np.percentile(np.abs(shape), _SHOWN_PERCENT)))
    _show(axes, views.mfcc, shape, SIGNED, (-reach, reach))
    _scale(bar, SIGNED, -reach, reach, "")
    axes.set_yticks(range(0, shape.shape[1], 3), [str(index + 1) for index in range(0, shape.shape[1], 3)])
    axes.set_ylabel("coefficient")
    _over_time(axes, times, width)
    if np.abs(shape).max() < _NO_SHAPE:
        _say(axes, "all coefficients are 0: a spectrum without a shape", palette)
    return figure


def micro(views: Views, times: Times, width: Width, palette: Palette) -> Figure:
    """Features by time and channel, with what one input of a model takes of them."""
    figure, axes, bar = _panel(width, 2.1, above_in=0.3)
    image = views.micro
    top = max(1, int(image.values.max()))
    _show(axes, image, image.values, LEVELS, (0, top))
    _scale(bar, LEVELS, 0, top, "")
    _hz_of_bands(axes, image.rows)
    _over_time(axes, times, width)
    start, end = times.model_s
    above = axes.get_xaxis_transform()
    axes.plot([start, end], [1.04, 1.04], color=palette.mark, linewidth=2, transform=above, clip_on=False)
    # At the left, as the window may be a sliver of a long recording.
    text = "49 slices, 40 channels: one input of a model"
    axes.text(start, 1.07, text, color=palette.mark, transform=above, va="bottom")
    if times.end_s > end + image.column_s:
        axes.axvline(end, color=palette.mark, linewidth=1.5)
    if times.duration_s < end - image.column_s:
        axes.axvline(times.duration_s, color="#ffffff", linewidth=1, linestyle=":")
        axes.text(
            (times.duration_s + end) / 2, len(image.rows) - 2, "filled with zeros",
            color="#ffffff", ha="center", va="top",
        )  # fmt: skip
    elif not image.values.any():
        _say(axes, "all features are 0", palette)
    return figure


def _panel(width: Width, height_in: float, above_in: float = 0.08) -> tuple[Figure, Axes, Axes]:
    """A figure with axes that begin and end at the same places in every view, and room for a scale."""
    below_in = 0.3
    whole = height_in + above_in + below_in
    figure = new_figure(width, whole)
    left, right = width.of(0.75, 0.58) / width.inches, width.of(0.8, 0.5) / width.inches
    bottom = below_in / whole
    axes = figure.add_axes((left, bottom, 1 - left - right, height_in / whole))
    bar = figure.add_axes((1 - right + 0.1 / width.inches, bottom, 0.1 / width.inches, height_in / whole))
    bar.axis("off")
    return figure, axes, bar


def _show(
    axes: Axes, image: Image, values: NDArray[Any], color_map: str, limits: tuple[float, float]
) -> None:
    """Columns at their times; a row is one unit high, the lowest from -0.5."""
    end_s = image.first_s + len(values) * image.column_s
    axes.imshow(
        values.T.astype(np.float32),
        cmap=color_map,
        vmin=limits[0],
        vmax=limits[1],
        origin="lower",
        aspect="auto",
        interpolation="none",
        extent=(image.first_s, end_s, -0.5, values.shape[1] - 0.5),
    )
    axes.grid(False)


def _scale(bar: Axes, color_map: str, bottom: float, top: float, unit: str) -> None:
    """What the colors mean, beside the picture."""
    bar.axis("on")
    bar.imshow(
        np.linspace(0, 1, 64)[:, None],
        cmap=color_map,
        origin="lower",
        aspect="auto",
        interpolation="none",
        extent=(0, 1, bottom, top),
    )
    bar.grid(False)
    bar.set_xticks([])
    bar.yaxis.tick_right()
    bar.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10], integer=True))
    bar.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}".replace("-", "−")))
    if unit:
        bar.text(1.0, 1.02, unit, transform=bar.transAxes, ha="center", va="bottom")


def _hz_of_bands(axes: Axes, middles: NDArray[np.float64]) -> None:
    """Round frequencies at their places between the bands."""
    shown = np.array([250, 500, 1000, 2000, 4000])
    axes.set_yticks(np.interp(shown, middles, np.arange(len(middles))), [f"{hz:,}" for hz in shown])
    axes.set_ylabel("Hz")


def _over_time(axes: Axes, times: Times, width: Width) -> None:
    axes.set_xlim(0, times.end_s)
    axes.tick_params(axis="x", pad=6)
    axes.xaxis.set_major_locator(MaxNLocator(10 if width.name == "wide" else 4, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda second, _: f"{second:g} s"))


def level_limits(dbfs: NDArray[Any]) -> tuple[float, float]:
    """The ends of the scale: from the loudest down, in steps of 5 dB."""
    top = max(_QUIETEST_TOP_DBFS, 5 * float(np.ceil(dbfs.max() / 5)))
    return top - _RANGE_DB, top


def _say(axes: Axes, what: str, palette: Palette) -> None:
    """A sentence where there would be nothing to see."""
    box = {"facecolor": palette.paper, "edgecolor": palette.line, "boxstyle": "round,pad=0.5"}
    axes.text(0.5, 0.5, what, transform=axes.transAxes, ha="center", va="center", color=palette.ink, bbox=box)
