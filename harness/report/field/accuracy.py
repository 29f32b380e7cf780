"""How well each variant hears: over all, and label by label beside the data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.records.field_record import FieldStimulus, FieldVariant
from harness.report import format as figures
from harness.report.field.shown import audio_lost, of, per_hour_interval
from harness.report.table import Column, Table, frame
from harness.stats.field.breakdowns import SETS, Drop, Group, by_label, drops, grouped
from harness.stats.field.rates import Rate, accuracy, delay, false_accept_rate
from harness.stats.matching import is_keyword

ALL = "all"
RATE = "accuracy low high"
"""Columns of a rate and its interval, of 0 to 1; see `rate_row`."""
RATE_COLUMNS = [
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
            f"variant heard keywords {RATE} test_accuracy drop wrongly others false_accepts hours per_hour "
            "per_hour_low per_hour_high delay_s delay_p95_s realtime_factor samples_lost lost_s left_out",
            rows,
        ),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Keywords heard", ["heard", "keywords"], of),
            *RATE_COLUMNS,
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
            f"variant label played correct {RATE} missed confused left_out {' '.join(of_sets)}", rows
        ),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Label", ["label"], figure=False),
            Column("Played", ["played"], figures.count),
            Column("Correct", ["correct"], figures.count),
            *RATE_COLUMNS,
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


def rate_row(one: Rate) -> dict[str, float]:
    """A rate and the ends of its interval; none of nothing."""
    return {"accuracy": one.value, "low": one.low, "high": one.high} if one.value is not None else {}
