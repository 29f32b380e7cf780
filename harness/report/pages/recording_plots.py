"""The six views of a recording as plots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from harness.recording_views import Look
from harness.report import plot
from harness.report.plot import WIDTH_IN, Plot, new_figure, render_plot
from models.views import Image

LEVELS, SIGNED = "magma", "berlin"
"""Color maps, both dark where there is little, readable for the color-blind and in gray."""
_RANGE_DB = 80.0
"""Range of the color scale: more than the ear hears in one sound."""
_LEAST_TOP_DBFS = -60.0
"""Lowest top of the color scale, so that digital silence is dark and not noise."""
_SHOWN_PERCENT = 98
"""Share of the MFCCs within the color scale; the rest is mostly coefficient 1 of loud moments."""
_NO_SHAPE = 1e-3
"""Largest MFCC that counts as 0; float32 rounding leaves less."""
_MICRO = (
    "16-bit integers, from the function that every board is checked against. Gain control raises quiet "
    "parts, noise reduction removes steady sound."
)


@dataclass(frozen=True)
class View:
    """One of the six views: its name in files and ids, its title, how to read it, and how to draw it."""

    name: str
    title: str
    reading: str
    draw: Callable[[Look], Figure]

    def plot(self, seen: Look) -> Plot:
        method = getattr(seen.views, self.name).method
        caption = f"{method[0].upper()}{method[1:]}. {self.reading}"
        return render_plot(self.name, lambda: self.draw(seen), caption)


def draw_waveform(seen: Look) -> Figure:
    """Draw amplitude against time, the active part shaded."""
    figure, axes, _ = _panel(1.6)
    wave, facts = seen.views.waveform, seen.facts
    if facts.active_s != (0, facts.duration_s):
        axes.axvspan(*facts.active_s, color=plot.MCU, alpha=0.14, linewidth=0)
    middles = wave.start_s + facts.duration_s / len(wave.start_s) / 2
    axes.fill_between(middles, wave.low, wave.high, color=plot.CPU, linewidth=0.8, edgecolor=plot.CPU)
    reach = 1.08 * max(0.01, float(np.abs([wave.low, wave.high]).max()))
    axes.set_ylim(-reach, reach)
    axes.yaxis.set_major_locator(MaxNLocator(5, symmetric=True))
    axes.set_ylabel("of full scale")
    _time_axis(axes, seen)
    return figure


def draw_spectrum(seen: Look) -> Figure:
    """Draw level against frequency."""
    figure, axes, _ = _panel(1.8)
    hz, dbfs = seen.views.spectrum.hz, seen.views.spectrum.dbfs
    bottom, top = level_limits(dbfs)
    axes.plot(hz, dbfs, color=plot.CPU, linewidth=1.2)
    axes.fill_between(hz, bottom, dbfs, color=plot.CPU, alpha=0.15, linewidth=0)
    axes.set_ylim(bottom, top + 3)
    axes.set_xlim(0, hz[-1])
    axes.xaxis.set_major_locator(MaxNLocator(8))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f} Hz"))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_ylabel("dBFS")
    if dbfs.max() <= bottom + 1:
        _write(axes, "digital silence: no frequency is above the scale")
    return figure


def draw_spectrogram(seen: Look) -> Figure:
    """Draw level by time and frequency."""
    image = seen.views.spectrogram
    rows = range(0, len(image.rows), len(image.rows) // 4)
    figure, axes = _draw_levels(seen, image, height_in=2.3)
    axes.set_yticks(rows, [f"{image.rows[row]:,.0f}" for row in rows])
    return figure


def draw_mel(seen: Look) -> Figure:
    """Draw level by time and mel band."""
    figure, axes = _draw_levels(seen, seen.views.mel, height_in=2.0)
    _band_axis(axes, seen.views.mel.rows)
    return figure


def _draw_levels(seen: Look, image: Image, height_in: float) -> tuple[Figure, Axes]:
    limits = level_limits(image.values)
    figure, axes = _draw_image(seen, image, image.values, LEVELS, limits, (height_in, 0.25), ("Hz", "dBFS"))
    if image.values.max() <= limits[0] + 1:
        _write(axes, "digital silence: nothing is above the scale")
    return figure, axes


def draw_mfcc(seen: Look) -> Figure:
    """Draw coefficients from 1 on by time."""
    shape = seen.views.mfcc.values[:, 1:]  # coefficient 0 is the loudness, ten times as large as the others
    reach = max(1.0, float(np.percentile(np.abs(shape), _SHOWN_PERCENT)))
    labels = ("coefficient", "")
    figure, axes = _draw_image(seen, seen.views.mfcc, shape, SIGNED, (-reach, reach), (1.6, 0.08), labels)
    rows = range(0, shape.shape[1], 3)
    axes.set_yticks(rows, [str(row + 1) for row in rows])
    if np.abs(shape).max() < _NO_SHAPE:
        _write(axes, "all coefficients are 0: a spectrum without a shape")
    return figure


def draw_micro(seen: Look) -> Figure:
    """Draw features by time and channel, with the window that is one input of a model."""
    image, duration_s = seen.views.micro, seen.facts.duration_s
    limits = (0, max(1, int(image.values.max())))
    figure, axes = _draw_image(seen, image, image.values, LEVELS, limits, (2.1, 0.3), ("Hz", ""))
    _band_axis(axes, image.rows)
    start, end = seen.model_s
    above = axes.get_xaxis_transform()
    axes.plot([start, end], [1.04, 1.04], color=plot.MCU, linewidth=2, transform=above, clip_on=False)
    text = "49 slices, 40 channels: one input of a model"
    axes.text(start, 1.07, text, color=plot.MCU, transform=above, va="bottom")
    if duration_s > end + image.column_s:
        axes.axvline(end, color=plot.MCU, linewidth=1.5)
    if duration_s < end - image.column_s:
        middle, top = (duration_s + end) / 2, len(image.rows) - 2
        axes.axvline(duration_s, color="#ffffff", linewidth=1, linestyle=":")
        axes.text(middle, top, "filled with zeros", color="#ffffff", ha="center", va="top")
    elif not image.values.any():
        _write(axes, "all features are 0")
    return figure


def level_limits(dbfs: NDArray[Any]) -> tuple[float, float]:
    """Return the ends of the color scale: from the loudest level down, in steps of 5 dB."""
    top = max(_LEAST_TOP_DBFS, 5 * float(np.ceil(dbfs.max() / 5)))
    return top - _RANGE_DB, top


def _panel(height_in: float, above_in: float = 0.08) -> tuple[Figure, Axes, Axes]:
    """Return axes at the same horizontal place in every view, and axes for a color scale."""
    below_in = 0.3
    whole = height_in + above_in + below_in
    figure = new_figure(whole)
    left, right, bar_in = 0.75 / WIDTH_IN, 0.8 / WIDTH_IN, 0.1 / WIDTH_IN
    bottom, height = below_in / whole, height_in / whole
    bar = figure.add_axes((1 - right + bar_in, bottom, bar_in, height))
    bar.axis("off")
    return figure, figure.add_axes((left, bottom, 1 - left - right, height)), bar


def _draw_image(
    seen: Look,
    image: Image,
    values: NDArray[Any],
    color_map: str,
    limits: tuple[float, float],
    heights_in: tuple[float, float],
    labels: tuple[str, str],
) -> tuple[Figure, Axes]:
    """Draw (columns, rows) at their times, rows one unit high from -0.5 up, and the color scale beside.

    `heights_in` are of the image and of the space above it, `labels` of the rows and of the color scale.
    """
    figure, axes, bar = _panel(*heights_in)
    end_s = image.first_s + len(values) * image.column_s
    shared: dict[str, Any] = {"cmap": color_map, "vmin": limits[0], "vmax": limits[1]}
    shared |= {"origin": "lower", "aspect": "auto", "interpolation": "none"}
    extent = (image.first_s, end_s, -0.5, values.shape[1] - 0.5)
    axes.imshow(values.T.astype(np.float32), extent=extent, **shared)
    axes.grid(False)
    axes.set_ylabel(labels[0])
    _time_axis(axes, seen)
    bar.axis("on")
    bar.imshow(np.linspace(*limits, 64)[:, None], extent=(0, 1, *limits), **shared)
    bar.grid(False)
    bar.set_xticks([])
    bar.yaxis.tick_right()
    bar.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10], integer=True))
    bar.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}".replace("-", "−")))
    bar.text(1.0, 1.02, labels[1], transform=bar.transAxes, ha="center", va="bottom")
    return figure, axes


def _band_axis(axes: Axes, middles: NDArray[np.float64]) -> None:
    """Put round frequencies at their places between the bands."""
    shown = np.array([250, 500, 1000, 2000, 4000])
    axes.set_yticks(np.interp(shown, middles, np.arange(len(middles))), [f"{hz:,}" for hz in shown])


def _time_axis(axes: Axes, seen: Look) -> None:
    axes.set_xlim(0, max(seen.facts.duration_s, seen.model_s[1]))
    axes.tick_params(axis="x", pad=6)
    axes.xaxis.set_major_locator(MaxNLocator(10, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda second, _: f"{second:g} s"))


def _write(axes: Axes, text: str) -> None:
    """Write a sentence where there is nothing to see."""
    box = {"facecolor": plot.PAPER, "edgecolor": plot.LINE, "boxstyle": "round,pad=0.5"}
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=plot.INK, bbox=box)


ALL_VIEWS = (
    View("waveform", "Waveform", "The active part is shaded.", draw_waveform),
    View("spectrum", "Spectrum", "Level of each frequency; a sine of full scale has −3 dBFS.", draw_spectrum),
    View("spectrogram", "Spectrogram", "Level of each frequency over time.", draw_spectrogram),
    View("mel", "Mel spectrogram", "Bands as wide as the ear's: narrow below, wide above.", draw_mel),
    View("mfcc", "MFCC", "Shape of the mel spectrum; coefficient 0, the loudness, is in the CSV.", draw_mfcc),
    View("micro", "Micro features: the input of a model", _MICRO, draw_micro),
)
