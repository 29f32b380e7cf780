"""What a model should take, estimated from its layers, beside what image and arena really took."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from harness.records.record import BoardRow, RunRecord, VariantRow
from harness.report import format as figures
from harness.report.table import Column, Table, frame

Sized = tuple[str, VariantRow, BoardRow]
"""A variant by the title that it has in the page, and its board."""

CONVENTION = (
    "A multiply-accumulate counts as two operations; those of the weights and the bias additions are counted "
    "apart."
)


def sized(record: RunRecord) -> list[Sized]:
    """The variants of a night for these tables."""
    return [(variant.title, variant, record.board) for variant in record.variants]


def estimates_table(variants: Sequence[Sized]) -> Table:
    """Every variant with an estimate: flash and RAM as estimated, as they are, and how far off that was."""
    rows = [
        _estimate(title, variant, board)
        for title, variant, board in variants
        if variant.model and variant.model.sizing
    ]
    names = "variant parameters operations bias_operations"
    of_flash = "weights_flash_bytes weights_flash_share flash_bytes flash_share flash_error"
    of_ram = "activations_ram_bytes activations_ram_share live_ram_bytes arena_bytes arena_share"
    return Table(
        name="estimates",
        title="Estimate and truth",
        frame=frame(f"{names} {of_flash} {of_ram} activations_error live_error ram_bytes ram_share", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Parameters", ["parameters"], figures.count),
            Column("of weights", ["operations"], figures.count, group="Operations"),
            Column("of biases", ["bias_operations"], figures.count, group="Operations"),
            Column("weights, estimated", ["weights_flash_bytes"], figures.count, group="Flash, bytes"),
            Column("of the board's", ["weights_flash_share"], figures.share, group="Flash, bytes"),
            Column("whole image", ["flash_bytes"], figures.count, group="Flash, bytes"),
            Column("of the board's", ["flash_share"], figures.share, group="Flash, bytes"),
            Column("estimate off by", ["flash_error"], figures.change, group="Flash, bytes"),
            Column("activations, estimated", ["activations_ram_bytes"], figures.count, group="RAM, bytes"),
            Column("of the board's", ["activations_ram_share"], figures.share, group="RAM, bytes"),
            Column("at once, at least", ["live_ram_bytes"], figures.count, group="RAM, bytes"),
            Column("arena", ["arena_bytes"], figures.count, group="RAM, bytes"),
            Column("of the board's", ["arena_share"], figures.share, group="RAM, bytes"),
            Column("activations off by", ["activations_error"], figures.change, group="RAM, bytes"),
            Column("at once off by", ["live_error"], figures.change, group="RAM, bytes"),
        ],
        note=(
            f"{CONVENTION} Flash is estimated from the parameters alone: the image has the sketch, the "
            "front end and the kernels as well. RAM is estimated as input, output and every activation of "
            "a forward pass together (batch 1), and as the largest input and output of one layer: what is "
            "needed at once. The arena is what the engine reserved for them. “Off by” is the estimate "
            "against the truth."
        ),
    )


def _estimate(title: str, variant: VariantRow, board: BoardRow) -> dict[str, Any]:
    assert variant.model and variant.model.sizing
    sizing = variant.model.sizing
    row: dict[str, Any] = {"variant": title, **sizing}
    row["weights_flash_share"] = sizing["weights_flash_bytes"] / board.flash_bytes
    row["activations_ram_share"] = sizing["activations_ram_bytes"] / board.ram_bytes
    if firmware := variant.firmware:
        row |= {"flash_bytes": firmware.flash_bytes, "ram_bytes": firmware.ram_bytes}
        row |= {"arena_bytes": firmware.arena_bytes}
        row["flash_share"] = firmware.flash_bytes / board.flash_bytes
        row["flash_error"] = sizing["weights_flash_bytes"] / firmware.flash_bytes - 1
        row["ram_share"] = firmware.ram_bytes / board.ram_bytes
        row["arena_share"] = firmware.arena_bytes / board.ram_bytes
        if firmware.arena_bytes:
            row["activations_error"] = sizing["activations_ram_bytes"] / firmware.arena_bytes - 1
            row["live_error"] = sizing["live_ram_bytes"] / firmware.arena_bytes - 1
    return row


def layers_table(variants: Sequence[Sized]) -> Table:
    """The estimate layer by layer; variants whose layers are alike are listed once."""
    alike: dict[str, list[Sized]] = {}
    for item in variants:
        model = item[1].model
        if model and model.sizing:
            key = json.dumps([model.precision, model.sizing["layers"]], sort_keys=True)
            alike.setdefault(key, []).append(item)
    rows = []
    for those in alike.values():
        title, variant, _ = those[0]
        assert variant.model and variant.model.sizing
        more = f" and {len(those) - 1} more with the same layers" if len(those) > 1 else ""
        whole = variant.model.sizing["operations"]
        for layer in variant.model.sizing["layers"]:
            row = {"variants": title + more, "layer": layer["name"], **layer}
            rows.append(row | {"operations_share": layer["operations"] / whole if whole else None})
    return Table(
        name="layers",
        title="The estimate, layer by layer",
        frame=frame(
            "variants layer kind weights biases operations operations_share bias_operations activations", rows
        ),
        columns=[
            Column("Variant", ["variants"], figure=False),
            Column("Layer", ["layer"], figure=False),
            Column("Kind", ["kind"], figure=False),
            Column("Weights", ["weights"], figures.count),
            Column("Biases", ["biases"], figures.count),
            Column("Operations of weights", ["operations"], figures.count),
            Column("of all", ["operations_share"], figures.share, mark="bar"),
            Column("Operations of biases", ["bias_operations"], figures.count),
            Column("Output elements", ["activations"], figures.count),
        ],
        note=f"{CONVENTION} Batch normalization is folded into the layer before it.",
        headed=True,
    )
