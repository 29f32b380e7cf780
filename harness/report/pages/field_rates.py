"""The rate tables of a field run: accuracy by condition, label and speaker, confusions, and comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from harness.records.field_record import FieldRecord, FieldStimulus, FieldVariant
from harness.report import format as fmt
from harness.report.comparisons import RATE_COLUMNS, Matrix, comparisons_table
from harness.report.table import Column, Row, Table
from harness.stats.matching import is_keyword, is_right
from harness.stats.pairing import CONFIDENCE
from harness.stats.rates import (
    NONE,
    SETS,
    Group,
    Rate,
    accuracy,
    compare,
    confusions,
    dataset_rates,
    delay,
    false_accept_rate,
    rate,
    rate_drop,
    rates_by,
)

ROUTES = {
    "pcm": "Sample by sample",
    "acoustic": "Through the air",
    "clip": "Command mode, single clips",
}
"""Routes in reading order; two routes never share a table."""

_ALL_PAIRS = 5
"""Up to this many variants are compared pairwise; more are each compared with the best."""


def by_route(record: FieldRecord) -> list[tuple[str, list[FieldVariant]]]:
    """Return the variants that have segments, by route."""
    routes = [
        (route, [one for one in record.variants if one.route == route and one.segments])
        for route in ("pcm", "acoustic")
    ]
    return [(route, variants) for route, variants in routes if variants]


def keywords_of(variant: FieldVariant) -> list[FieldStimulus]:
    """Return the words that should be detected."""
    return [row for row in variant.stimuli if is_keyword(row.label)]


def dataset_drop(variant: FieldVariant) -> tuple[Rate, tuple[float, float, float]] | None:
    """Return the test set's rate over the played keywords and the drop from it; None if unknown."""
    keywords = keywords_of(variant)
    known = dataset_rates(variant.model, {row.label for row in keywords if row.counts}).get("testing")
    drop = rate_drop(known, accuracy(keywords)) if known else None
    return (known, drop) if known and drop else None


def rates_table(
    name: str, title: str, by: str, rows: Sequence[Row], note: str = "", csv_only: str = "", **options: Any
) -> Table:
    """Declare a table of rates; columns without any value are left out.

    Args:
        name, title, note: of the table.
        by: header of the groups; "" for a table with one row for each variant.
        rows: made by `_rate_row`.
        csv_only: further keys of the rows.
        options: further arguments of `Table`.
    """
    drop, accepts = "Drop", "False accepts without words"
    columns = [
        Column("variant", "Variant"),
        Column("group", by),
        *([Column(csv_only)] if csv_only else []),
        Column("correct total", "Correct", fmt.of),
        *RATE_COLUMNS,
        Column("missed", "Missed", fmt.count, optional=True),
        Column("confused", "Confused", fmt.count, optional=True),
        Column("excluded", "Not counted", _count_or_nothing, optional=True),
        *(Column(f"{part}_accuracy", part, fmt.share, group="Data set", optional=True) for part in SETS),
        Column("drop", "points", fmt.points, group=drop, optional=True),
        Column("drop_low drop_high", "95 % interval", fmt.points_interval, group=drop, optional=True),
        Column("accepted_non_keywords non_keywords", "Non-keywords accepted", fmt.of, optional=True),
        Column("false_accepts", "number", fmt.count, group=accepts, optional=True),
        Column("hours", "in", fmt.audio_time, group=accepts, optional=True),
        Column("per_hour", "per hour", fmt.significant, group=accepts, optional=True),
        Column(
            "per_hour_low per_hour_high", "95 % interval", fmt.per_hour_interval, optional=True, group=accepts
        ),
        Column("delay_s", "Delay, median", fmt.seconds, optional=True),
        Column("delay_p95_s"),
        Column("equal compared", "Outputs equal to the host's", fmt.of, optional=True),
    ]
    return Table(name, title, columns, rows, note, headed=bool(by), **options)


def _count_or_nothing(value: int | None) -> str:
    return fmt.count(value) if value else ""


