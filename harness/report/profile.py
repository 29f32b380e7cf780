"""Tables of cycles, of profiles and calibrations; flame graph and roofline of profiles."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from harness import format as fmt
from harness.records.calibration import Calibration
from harness.records.record import STAGES, BoardRow, ProfileRow, VariantRow
from harness.report import plot
from harness.report.flame_graph import flame_graph
from harness.report.plot import WIDTH_IN, Plot, new_figure, render_plot
from harness.report.table import Column, Table
from harness.report.variants import footprint_cell
from harness.stats.statistics import ratio

BOUND_CYCLES = 0.5
"""Least cycles of a multiply-accumulate on the core: SMLAD makes two in a cycle (TRM, table 3-1)."""

_IMAGE = (Column("variant", "Variant"), Column("engine", "Engine"))
_WORD_BYTES = 4.0  # a load of one word a cycle, at best (TRM 3.3.2)
_SHOWN = 0.01  # share of a stage from which on a function has a row of its own
_PREPROCESS = "Preprocess is that of a whole buffer of noise, 25 slices of 20 ms."


def operators_table(variants: Sequence[VariantRow]) -> Table:
    """Return the cycles of each operator of each variant, and the rest of the inference."""
    rows: list[dict[str, Any]] = []
    tones = []
    for variant, profile in _profiles(variants):
        inference = profile.stage_cycles["inference"]
        rest = inference - sum(one.cycles for one in profile.operators)
        for one in profile.operators:
            row = _named(variant) | {"operator": f"{one.name} ({one.index})"}
            rows.append(row | _figures(one.macs or None, one.cycles, inference) | {"bytes": one.bytes})
        name = "between the operators" if profile.operators else "all operators: not told apart"
        rows.append(_named(variant) | {"operator": name} | _figures(None, rest, inference))
        macs = variant.model.macs if variant.model else None
        rows.append(_named(variant) | {"operator": "inference"} | _figures(macs, inference, inference))
        tones += [""] * (len(profile.operators) + 1) + ["strong"]
    columns = [
        *_IMAGE,
        Column("operator", "Operator (number in the model)"),
        Column("macs", "Multiply-accumulates", fmt.count),
        Column("bytes", "Tensors, bytes", fmt.count),
        Column("cycles", "Cycles", fmt.count),
        Column("cycles_per_mac", "Cycles each", fmt.significant),
        Column("times_bound", "Times the bound", fmt.times),
        Column("share", "Share of the inference", fmt.share, mark="bar"),
    ]
    counters = {profile.counted_by for _, profile in _profiles(variants)}
    counted = (
        "Cycles of one inference, read from the processor's counter at each operator."
        if "cycle counter" in counters
        else "Modeled cycles of one inference, counted by code address in the image that was measured."
    )
    note = f"{counted} The bound is {BOUND_CYCLES:g} cycles a multiply-accumulate: two in one instruction."
    title = "Operators of the network"
    return Table("operators", title, columns, rows, note, headed=True, groups=2, tones=tones)


def functions_table(variants: Sequence[VariantRow]) -> Table:
    """Return the cycles of each function in each stage; short ones share a row."""
    rows: list[dict[str, Any]] = []
    for variant, profile in _profiles(variants):
        for stage in _stages(profile):
            whole = profile.stage_cycles[stage]
            cycles: Counter[str] = Counter()
            for stack in profile.stacks:
                if stack.stage == stage:
                    cycles[stack.functions[-1]] += stack.cycles
            shown = [(name, count) for name, count in cycles.most_common() if count >= _SHOWN * whole]
            others = len(cycles) - len(shown)
            if others:
                left = whole - sum(count for _, count in shown)
                shown.append((f"{fmt.plural(others, 'other function')}", left))
            rows += [
                _named(variant) | {"stage": stage, "function": name, "cycles": count, "share": count / whole}
                for name, count in shown
            ]
    columns = [
        *_IMAGE,
        Column("stage", "Stage"),
        Column("function", "Function"),
        Column("cycles", "Cycles in it", fmt.count),
        Column("share", "Share of the stage", fmt.share, mark="bar"),
    ]
    note = f"Modeled cycles of one run of each stage, without those of the functions it calls. {_PREPROCESS}"
    return Table("functions", "Functions of each stage", columns, rows, note, headed=True, groups=3)


def calibration_table(calibration: Calibration) -> Table:
    """Return modeled and measured cycles of each image and stage."""
    rows = [
        {
            "variant": image.variant,
            "engine": image.engine,
            "optimization": image.optimization,
            "footprint": image.footprint,
            "stage": stage,
            "modeled_cycles": cycles.modeled,
            "measured_cycles": cycles.median,
            "least": min(cycles.measured),
            "most": max(cycles.measured),
            "error": cycles.error,
        }
        for image in calibration.images
        for stage, cycles in image.stages.items()
    ]
    columns = [
        *_IMAGE,
        Column("optimization", "Optimization"),
        Column("footprint", "Footprint", footprint_cell, text=True, optional=True),
        Column("stage", "Stage"),
        Column("modeled_cycles", "Modeled cycles", fmt.count),
        Column("measured_cycles", "Median on the board", fmt.count),
        Column("least", "Least", fmt.count),
        Column("most", "Most", fmt.count),
        Column("error", "Modeled time is off by", fmt.precise_change),
    ]
    return Table("calibration", f"Modeled cycles against {calibration.board.title}", columns, rows, groups=2)


def flame_graph_of(variant: VariantRow, board: BoardRow) -> str:
    """Return the flame graph of a variant with a profile as an SVG file."""
    assert variant.profile and board.clock_hz, "a board that has a profile runs firmware"
    title = " · ".join((*_named(variant).values(), board.title))
    stages = {
        stage: [(one.functions, one.cycles) for one in variant.profile.stacks if one.stage == stage]
        for stage in _stages(variant.profile)
    }
    return flame_graph(f"{title}. {_PREPROCESS if 'preprocess' in stages else ''}", stages, board.clock_hz)


def roofline(variant: VariantRow) -> Plot | None:
    """Return the speed of each operator against the bounds of core and memory; None if nothing multiplies."""
    profile = variant.profile
    rows = [
        _Point(one.name, one.index, one.macs / one.bytes, one.macs / one.cycles)
        for one in (profile.operators if profile else ())
        if one.macs and one.bytes
    ]
    if not rows:
        return None
    caption = (
        "Speed of each operator over its multiply-accumulates per byte of weights, input and output, on "
        f"logarithmic scales. No operator gets above the lines: {1 / BOUND_CYCLES:g} multiply-accumulates a "
        f"cycle ({BOUND_CYCLES:g} cycles each), and one word of memory a cycle."
    )
    return render_plot("roofline", partial(_draw_roofline, rows), caption)


class _Point(NamedTuple):
    """An operator: multiply-accumulates per byte, and in a cycle."""

    name: str
    number: int
    intensity: float
    speed: float


def _draw_roofline(rows: Sequence[_Point]) -> Figure:
    figure = new_figure(3.6)
    axes = figure.add_axes((0.7 / WIDTH_IN, 0.14, 1 - 0.9 / WIDTH_IN, 0.8), xscale="log", yscale="log")
    top = 1 / BOUND_CYCLES
    low = min(0.1, *(point.intensity for point in rows)) / 1.5
    high = max(100.0, *(point.intensity for point in rows)) * 3
    knee = top / _WORD_BYTES
    axes.plot([low, knee, high], [low * _WORD_BYTES, top, top], color=plot.SOFT)
    axes.text(high / 1.05, top * 1.06, f"{BOUND_CYCLES:g} cycles each", ha="right", color=plot.SOFT)
    # Operators of the same name and about the same place, as in a network of equal blocks, share a label.
    groups: dict[tuple[str, int], list[_Point]] = defaultdict(list)
    for point in rows:
        axes.plot(point.intensity, point.speed, "o", color=plot.MCU, markersize=6)
        groups[point.name, round(4 * math.log10(point.intensity))].append(point)
    for (name, _), points in groups.items():
        numbers = ", ".join(str(point.number) for point in points)
        each = sorted({fmt.significant(1 / point.speed) for point in points}, key=float)
        text = f"{name} ({numbers}): {' to '.join(dict.fromkeys((each[0], each[-1])))} cycles each"
        right = points[0].intensity > high / 12
        axes.annotate(
            text,
            (points[0].intensity, points[0].speed),
            xytext=(-7 if right else 7, 0),
            textcoords="offset points",
            va="center",
            ha="right" if right else "left",
        )
    axes.set_xlim(low, high)
    axes.set_ylim(min(0.1, *(point.speed for point in rows)) / 1.5, top * 1.5)
    axes.set_xlabel("Multiply-accumulates per byte")
    axes.set_ylabel("Multiply-accumulates a cycle")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
    return figure


def _profiles(variants: Sequence[VariantRow]) -> list[tuple[VariantRow, ProfileRow]]:
    return [(variant, variant.profile) for variant in variants if variant.profile]


def _stages(profile: ProfileRow) -> list[str]:
    """Return the stages, the inference first."""
    return sorted((stage for stage in STAGES if stage in profile.stage_cycles), key="inference".__ne__)


def _named(variant: VariantRow) -> dict[str, str]:
    image = variant.firmware
    small = image and footprint_cell(image.footprint)
    engine = f"{image.engine} ({small})" if image and small else image.engine if image else ""
    return {"variant": variant.title, "engine": engine}


def _figures(macs: int | None, cycles: int, whole: int) -> dict[str, Any]:
    each = ratio(cycles, macs)
    return {
        "macs": macs,
        "cycles": cycles,
        "cycles_per_mac": each,
        "times_bound": each and each / BOUND_CYCLES,
        "share": cycles / whole,
    }
