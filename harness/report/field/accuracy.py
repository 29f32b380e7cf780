"""How well each variant hears: over all, by label, condition and speaker, and what it hears instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report import figures
from harness.report.field.shown import audio_lost, audio_time, of, per_hour_interval
from harness.report.table import Column, Table, frame
from harness.results.field.breakdowns import (
    SETS,
    Drop,
    Group,
    by_condition,
    by_label,
    by_speaker,
    drops,
    grouped,
)
from harness.results.field.rates import Rate, accuracy, delay, false_accept_rate
from harness.results.field_record import FieldStimulus, FieldVariant
from harness.results.matching import is_keyword

ALL = "all"
_RATE = "accuracy low high"
_RATE_COLUMNS = [
    Column("Accuracy", ["accuracy"], figures.share),
    Column("95 % interval", ["low", "high"], figures.interval),
    Column("0 to 100 %", ["accuracy", "low", "high"], lambda *_: "", mark="interval"),
]


def keywords_of(variant: FieldVariant) -> list[FieldStimulus]:
    """The words that should be announced."""
    return [row for row in variant.stimuli if is_keyword(row.label)]


def others_of(variant: FieldVariant) -> list[FieldStimulus]:
    """The words for which nothing should be announced."""
    return [row for row in variant.stimuli if not is_keyword(row.label)]


def known_drop(variant: FieldVariant) -> Drop:
    """All keywords together beside the data set."""
    keywords = [label for label in variant.labels if is_keyword(label)]
    return drops(keywords_of(variant), keywords, variant.model)[-1]


def overview_table(variants: Sequence[FieldVariant]) -> Table:
    """A line for each variant: what it hears, what it announces wrongly, how soon, whether it keeps up."""
    rows = [_overview(variant) for variant in variants]
    return Table(
        name="overview",
        title="Every variant",
        frame=frame(
            f"variant heard keywords {_RATE} test_accuracy drop wrongly others false_accepts hours per_hour "
            "per_hour_low per_hour_high delay_s delay_p95_s realtime_factor samples_lost lost_s left_out",
            rows,
        ),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Keywords heard", ["heard", "keywords"], of),
            *_RATE_COLUMNS,
            Column("Test set", ["test_accuracy"], figures.share, optional=True),
            Column("Drop, points", ["drop"], figures.points, optional=True),
            Column("Others taken for a keyword", ["wrongly", "others"], of),
            Column("an hour", ["per_hour"], figures.significant, group="False accepts"),
            Column(
                "95 % interval", ["per_hour_low", "per_hour_high"], per_hour_interval, group="False accepts"
            ),
            Column("Delay, median", ["delay_s"], figures.seconds),
            Column("× real time", ["realtime_factor"], figures.times),
            *(
                [Column("Audio lost", ["lost_s"], audio_lost)]
                if any(row.get("lost_s") for row in rows)
                else []
            ),
            *(
                [Column("Left out", ["left_out"], figures.count)]
                if any(row["left_out"] for row in rows)
                else []
            ),
        ],
        note=(
            "Heard: announced as what it is, once. The accuracy is that of the keywords, beside that of "
            "the same labels in the test set; its interval is Wilson's. False accepts are counted where "
            "nothing is said; their interval is Poisson's, and without any its upper end is 3 divided by "
            "the hours."
        ),
        tones=["bad" if row.get("lost_s") else "" for row in rows],
    )


def _overview(variant: FieldVariant) -> dict[str, Any]:
    keywords, others = accuracy(keywords_of(variant)), accuracy(others_of(variant))
    accepts, later, drop = false_accept_rate(variant), delay(keywords_of(variant)), known_drop(variant)
    row: dict[str, Any] = {"variant": variant.title, "heard": keywords.correct, "keywords": keywords.total}
    row |= rate_row(keywords)
    row |= {"wrongly": others.total - others.correct, "others": others.total}
    row |= {"left_out": sum(not one.counts for one in variant.stimuli)}
    if "testing" in drop.known:
        row["test_accuracy"] = drop.known["testing"].value
    if "testing" in drop.drop:
        row["drop"] = drop.drop["testing"][0]
    row |= {"false_accepts": accepts.events, "hours": accepts.hours}
    if accepts.per_hour is not None:
        row |= {"per_hour": accepts.per_hour, "per_hour_low": accepts.low, "per_hour_high": accepts.high}
    if later:
        row |= {"delay_s": later.median, "delay_p95_s": later.p95}
    if variant.timing:
        lost = variant.timing.samples_lost
        row |= {
            "realtime_factor": variant.timing.realtime_factor,
            "samples_lost": lost,
            "lost_s": lost / 16_000,
        }
    return row


def labels_table(variants: Sequence[FieldVariant]) -> Table:
    """Each label of each variant in the field, beside the three parts of the data set."""
    rows = []
    for variant in variants:
        parts = [*by_label(variant.stimuli, variant.labels), *grouped(variant.stimuli, lambda _: "")]
        groups = {group.name: group for group in parts}
        for one in drops(variant.stimuli, variant.labels, variant.model):
            if one.field.total:
                rows.append(_label(variant, one, groups[one.label]))
    of_sets = [f"{part}_{name}" for part in SETS for name in ("accuracy", "drop", "drop_low", "drop_high")]
    return Table(
        name="labels",
        title="By label, beside the data set",
        frame=frame(
            f"variant label played correct {_RATE} missed confused left_out {' '.join(of_sets)}", rows
        ),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Label", ["label"], figure=False),
            Column("Played", ["played"], figures.count),
            Column("Correct", ["correct"], figures.count),
            *_RATE_COLUMNS,
            Column("Missed", ["missed"], figures.count),
            Column("Heard as another", ["confused"], figures.count),
            *(
                Column(part, [f"{part}_accuracy"], figures.share, group="On the data set", optional=True)
                for part in SETS
            ),
            Column("points", ["testing_drop"], figures.points, group="Drop from testing", optional=True),
            Column(
                "95 % interval",
                ["testing_drop_low", "testing_drop_high"],
                figures.points_interval,
                group="Drop from testing",
                optional=True,
            ),
        ],
        note=(
            "A keyword is correct when it is announced as itself, another word when no keyword is "
            "announced for it. The drop is how many points less than on the test set; its interval is "
            "Newcombe's. The last line of each variant takes of the data set the labels that were played."
        ),
        headed=True,
        tones=["strong" if row["label"] == ALL else "" for row in rows],
    )


def _label(variant: FieldVariant, one: Drop, group: Group) -> dict[str, Any]:
    row: dict[str, Any] = {"variant": variant.title, "label": one.label or ALL}
    row |= {"played": one.field.total, "correct": one.field.correct} | rate_row(one.field)
    row |= {"missed": group.misses, "confused": group.confusions, "left_out": group.excluded}
    row |= {f"{part}_accuracy": known.value for part, known in one.known.items()}
    for part, (drop, low, high) in one.drop.items():
        row |= {f"{part}_drop": drop, f"{part}_drop_low": low, f"{part}_drop_high": high}
    return row


def conditions_table(variants: Sequence[FieldVariant], conditions: Sequence[Mapping[str, Any]]) -> Table:
    """Keywords heard under each condition."""
    names = [str(condition["name"]) for condition in conditions]
    details = {str(condition["name"]): condition for condition in conditions}
    rows = []
    for variant in variants:
        others = {group.name: group.rate for group in by_condition(others_of(variant), names)}
        for group in by_condition(keywords_of(variant), names):
            condition, accepts = details.get(group.name, {}), false_accept_rate(variant, group.name)
            other, later = others.get(group.name), _delay_of(variant, group.name)
            row: dict[str, Any] = {"variant": variant.title, "condition": group.name}
            row |= {key: condition.get(key) for key in ("distance_m", "snr_db", "noise", "rt60_s")}
            row |= _group(group) | {"false_accepts": accepts.events, "hours": accepts.hours, "delay_s": later}
            if other:
                row |= {"wrongly": other.total - other.correct, "others": other.total}
            if group.rate.total or (other and other.total) or accepts.hours:
                rows.append(row)
    return Table(
        name="conditions",
        title="By condition",
        frame=frame(
            f"variant condition distance_m snr_db noise rt60_s heard keywords {_RATE} missed confused "
            "left_out wrongly others false_accepts hours delay_s",
            rows,
        ),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Condition", ["condition"], figure=False),
            Column("Keywords heard", ["heard", "keywords"], of),
            *_RATE_COLUMNS,
            Column("Missed", ["missed"], figures.count),
            Column("Heard as another", ["confused"], figures.count),
            Column("Others taken for a keyword", ["wrongly", "others"], of),
            Column("False accepts", ["false_accepts"], figures.count),
            Column("in so long", ["hours"], audio_time),
            Column("Delay, median", ["delay_s"], figures.seconds),
        ],
        note="Distance and SNR are those of the plan; what came out is with the segments, further down.",
        headed=True,
    )


def _delay_of(variant: FieldVariant, condition: str) -> float | None:
    found = delay(row for row in keywords_of(variant) if row.condition == condition)
    return found.median if found else None


def speakers_table(variants: Sequence[FieldVariant]) -> Table:
    """Keywords heard of each speaker; nothing where nobody is known."""
    rows = [
        {"variant": variant.title, "speaker": group.name or None} | _group(group)
        for variant in variants
        if any(row.speaker for row in variant.stimuli)
        for group in by_speaker(keywords_of(variant))
    ]
    return Table(
        name="speakers",
        title="By speaker",
        frame=frame(f"variant speaker heard keywords {_RATE} missed confused left_out", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Speaker", ["speaker"], lambda name: name or "not known", figure=False),
            Column("Keywords heard", ["heard", "keywords"], of),
            *_RATE_COLUMNS,
            Column("Missed", ["missed"], figures.count),
            Column("Heard as another", ["confused"], figures.count),
        ],
        note="The one who is heard worst comes first. Few words of a speaker say little: see the intervals.",
        headed=True,
    )


def _group(group: Group) -> dict[str, Any]:
    row: dict[str, Any] = {"heard": group.rate.correct, "keywords": group.rate.total}
    row |= {"missed": group.misses, "confused": group.confusions, "left_out": group.excluded}
    return row | rate_row(group.rate)


def rate_row(one: Rate) -> dict[str, float]:
    """A rate and the ends of its interval; none of nothing."""
    return {"accuracy": one.value, "low": one.low, "high": one.high} if one.value is not None else {}
