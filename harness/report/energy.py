"""Tables of measured energy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness import format as fmt
from harness.report.table import Column, Table
from harness.report.variants import ALL_STAGES
from harness.stats.energy import INFERENCE, BurstEnergy, Energy

ESTIMATED = "estimated from the datasheet"
ESTIMATE_NOTE = (
    "Estimated from the datasheet, not measured: modeled time of the processor × 3.3 mA at 3 V (nRF52840, "
    "64 MHz, from flash with cache and DC/DC), and 3.16 µA while it sleeps. Microphone, USB, sensors and "
    "regulators of the board are not in it."
)

CELLS_WH = {"CR2032": 0.225 * 3.0, "2xAAA": 1.2 * 1.5 * 2, "2xAA": 2.5 * 1.5 * 2}
"""Energy of cells in watt-hours: the capacity that makers name, times the nominal voltage.

CR2032: 225 mAh at 190 µA (Panasonic). Alkaline AAA and AA: 1,200 and 2,500 mAh at 25 mA (Energizer)."""

_HOURS_OF_A_YEAR = 8766
_UNITS = (("J", 1.0), ("mJ", 1e-3), ("µJ", 1e-6))


@fmt.dashed
def energy_text(joules: float) -> str:
    """Format an energy: 102 µJ, 7,370 µJ, 12.6 mJ, 48.1 J."""
    unit, size = next(((unit, size) for unit, size in _UNITS if joules >= 10 * size), _UNITS[-1])
    return f"{fmt.significant(joules / size)} {unit}"


@fmt.dashed
def power_text(watts: float) -> str:
    """Format a power: 3.30 mW, 12.5 W."""
    return f"{fmt.significant(watts)} W" if watts >= 1 else f"{fmt.significant(watts * 1e3)} mW"


@fmt.dashed
def _seconds(seconds: float) -> str:
    return fmt.duration(seconds * 1e6)


def as_estimate(table: Table) -> Table:
    """Label a table of estimates: it shares neither name nor title with a measured one."""
    return replace(
        table,
        name=f"estimated_{table.name}",
        title=f"{table.title}, {ESTIMATED}",
        columns=[one for one in table.columns if one.keys != ["peak_watts"]],
        note=ESTIMATE_NOTE,
    )


def totals_table(energy: Energy) -> Table:
    """Return mean, idle and peak power, and the energy of an hour."""
    row = {
        "seconds": energy.seconds,
        "mean_watts": energy.mean_watts,
        "idle_watts": energy.idle_watts,
        "peak_watts": energy.peak_watts,
        "joules_per_hour": energy.mean_watts * 3600,
    }
    columns = [
        Column("seconds", "Trace", lambda value: f"{fmt.significant(value)} s"),
        Column("mean_watts", "Mean power", power_text),
        Column("idle_watts", "Idle", power_text, optional=True),
        Column("peak_watts", "Peak", power_text),
        Column("joules_per_hour", "An hour", energy_text),
    ]
    idle = "" if energy.idle_watts is None else "Idle is the mean between the stages. "
    note = f"{idle}The peak is the highest sample. Nothing is subtracted."
    return Table("power", "Power", columns, [row], note)


def stage_table(energy: Energy) -> Table | None:
    """Return the energy of each stage; None without stage pins."""
    if not energy.stages:
        return None
    shortest = 2 * energy.sample_seconds
    rows: list[dict[str, Any]] = [
        {
            "stage": stage.stage,
            "times": stage.joules.n,
            "seconds": stage.seconds.median,
            "joules": stage.joules.median,
            "joules_p95": stage.joules.p95,
            "per_inference_joules": stage.per_inference_joules,
            "net_joules": energy.net_joules(stage),
        }
        if energy.shows(stage)
        else {"stage": stage.stage, "note": f"shorter than two samples, {_seconds(shortest)}"}
        for stage in energy.stages
    ]
    total = sum(stage.per_inference_joules for stage in energy.stages)
    rows.append({"stage": ALL_STAGES, "per_inference_joules": total})
    columns = [
        Column("stage", "Stage"),
        Column("times", "Times", fmt.count),
        Column("seconds", "Time", _seconds),
        Column("joules", "Energy", energy_text),
        Column("joules_p95", "95 % at most", energy_text),
        Column("net_joules", "Beyond idle", energy_text),
        Column("per_inference_joules", "For an inference", energy_text),
        Column("note", "Note", fmt.remark, optional=True),
    ]
    note = (
        "Time, energy and beyond idle are medians of a time that the stage ran; beyond idle is without what "
        "the idle board takes in the same time. For an inference: all energy of the stage, by the number of "
        "inferences."
    )
    return Table("stages", "Energy of a stage", columns, rows, note)


def inference_table(bursts: BurstEnergy) -> Table:
    """Return the energy of an inference in bursts."""
    row = {
        "bursts": bursts.joules.n,
        "inferences": bursts.inferences,
        "seconds": bursts.seconds.median,
        "joules": bursts.joules.median,
        "joules_low": bursts.joules.minimum,
        "joules_high": bursts.joules.maximum,
        "net_joules": bursts.net_joules.median,
        "idle_watts": bursts.idle_watts,
        "peak_watts": bursts.peak_watts,
    }
    columns = [
        Column("bursts", "Bursts"),
        Column("inferences", "Inferences", fmt.count),
        Column("seconds", "Time", _seconds),
        Column("joules", "Energy", energy_text),
        Column(
            "joules_low joules_high",
            "from to",
            lambda low, high: f"{energy_text(low)} to {energy_text(high)}",
        ),
        Column("net_joules", "Beyond idle", energy_text),
        Column("idle_watts", "Idle", power_text),
        Column("peak_watts", "Peak", power_text),
    ]
    others = ""
    if bursts.other_cores is not None:
        has_peak = bursts.peak_watts is not None
        peak = "the peak is the highest mean of a reading" if has_peak else "so there is no peak"
        others = (
            " The meter counts all work of the computer: other processes used "
            f"{bursts.other_cores:.2f} cores meanwhile, {peak}."
        )
    elif bursts.why_no_peak:
        others = f" There is {bursts.why_no_peak}."
    note = (
        "An inference in a burst: the median of the bursts. Beyond idle is without what the idle board takes "
        "in the same time, measured before and after each burst; the time is that of the board's clock."
        + others
    )
    return Table("inference", "Energy of an inference", columns, [row], note)


def battery_table(energy: Energy, cell: str = "") -> Table:
    """Return how long a cell lasts while the board listens; "" for all known ones."""
    inference = next((one for one in energy.stages if one.stage == INFERENCE), None)
    cells = {cell: CELLS_WH[cell]} if cell else CELLS_WH
    rows = [
        {
            "cell": cell,
            "watt_hours": watt_hours,
            "hours": watt_hours / energy.mean_watts if energy.mean_watts > 0 else None,
            "inferences": watt_hours * 3600 / inference.joules.median
            if inference and inference.joules.median > 0
            else None,
        }
        for cell, watt_hours in cells.items()
    ]
    columns = [
        Column("cell", "Cell"),
        Column("watt_hours", "Holds", lambda value: f"{fmt.significant(value)} Wh"),
        Column("hours", "Lasts", _life),
        Column("inferences"),
    ]
    note = "At the mean power above, from the capacity that makers name; a cell's losses are not counted."
    return Table("battery", "Life of a battery while the board listens", columns, rows, note)


@fmt.dashed  # if the board took no power, or gave some
def _life(hours: float) -> str:
    if hours < 48:
        return f"{fmt.significant(hours)} h"
    if hours < _HOURS_OF_A_YEAR:
        return f"{fmt.significant(hours / 24)} days"
    return f"{fmt.significant(hours / _HOURS_OF_A_YEAR)} years"
