"""The table of a calibration, and what pages say of how modeled times compare with a real board."""

from __future__ import annotations

from harness.records.calibration import Calibration
from harness.report import format as fmt
from harness.report.table import Column, Table
from harness.report.variants import footprint_cell


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
        Column("variant", "Variant"),
        Column("engine", "Engine"),
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
