"""Why the figures can be believed: chain of trust, faults, environment and raw logs."""

from __future__ import annotations

from typing import Any

from harness.records.record import RunRecord, VariantRow
from harness.report import format as figures
from harness.report.table import Column, Table, frame
from harness.report.variants import fault_text


def trust_table(record: RunRecord) -> Table:
    """Features, outputs and records of the board against what they should be."""
    rows = []
    for variant in record.variants:
        row: dict[str, Any] = {"variant": variant.title, "chain": chain_of_trust(variant), **variant.parity}
        if variant.audio_s:
            row |= {"audio_s": variant.audio_s, "wall_s": variant.listening_wall_s}
            row |= {"records_lost": variant.records_lost, "samples_lost": variant.samples_lost}
            if variant.listening_wall_s:
                row["times_real_time"] = variant.audio_s / variant.listening_wall_s
        rows.append(row)
    names = "variant chain recordings features_equal clips outputs_equal max_abs_difference audio_s wall_s"
    return Table(
        name="trust",
        title="Chain of trust",
        frame=frame(f"{names} times_real_time records_lost samples_lost", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Chain of trust", ["chain"], figure=False),
            Column("Recordings with equal features", ["features_equal", "recordings"], _part),
            Column("Clips with equal outputs", ["outputs_equal", "clips"], _part),
            Column("Outputs differ by", ["max_abs_difference"], figures.difference),
            Column("Audio played", ["audio_s"], figures.seconds),
            Column("Played in", ["wall_s"], figures.seconds),
            Column("× real time", ["times_real_time"], figures.times),
            Column("Records lost", ["records_lost"], figures.count),
            Column("Samples lost", ["samples_lost"], figures.count),
        ],
        note=(
            "Before any timing: the board's features against TensorFlow's audio_microfrontend op (CRC), and "
            "its outputs against the TensorFlow Lite reference kernels."
        ),
        tones=["bad" if row["chain"] == "broken" else "" for row in rows],
    )


def chain_of_trust(variant: VariantRow) -> str:
    """One of "holds", "broken" and "not checked"."""
    parity = variant.parity
    pairs = (("features_equal", "recordings"), ("outputs_equal", "clips"))
    unequal = any(parity.get(part) != parity.get(whole) for part, whole in pairs)
    if unequal or any(fault.failure == "accuracy" for fault in variant.faults):
        return "broken"
    return "holds" if parity else "not checked"


def _part(equal: int | None, of: int | None) -> str:
    """How many were equal of those that were compared; a dash where none was."""
    return figures.of(equal, of) if of else figures.DASH


def faults_table(record: RunRecord) -> Table:
    """What went wrong, by variant, with what to try."""
    rows = [
        {"variant": variant.title, "failure": fault.failure, "message": fault_text(fault)}
        for variant in record.variants
        for fault in variant.faults
    ]
    return Table(
        name="faults",
        title="What failed",
        frame=frame("variant failure message", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Failure", ["failure"], figure=False),
            Column("What happened, and what to try", ["message"], figure=False),
        ],
        tones=["bad"] * len(rows),
    )


def environment_table(record: RunRecord) -> Table:
    """The run, the code, the board and the host's software."""
    board = record.board
    clock = {"name": board.name, "uid": board.uid, "clock": f"{board.clock_hz / 1e6:g} MHz, {board.clock}"}
    sections: dict[str, dict[str, Any]] = {
        "run": record.run,
        "code": record.code,
        "board": clock | board.details,
        "host": record.environment,
    }
    rows = [
        {"section": section, "name": name.replace("_", " "), "value": _plain(value)}
        for section, entries in sections.items()
        for name, value in entries.items()
    ]
    return Table(
        name="environment",
        title="Environment",
        frame=frame("section name value", rows),
        columns=[
            Column("Of the", ["section"], figure=False),
            Column("What", ["name"], figure=False),
            Column("Value", ["value"], figure=False),
        ],
    )


def _plain(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def logs_table(record: RunRecord) -> Table:
    """The raw logs, by variant."""
    rows = [
        {"variant": variant.title, "log": what, "path": path}
        for variant in record.variants
        for what, path in variant.transcripts.items()
    ]
    return Table(
        name="logs",
        title="Raw logs",
        frame=frame("variant log path", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Log", ["log"], figure=False),
            Column("File", ["path"], figure=False, mark="link"),
        ],
        note="Every line that the board sent, with the host's monotonic time.",
    )


def notes_table(record: RunRecord) -> Table:
    """What a reader should know of how it was measured; what holds for several variants is said once."""
    variants_of: dict[str, list[str]] = {}
    for variant in record.variants:
        for note in variant.notes:
            variants_of.setdefault(note, []).append(variant.title)
    rows = [{"variants": ", ".join(titles), "note": note} for note, titles in variants_of.items()]
    return Table(
        name="notes",
        title="Notes",
        frame=frame("variants note", rows),
        columns=[
            Column("Variants", ["variants"], figure=False),
            Column("Note", ["note"], figure=False),
        ],
    )
