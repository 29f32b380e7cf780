"""Facts of a variant that several tables need: stages, conformance, and reasons for missing values."""

from __future__ import annotations

from harness.records.record import BoardRow, Fault, VariantRow

STAGES = ("preprocess", "inference", "postprocess")
ALL_STAGES = "all stages"


def time_is(board: BoardRow) -> str:
    """Return the label of a board's times: "modeled", "instructions" or "measured"."""
    return board.clock.split()[0]


def clock_note(boards: list[BoardRow]) -> str:
    """Return a sentence for each board whose times were not measured on a physical one; "" for none."""
    emulated = {board.title: board for board in boards if time_is(board) != "measured"}
    return " ".join(
        f"{title}: times are {time_is(board)}, not measured on a physical board."
        for title, board in emulated.items()
    )


def stage_samples(variant: VariantRow) -> dict[str, list[int]]:
    """Return µs by stage in time order, and `ALL_STAGES`, their sum, if every pass has all stages."""
    samples = {stage: variant.stage_us[stage] for stage in STAGES if variant.stage_us.get(stage)}
    if len(samples) == len(STAGES) and len({len(values) for values in samples.values()}) == 1:
        samples[ALL_STAGES] = list(map(sum, zip(*samples.values(), strict=True)))
    return samples


def conformance(variant: VariantRow) -> str:
    """Return the result of the conformance checks: "holds", "broken" or "not checked"."""
    if not variant.parity.holds or any(fault.failure == "accuracy" for fault in variant.faults):
        return "broken"
    return "holds" if variant.parity.clips is not None else "not checked"


def why_missing(variant: VariantRow) -> str:
    """Return a short reason why a variant has no measurements from the board."""
    if not variant.faults:
        return "not measured" if variant.model is None or variant.model.deployable else "no board can run it"
    return "; ".join(dict.fromkeys(f"failed: {fault.failure}" for fault in variant.faults))


def fault_text(fault: Fault) -> str:
    """Return a fault's message without the failure class in front."""
    return fault.message.removeprefix(f"{fault.failure}:").strip()