def _rate_row(variant: FieldVariant, group: Group, dataset_labels: set[str] | None = None) -> dict[str, Any]:
    """Return a group's rate, beside the data set's over `dataset_labels`."""
    found = group.rate
    row = {"variant": variant.title, "group": group.name, "correct": found.correct, "total": found.total}
    row |= {"missed": group.misses, "confused": group.confusions, "excluded": group.excluded}
    if found.value is not None:
        row |= {"accuracy": found.value, "low": found.low, "high": found.high}
    known = dataset_rates(variant.model, dataset_labels or ())
    row |= {f"{part}_accuracy": one.value for part, one in known.items()}
    if "testing" in known and (drop := rate_drop(known["testing"], found)):
        row |= dict(zip(("drop", "drop_low", "drop_high"), drop, strict=True))
    return row


def _beside_keywords(variant: FieldVariant, condition: str | None = None) -> dict[str, Any]:
    """Return accepted non-keywords, false accepts and delay, under one condition or all."""
    words = [row for row in variant.stimuli if condition is None or row.condition == condition]
    others = accuracy(row for row in words if not is_keyword(row.label))
    accepts, later = false_accept_rate(variant, condition), delay(words)
    row: dict[str, Any] = {}
    if others.total:
        row |= {"accepted_non_keywords": others.total - others.correct, "non_keywords": others.total}
    if accepts.per_hour is not None:
        row |= {"false_accepts": accepts.events, "hours": accepts.hours, "per_hour": accepts.per_hour}
        row |= {"per_hour_low": accepts.low, "per_hour_high": accepts.high}
    return row | ({"delay_s": later.median, "delay_p95_s": later.p95} if later else {})


_NOT_IN_OVERVIEW = ("missed", "confused", "training_accuracy", "validation_accuracy", "drop_low", "drop_high")
"""Left out to keep the table on the screen; the table of labels has them."""


def overview_table(variants: Sequence[FieldVariant]) -> Table:
    """Return a row for each variant: its keywords, non-keywords, false accepts and delay."""
    rows = []
    for variant in variants:
        keywords = keywords_of(variant)
        (group,) = rates_by(keywords, lambda _: "", [""])
        labels = {row.label for row in keywords if row.counts}
        row = _rate_row(variant, group, labels) | _beside_keywords(variant)
        rows.append({key: value for key, value in row.items() if key not in _NOT_IN_OVERVIEW})
    note = (
        "Accuracy is the share of keywords that were detected as themselves, beside that of the same labels "
        "on the data set; the drop is from the test set. Intervals are Wilson's, of false accepts Poisson's; "
        "without false accepts the upper end is 3 divided by the hours. The delay counts from the end of "
        "the word."
    )
    return rates_table("overview", "Every variant", "", rows, note)


def conditions_table(variants: Sequence[FieldVariant], conditions: Sequence[Mapping[str, Any]]) -> Table:
    """Return the keywords' rates by condition."""
    details = {str(one["name"]): one for one in conditions}
    keys = "distance_m snr_db noise rt60_s"
    rows = []
    for variant in variants:
        for group in rates_by(keywords_of(variant), lambda row: row.condition, details):
            row = _rate_row(variant, group) | _beside_keywords(variant, group.name)
            row |= {key: details.get(group.name, {}).get(key) for key in keys.split()}
            if group.rate.total or row.get("non_keywords") or row.get("hours"):
                rows.append(row)
    note = "Distance and SNR are requested values; the measured ones are in the table of segments."
    return rates_table("conditions", "By condition", "Condition", rows, note, keys)


MARGINS = {"snr_db": ("SNR", "no noise", fmt.decibels), "distance_m": ("distance", "no room", fmt.meters)}


def margin_table(
    variants: Sequence[FieldVariant], conditions: Sequence[Mapping[str, Any]], key: str
) -> Table:
    """Return the keywords' rates by SNR or distance, over the other; no rows unless both vary."""
    title, without, show = MARGINS[key]
    texts = {str(one["name"]): without if one.get(key) is None else show(one[key]) for one in conditions}
    both_vary = all(len({one.get(name) for one in conditions}) > 1 for name in MARGINS)
    rows = [
        _rate_row(variant, group)
        for variant in (variants if both_vary else ())
        for group in rates_by(
            keywords_of(variant), lambda row: texts.get(row.condition, ""), dict.fromkeys(texts.values())
        )
    ]
    return rates_table(f"by-{title.lower()}", f"By {title}", title[0].upper() + title[1:], rows)


