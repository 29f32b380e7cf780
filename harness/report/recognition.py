"""How well: accuracy on the dataset, and what the board heard of the recordings."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from harness.records.record import RunRecord
from harness.report import format as figures
from harness.report.table import Column, Table, frame
from harness.stats.matching import count_by_label, is_keyword
from harness.stats.statistics import wilson_interval

ALL_LABELS = "all"
_SPLITS = ("testing", "validation", "training")

_RATE_COLUMNS = [
    Column("Accuracy", ["accuracy"], figures.share),
    Column("95 % interval", ["low", "high"], figures.interval),
    Column("0 to 100 %", ["accuracy", "low", "high"], lambda *_: "", mark="interval"),
]


def _rate(correct: int, total: int) -> dict[str, float]:
    """Accuracy and the ends of its 95 % Wilson interval; none of nothing."""
    if not total:
        return {}
    low, high = wilson_interval(correct, total)
    return {"accuracy": correct / total, "low": low, "high": high}


def accuracy_table(record: RunRecord) -> Table:
    """Accuracy of each .tflite on the three parts of the dataset, by label and over all."""
    rows = []
    for variant in record.variants:
        of_splits = variant.model.accuracy if variant.model else {}
        for split in (name for name in _SPLITS if name in of_splits):
            counts = [(row.label, row.correct, row.total) for row in of_splits[split]]
            counts.append((ALL_LABELS, sum(row[1] for row in counts), sum(row[2] for row in counts)))
            for label, correct, total in counts:
                row = {"variant": variant.title, "split": split, "label": label, "correct": correct}
                rows.append(row | {"samples": total} | _rate(correct, total))
    return Table(
        name="accuracy",
        title="Accuracy on the dataset",
        frame=frame("variant split label correct samples accuracy low high", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Part", ["split"], figure=False),
            Column("Label", ["label"], figure=False),
            Column("Samples", ["samples"], figures.count),
            Column("Correct", ["correct"], figures.count),
            *_RATE_COLUMNS,
        ],
        note="Of the .tflite itself, with the host's reference kernels. The interval is Wilson's, at 95 %.",
        headed=True,
        groups=2,
        tones=["strong" if row["label"] == ALL_LABELS else "" for row in rows],
    )


def listening_table(record: RunRecord) -> Table:
    """How many of the recordings played were heard as what they are, by label."""
    rows = []
    for variant in record.variants:
        for count in count_by_label(variant.stimuli, variant.labels):
            if count.total:
                right = f"“{count.label}” announced" if is_keyword(count.label) else "nothing announced"
                row = {
                    "variant": variant.title,
                    "label": count.label,
                    "right": right,
                    "correct": count.correct,
                }
                rows.append(row | {"played": count.total} | _rate(count.correct, count.total))
    return Table(
        name="listening",
        title="Heard through the microphone",
        frame=frame("variant label right correct played accuracy low high", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Label", ["label"], figure=False),
            Column("Right is", ["right"], figure=False),
            Column("Played", ["played"], figures.count),
            Column("Correct", ["correct"], figures.count),
            *_RATE_COLUMNS,
        ],
        note="The recordings were played as one continuous stream. The interval is Wilson's, at 95 %.",
        headed=True,
    )


def words_table(record: RunRecord) -> Table:
    """Each recording as it was played, and what each variant made of it."""
    rows: list[dict[str, Any]] = []
    for variant in record.variants:
        for word in variant.stimuli:
            row = {"variant": variant.title, **asdict(word)}
            if word.detected_at_s is not None:
                row["delay_s"] = word.detected_at_s - word.end_s
            rows.append(row)
        for heard in variant.false_accepts:
            row = {"detected": heard.label, "score": heard.score, "detected_at_s": heard.at_s}
            rows.append({"variant": variant.title, "correct": False, **row})
    rows.sort(key=_place)
    names = "variant label word source onset_s end_s correct detected score detected_at_s delay_s"
    return Table(
        name="words",
        title="Word by word",
        frame=frame(names, rows),
        columns=[
            Column("Played at", ["onset_s"], figures.seconds),
            Column("Word", ["word"], figure=False),
            Column("Label", ["label"], figure=False),
            Column("Variant", ["variant"], figure=False),
            Column("Right", ["correct"], lambda correct: "✓" if correct else "✗", figure=False),
            Column("Detected", ["detected"], figures.text, figure=False),
            Column("Score", ["score"], figures.count),
            Column("Detected at", ["detected_at_s"], figures.seconds),
            Column("After its end", ["delay_s"], figures.seconds),
            Column("Source", ["source"], figure=False),
        ],
        note=(
            "Times are audio time; the score is the recognizer's average, of 255. A dash: nothing was "
            "announced. A negative time: it was announced before the end of the word. A row without a word: "
            "it was announced while nothing was said."
        ),
        groups=3,
        tones=["" if row["correct"] else "bad" for row in rows],
    )


def _place(row: dict[str, Any]) -> tuple[float, str]:
    """Where a row stands in the stream, so that all variants' rows of a word stand together."""
    return (row["onset_s"], row["source"]) if "onset_s" in row else (row["detected_at_s"], "")
