"""What the keys and values of a study are called where people read them."""

from __future__ import annotations

from harness.report import format as figures

_SERIES = {
    "l1": "L1",
    "l2": "L2",
    "linf": "L-infinity",
    "aware": "quantization-aware",
    "post-training": "after training",
    "integer, aware": "integer, aware",
    "integer, post-training": "integer, after training",
    "minifloat, post-training": "minifloat, after training",
    "l1 = 0": "trained without L1",
}
_AXES = {
    "bits": "Bits",
    "threshold": "Pruned",
    "parameters": "Parameters",
    "remaining": "Parameters that are not zero",
    "operations": "Operations of one inference",
}
_SHARES = ("threshold",)


def series_title(series: str) -> str:
    """A series as the legend has it: "L-infinity" for "linf"."""
    if series.startswith("l1 = ") and series not in _SERIES:
        return f"trained with L1 × {series.removeprefix('l1 = ')}"
    return _SERIES.get(series, series)


def axis_title(key: str) -> str:
    """What goes along an axis."""
    return _AXES.get(key, key.replace("_", " "))


def axis_value(key: str, value: float | None) -> str:
    """A value of the study's x: 12.5 % for the threshold 0.125."""
    if value is None:
        return figures.DASH
    return f"{100 * value:g}\u00a0%" if key in _SHARES else f"{value:g}"
