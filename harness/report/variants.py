"""What several tables ask of one variant: its stages, its keywords, and why a figure is missing."""

from __future__ import annotations

from harness.records.record import BoardRow, Fault, VariantRow
from harness.stats.matching import is_keyword

STAGES = ("preprocess", "inference", "postprocess")
ALL_STAGES = "all stages"


def time_is(board: BoardRow) -> str:
    """What stands beside every time of a board: "modeled", "instructions" or "measured"."""
    return board.clock.split()[0]


def stage_samples(variant: VariantRow) -> dict[str, list[int]]:
    """Microseconds by stage in time order, with the sum of the stages where each pass has all of them."""
    samples = {stage: variant.stage_us[stage] for stage in STAGES if variant.stage_us.get(stage)}
    if len(samples) == len(STAGES) and len({len(values) for values in samples.values()}) == 1:
        samples[ALL_STAGES] = [sum(values) for values in zip(*samples.values(), strict=True)]
    return samples


def keywords(variant: VariantRow) -> tuple[int, int]:
    """How many words of a keyword's label were heard as that, and how many were played."""
    wanted = [row.correct for row in variant.stimuli if is_keyword(row.label)]
    return sum(wanted), len(wanted)


def why_missing(variant: VariantRow) -> str:
    """Why a variant has no figures from the board, in a few words."""
    if not variant.faults:
        return "not measured" if variant.model is None or variant.model.deployable else "no board can run it"
    return "; ".join(dict.fromkeys(f"failed: {fault.failure}" for fault in variant.faults))


def fault_text(fault: Fault) -> str:
    """A fault's message without the failure class, which errors put before it."""
    return fault.message.removeprefix(f"{fault.failure}:").strip()