def labels_table(variants: Sequence[FieldVariant]) -> Table:
    """Return the rates by label beside the three parts of the data set, and of all labels together."""
    rows = []
    for variant in variants:
        groups = rates_by(variant.stimuli, lambda row: row.label, variant.labels)
        rows += [_rate_row(variant, one, {one.name}) for one in groups if one.rate.total]
        if played := {one.name for one in groups if one.rate.total}:
            (everything,) = rates_by(variant.stimuli, lambda _: "all")
            rows.append(_rate_row(variant, everything, played))
    note = (
        "A keyword is correct if it is detected as itself, another word if no keyword is detected for it. "
        "The drop is from the test set, its interval Newcombe's. “all” takes only those labels of the data "
        "set that were played."
    )
    tones = ["strong" if row["group"] == "all" else "" for row in rows]
    return rates_table("labels", "By label, beside the data set", "Label", rows, note, tones=tones)


def speakers_table(variants: Sequence[FieldVariant]) -> Table:
    """Return the keywords' rates by speaker, the worst first; no rows if no speaker is known."""
    rows = []
    for variant in variants:
        if any(row.speaker for row in variant.stimuli):
            groups = rates_by(keywords_of(variant), lambda row: row.speaker or "unknown")
            groups.sort(key=lambda one: (one.name == "unknown", one.rate.value or 0.0, one.name))
            rows += [_rate_row(variant, group) for group in groups]
    return rates_table("speakers", "By speaker", "Speaker", rows, "The worst speaker comes first.")


def clip_rates_table(variants: Sequence[FieldVariant]) -> Table:
    """Return the share of single clips recognized in command mode, and of outputs equal to the host's."""
    rows = []
    for variant in variants:
        found = rate(sum(one.predicted == one.label for one in variant.clips), len(variant.clips))
        compared = [one.board_equals_host for one in variant.clips if one.board_equals_host is not None]
        row = {"variant": variant.title, "correct": found.correct, "total": found.total}
        row |= {"accuracy": found.value, "low": found.low, "high": found.high}
        rows.append(row | {"equal": sum(compared), "compared": len(compared)})
    note = (
        "The board classified the features of each recording once, without microphone, room and recognizer; "
        "the most probable label counts. Not comparable with detections in a stream."
    )
    tones = ["bad" if row["equal"] != row["compared"] else "" for row in rows]
    return rates_table("clip-overview", "Single clips, classified once", "", rows, note, tones=tones)


def matrices(variants: Sequence[FieldVariant]) -> list[Matrix]:
    """Return the confusion matrix of each variant with words that count.

    Columns of non-keywords that were never detected are left out.
    """
    found = []
    for variant in variants:
        counted = confusions(variant.stimuli, variant.labels)
        kept = [
            place
            for place, label in enumerate(counted.columns)
            if is_keyword(label) or any(counts[place] for counts in counted.counts)
        ]
        columns = [counted.columns[place] for place in kept]
        right = [
            {name for name in columns if is_right(label, None if name == NONE else name)}
            for label in counted.rows
        ]
        counts = [[row[place] for place in kept] for row in counted.counts]
        if counted.rows:
            found.append(Matrix(variant.title, counted.rows, columns, counts, right))
    return found


def pairs_table(variants: Sequence[FieldVariant]) -> Table:
    """Return McNemar's test for pairs of variants, over the words that count for both."""
    pairs = list(combinations(variants, 2))
    if len(variants) > _ALL_PAIRS:
        best = max(variants, key=lambda variant: accuracy(keywords_of(variant)).value or 0.0)
        pairs = [(variant, best) for variant in variants if variant is not best]
    return comparisons_table(
        [(one.title, other.title, found) for one, other in pairs if (found := compare(one, other))],
        title="Against each other, on the same words",
        unit="words",
        sides=("the first", "the other"),
        note=(
            "McNemar's exact test on the words that only one of the two had right; corrected by Holm for the "
            f"comparisons of this table. A corrected p below {1 - CONFIDENCE:.2f} counts as a difference. "
            "The same recording under several conditions counts as several words, which are not "
            "independent: the interval is a little too narrow."
        ),
    )
