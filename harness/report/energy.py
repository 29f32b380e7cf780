"""Tables of measured energy."""

from __future__ import annotations

from harness.report import format as fmt
from harness.report.table import Column, Table
from harness.stats.energy import INFERENCE, Energy

CELLS_WH = {"CR2032": 0.225 * 3.0, "two AAA": 1.2 * 1.5 * 2, "two AA": 2.5 * 1.5 * 2}
"""Energy of cells in watt-hours: the capacity that makers name, times the nominal voltage.

CR2032: 225 mAh at 190 µA (Panasonic). Alkaline AAA and AA: 1,200 and 2,500 mAh at 25 mA (Energizer)."""

_HOURS_OF_A_YEAR = 8766


def _micro(value: float | None) -> str:
    return fmt.text(None) if value is None else f"{fmt.significant(value * 1e6)} µJ"


def _milliwatts(value: float | None) -> str:
    return fmt.text(None) if value is None else f"{fmt.significant(value * 1e3)} mW"


def _joules(value: float) -> str:
    return f"{fmt.significant(value)} J"


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
        Column("mean_watts", "Mean power", _milliwatts),
        Column("idle_watts", "Idle", _milliwatts, optional=True),
        Column("peak_watts", "Peak", _milliwatts),
        Column("joules_per_hour", "An hour", _joules),
    ]
    note = "Idle is the mean between the stages. The peak is the highest sample."
    return Table("power", "Power", columns, [row], note)


def stage_table(energy: Energy) -> Table | None:
    """Return the energy of each stage; None without stage pins."""
    if not energy.stages:
        return None
    rows = [
        {
            "stage": stage.stage,
            "times": stage.joules.n,
            "seconds": stage.seconds.median,
            "joules": stage.joules.median,
            "joules_p95": stage.joules.p95,
            "net_joules": energy.net_joules(stage),
        }
        for stage in energy.stages
    ]
    columns = [
        Column("stage", "Stage"),
        Column("times", "Times", lambda value: f"{value:,}"),
        Column("seconds", "Time", lambda value: fmt.duration(value * 1e6)),
        Column("joules", "Energy", _micro),
        Column("joules_p95", "95 % at most", _micro),
        Column("net_joules", "Beyond idle", _micro),
    ]
    note = "Medians. Beyond idle is without what the idle board takes in the same time."
    return Table("stages", "Energy of a stage", columns, rows, note)


def battery_table(energy: Energy) -> Table:
    """Return how long usual cells last while the board listens."""
    inference = next((one for one in energy.stages if one.stage == INFERENCE), None)
    rows = [
        {
            "cell": cell,
            "watt_hours": watt_hours,
            "hours": watt_hours / energy.mean_watts,
            "inferences": watt_hours * 3600 / inference.joules.median if inference else None,
        }
        for cell, watt_hours in CELLS_WH.items()
    ]
    columns = [
        Column("cell", "Cell"),
        Column("watt_hours", "Holds", lambda value: f"{fmt.significant(value)} Wh"),
        Column("hours", "Lasts", _life),
        Column("inferences"),
    ]
    note = "At the mean power above, from the capacity that makers name; a cell's losses are not counted."
    return Table("battery", "Life of a battery while the board listens", columns, rows, note)


def _life(hours: float) -> str:
    if hours < 48:
        return f"{fmt.significant(hours)} h"
    if hours < _HOURS_OF_A_YEAR:
        return f"{fmt.significant(hours / 24)} days"
    return f"{fmt.significant(hours / _HOURS_OF_A_YEAR)} years"
