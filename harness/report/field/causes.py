"""Why words were missed: causes counted, and the two front ends on the same sound."""

from __future__ import annotations

from collections.abc import Sequence

from harness.records.field_record import FieldVariant
from harness.report import format as figures
from harness.report.field.names import CAUSES
from harness.report.table import Column, Table, frame
from harness.stats.field.causes import count_causes

_UNKNOWN = "not known: the host was not asked"


def causes_table(variants: Sequence[FieldVariant]) -> Table:
    """How many of the keywords that each variant missed it missed for which reason."""
    rows = []
    for variant in variants:
        counts = count_causes(variant.stimuli)
        missed = sum(counts.values())
        for cause in (*CAUSES, ""):
            if missed and (cause or counts[cause]):
                row = {"variant": variant.title, "cause": cause or "unknown", "missed": missed}
                row |= {"reads": CAUSES.get(cause, _UNKNOWN), "words": counts[cause]}
                rows.append(row | {"share": counts[cause] / missed})
    return Table(
        name="causes",
        title="Missed keywords, by what would have made them heard",
        frame=frame("variant cause reads words missed share", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Why", ["reads"], figure=False),
            Column("Words", ["words", "missed"], figures.of),
            Column("Share", ["share"], figures.share, mark="bar"),
        ],
        note=(
            "Asked from top to bottom; the first that holds counts. Missed are keywords for which nothing "
            "or another label was announced. Heard by the host is a score above the threshold."
        ),
        headed=True,
    )


def front_ends_table(variants: Sequence[FieldVariant]) -> Table:
    """The host's model on the same sound through two front ends: reset for each word, and running on."""
    rows = []
    for variant in variants:
        both = variant.front_ends
        if both and both.clips:
            row = {"variant": variant.title, "clips": both.clips, "clip_correct": both.clip_correct}
            row |= {"streaming_correct": both.streaming_correct, "only_clip": both.only_clip}
            row |= {"only_streaming": both.only_streaming, "p": both.p}
            row |= {"clip_accuracy": both.clip_correct / both.clips}
            row |= {"streaming_accuracy": both.streaming_correct / both.clips}
            rows.append(row | {"difference": (both.streaming_correct - both.clip_correct) / both.clips})
    return Table(
        name="front-ends",
        title="Front end: reset, or running on",
        frame=frame(
            "variant clips clip_correct clip_accuracy streaming_correct streaming_accuracy difference "
            "only_clip only_streaming p",
            rows,
        ),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Words", ["clips"], figures.count),
            Column("reset", ["clip_accuracy"], figures.share, group="Right"),
            Column("running on", ["streaming_accuracy"], figures.share, group="Right"),
            Column("Difference, points", ["difference"], figures.points),
            Column("reset", ["only_clip"], figures.count, group="Right alone"),
            Column("running on", ["only_streaming"], figures.count, group="Right alone"),
            Column("p", ["p"], figures.probability),
        ],
        note=(
            "The host's model on one second of the same sound for each word. Training resets the noise "
            "estimate before each clip, a board that listens does not. McNemar's exact test on the words "
            "that only one of the two had right."
        ),
    )
