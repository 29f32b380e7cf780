"""Word by word: what was played, what was announced for it; and single clips in command mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from harness.records.field_record import FieldVariant
from harness.report import format as figures
from harness.report.field.shown import of
from harness.report.table import Column, Table, frame
from harness.stats.statistics import wilson_interval


def words_table(variants: Sequence[FieldVariant]) -> Table:
    """Each word of the plan, and what each variant made of it."""
    rows = [
        {"variant": variant.title, "order": (row.segment, row.onset_s, row.source)} | asdict(row)
        for variant in variants
        for row in variant.stimuli
    ]
    rows.sort(key=lambda row: row["order"])
    names = (
        "variant segment condition word label source speaker onset_s end_s correct detected score "
        "detected_at_s delay_s peak excluded cause clip"
    )
    return Table(
        name="words",
        title="Word by word",
        frame=frame(names, rows),
        columns=[
            Column("Segment", ["segment"], figures.count),
            Column("Played at", ["onset_s"], figures.seconds),
            Column("Word", ["word"], figure=False),
            Column("Recording", ["source"], figure=False),
            Column("Condition", ["condition"], figure=False),
            Column("Variant", ["variant"], figure=False),
            Column("Right", ["correct", "excluded"], _right, figure=False),
            Column("Detected", ["detected"], figures.text, figure=False),
            Column("Score", ["score"], figures.count),
            Column("Highest single score", ["peak"], figures.count),
            Column("Detected at", ["detected_at_s"], figures.seconds),
            Column("After its end", ["delay_s"], figures.seconds),
            Column("Why not", ["cause", "excluded"], _why_not, figure=False),
        ],
        note=(
            "Times are seconds of audio in the segment; the score is the recognizer's average, of 255, "
            "beside the highest of a single inference. A dash: nothing was announced. A negative time: "
            "before the end of the word."
        ),
        groups=5,
        tones=["" if row["correct"] or row["excluded"] else "bad" for row in rows],
    )


def _right(correct: bool, excluded: str) -> str:
    return "not counted" if excluded else "✓" if correct else "✗"


def _why_not(cause: str, excluded: str) -> str:
    return excluded or cause


def clips_table(variants: Sequence[FieldVariant]) -> Table:
    """How many single clips were recognized in command mode, and whether the outputs are the host's."""
    rows = [_clips(variant) for variant in variants if variant.clips]
    return Table(
        name="clip-overview",
        title="Single clips, classified once",
        frame=frame("variant clips correct accuracy low high compared equal", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Clips", ["clips"], figures.count),
            Column("Correct", ["correct"], figures.count),
            Column("Accuracy", ["accuracy"], figures.share),
            Column("95 % interval", ["low", "high"], figures.interval),
            Column("0 to 100 %", ["accuracy", "low", "high"], lambda *_: "", mark="interval"),
            Column("Outputs equal to the host's", ["equal", "compared"], of),
        ],
        note=(
            "The features of the recording by itself were sent to the board, without microphone, room and "
            "recognizer: the most probable label counts. Not to be compared with what is heard in a stream."
        ),
        tones=["bad" if row["equal"] != row["compared"] else "" for row in rows],
    )


def _clips(variant: FieldVariant) -> dict[str, Any]:
    correct, total = sum(one.predicted == one.label for one in variant.clips), len(variant.clips)
    low, high = wilson_interval(correct, total)
    compared = [one.board_equals_host for one in variant.clips if one.board_equals_host is not None]
    row = {"variant": variant.title, "clips": total, "correct": correct, "accuracy": correct / total}
    return row | {"low": low, "high": high, "compared": len(compared), "equal": sum(compared)}


def clip_words_table(variants: Sequence[FieldVariant]) -> Table:
    """Every clip that was classified in command mode."""
    rows = [{"variant": variant.title} | asdict(one) for variant in variants for one in variant.clips]
    return Table(
        name="clip-words",
        title="Every clip",
        frame=frame("variant source word label predicted probability board_equals_host", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Recording", ["source"], figure=False),
            Column("Word", ["word"], figure=False),
            Column("Label", ["label"], figure=False),
            Column("Predicted", ["predicted"], figure=False),
            Column("Probability", ["probability"], figures.share),
            Column("Equal to the host's", ["board_equals_host"], _yes_no, figure=False),
        ],
        tones=[
            "bad" if row["predicted"] != row["label"] or row["board_equals_host"] is False else ""
            for row in rows
        ],
    )


def _yes_no(value: bool | None) -> str:
    return figures.DASH if value is None else "yes" if value else "no"
