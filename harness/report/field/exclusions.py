"""What does not stand in any rate, and why: nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.records.field_record import FieldRecord, FieldSegment, FieldVariant
from harness.report import format as figures
from harness.report.field.shown import audio_lost, level, plain
from harness.report.table import Column, Table, frame
from harness.report.variants import fault_text


def faults_table(record: FieldRecord) -> Table:
    """Variants that could not be measured, or not to the end."""
    rows = [
        {"variant": variant.title, "route": variant.route, "failure": one.failure, "message": fault_text(one)}
        for variant in record.variants
        for one in variant.faults
    ]
    return Table(
        name="faults",
        title="What failed",
        frame=frame("variant route failure message", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Failure", ["failure"], figure=False),
            Column("What happened, and what to try", ["message"], figure=False),
        ],
        tones=["bad"] * len(rows),
    )


def excluded_table(record: FieldRecord) -> Table:
    """Recordings that are in the folder and not in the plan."""
    return Table(
        name="excluded",
        title="Recordings that were not played",
        frame=frame("source reason", record.excluded),
        columns=[
            Column("Recording", ["source"], figure=False),
            Column("Why", ["reason"], figure=False),
        ],
    )


def left_out_table(variants: Sequence[FieldVariant]) -> Table:
    """Words that were played, and are in no rate."""
    rows = [
        {"variant": variant.title, "word": row.word, "source": row.source, "condition": row.condition}
        | {"segment": row.segment, "onset_s": row.onset_s, "reason": row.excluded}
        for variant in variants
        for row in variant.stimuli
        if row.excluded
    ]
    return Table(
        name="left-out",
        title="Words that count for nothing",
        frame=frame("variant word source condition segment onset_s reason", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Word", ["word"], figure=False),
            Column("Recording", ["source"], figure=False),
            Column("Condition", ["condition"], figure=False),
            Column("Segment", ["segment"], figures.count),
            Column("Played at", ["onset_s"], figures.seconds),
            Column("Why", ["reason"], figure=False),
        ],
        note=(
            "They are in no rate above, neither as heard nor as missed: the rates are of fewer words, and "
            "their intervals are wider for it."
        ),
    )


def losses_table(variants: Sequence[FieldVariant]) -> Table:
    """Segments that did not come through whole."""
    rows = [
        {"variant": variant.title, "segment": one.number, "condition": one.condition}
        | {"samples_lost": one.samples_lost, "lost_s": one.samples_lost / 16_000}
        | {"records_lost": one.records_lost, "complete": one.complete}
        | {"clipped_samples": one.clipped_samples, "note": one.note}
        for variant in variants
        for one in variant.segments
        if one.samples_lost or one.records_lost or not one.complete or one.clipped_samples or one.note
    ]
    return Table(
        name="losses",
        title="Segments in which something was lost",
        frame=frame(
            "variant segment condition samples_lost lost_s records_lost complete clipped_samples note", rows
        ),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Segment", ["segment"], figures.count),
            Column("Condition", ["condition"], figure=False),
            Column("Records lost", ["records_lost"], figures.count),
            Column("Ended", ["complete"], lambda complete: "yes" if complete else "cut off", figure=False),
            Column("Audio lost by the board", ["lost_s"], audio_lost),
            Column("Samples clipped", ["clipped_samples"], figures.count),
            Column("Note", ["note"], figures.remark, figure=False, optional=True),
        ],
        note=(
            "Lost records are the link's or the log's fault: the words they touch count for nothing. Audio "
            "that the board lost as it was too slow is the board's: those words count. Clipped is what the "
            "microphone got, at its gain."
        ),
    )


def notes_table(record: FieldRecord) -> Table:
    """What a reader should know of recordings and measuring; what holds for several is said once."""
    of: dict[str, list[str]] = {note: ["the plan"] for note in record.notes}
    for variant in record.variants:
        for note in variant.notes:
            of.setdefault(note, []).append(variant.title)
    rows = [{"of": ", ".join(dict.fromkeys(names)), "note": note} for note, names in of.items()]
    return Table(
        name="notes",
        title="Notes",
        frame=frame("of note", rows),
        columns=[
            Column("Of", ["of"], figure=False),
            Column("Note", ["note"], figure=False),
        ],
    )


def segments_table(variants: Sequence[FieldVariant]) -> Table:
    """Every segment with its levels and its log."""
    rows = [_segment(variant, one) for variant in variants for one in variant.segments]
    return Table(
        name="segments",
        title="Segments",
        frame=frame(
            "variant segment condition audio_s keyword_free_s wall_s speech_dbfs snr_db clipped_samples "
            "board_dbfs board_snr_db log",
            rows,
        ),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Segment", ["segment"], figures.count),
            Column("Condition", ["condition"], figure=False),
            Column("Audio", ["audio_s"], figures.seconds),
            Column("Without keywords", ["keyword_free_s"], figures.seconds),
            Column("Played in", ["wall_s"], figures.seconds),
            Column("Speech, dBFS", ["speech_dbfs"], level),
            Column("SNR, dB", ["snr_db"], level),
            Column("Samples clipped", ["clipped_samples"], figures.count),
            Column("Words at the board, dBFS", ["board_dbfs"], level, optional=True),
            Column("SNR at the board, dB", ["board_snr_db"], level, optional=True),
            Column("Log", ["log"], figure=False, mark="link"),
        ],
        note=(
            "Level and SNR as they came out: RMS where speech is active, at the microphone before its "
            "gain. A dash: no words, or no noise."
        ),
        groups=1,
    )


def _segment(variant: FieldVariant, one: FieldSegment) -> dict[str, Any]:
    return {
        "variant": variant.title,
        "segment": one.number,
        "condition": one.condition,
        "audio_s": one.audio_s,
        "keyword_free_s": one.keyword_free_s,
        "wall_s": one.wall_s,
        "speech_dbfs": one.speech_dbfs,
        "snr_db": one.snr_db,
        "clipped_samples": one.clipped_samples,
        "board_dbfs": one.acoustic.get("words_at_board_dbfs"),
        "board_snr_db": one.acoustic.get("words_snr_db"),
        "log": one.transcript,
    }


def reference_table(variants: Sequence[FieldVariant]) -> Table:
    """The board's scores against the host's."""
    rows = [{"variant": variant.title} | variant.reference for variant in variants if variant.reference]
    return Table(
        name="reference",
        title="The board's scores against the host's",
        frame=frame("variant inferences equal max_difference", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Equal scores", ["equal", "inferences"], figures.of),
            Column("Largest difference, of 255", ["max_difference"], figures.count),
        ],
        note=(
            "At every inference that the board logged, the host computes the same slices with one front "
            "end for the whole segment, and the TensorFlow Lite reference kernels. In float32 sums are "
            "rounded in another order: a score may be off by one."
        ),
        tones=["bad" if _differs(variant) else "" for variant in variants if variant.reference],
    )


def _differs(variant: FieldVariant) -> bool:
    """By more than the rounding of a float32 model can do."""
    exact = variant.model is None or variant.model.precision != "float32"
    return variant.reference["max_difference"] > (0 if exact else 1)


def plan_table(record: FieldRecord) -> Table:
    """What was played under which conditions."""
    rows = [row | {"room": _room(row)} for row in record.conditions]
    return Table(
        name="plan",
        title="The plan's conditions",
        frame=frame("name distance_m rt60_s room snr_db noise level_dbfs background_dbfs gain_db", rows),
        columns=[
            Column("Condition", ["name"], figure=False),
            Column("Distance, m", ["distance_m"], plain),
            Column("Reverberation, s", ["rt60_s"], plain),
            Column("Room", ["room"], figure=False),
            Column("SNR, dB", ["snr_db"], plain),
            Column("Noise", ["noise"], figure=False),
            Column("Level, dBFS", ["level_dbfs"], plain),
            Column("Background, dBFS", ["background_dbfs"], plain),
            Column("Gain, dB", ["gain_db"], plain),
        ],
        note=(
            "A dash for the level: as recorded; for SNR and noise: only the background; for the distance: "
            "no room. Level and SNR are RMS where speech is active, at the microphone before its gain."
        ),
    )


def _room(condition: dict[str, Any]) -> str | None:
    if condition.get("distance_m") is None or not condition.get("room_m"):
        return None
    return " × ".join(f"{length:g}" for length in condition["room_m"]) + " m"
