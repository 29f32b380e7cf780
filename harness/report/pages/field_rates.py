"""The rate tables of a field run: by condition, label and speaker, confusions, and comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

from harness import format as fmt
from harness.records.field_record import Condition, FieldRecord, FieldStimulus, FieldVariant
from harness.report.confusion import Matrix
from harness.report.table import Column, Row, Table
from harness.stats import rates
from harness.stats.matching import is_keyword, is_right
from harness.stats.pairing import CONFIDENCE, Paired, holm

ROUTES = {"pcm": "Sample by sample", "acoustic": "Through the air"}
"""Routes of streams in reading order; two routes never share a table."""
MARGINS = {"snr_db": ("SNR", "no noise", fmt.decibels), "distance_m": ("distance", "no room", fmt.meters)}
"""Title, text of None, and formatter of the values of a sweep."""
_ALL_PAIRS = 5
"""Up to this many variants are compared pairwise; more are each compared with the best."""
_NOT_IN_OVERVIEW = ("missed", "confused", "training_accuracy", "validation_accuracy", "drop_low", "drop_high")
"""Left out to keep the table on the screen; the table of labels has them."""


def by_route(record: FieldRecord) -> list[tuple[str, list[FieldVariant]]]:
    """Return the variants that have segments, by route."""
    routes = [(route, [v for v in record.variants if v.route == route and v.segments]) for route in ROUTES]
    return [(route, variants) for route, variants in routes if variants]


def keywords_of(variant: FieldVariant) -> list[FieldStimulus]:
    return [row for row in variant.stimuli if is_keyword(row.label)]


def best_of(variants: Sequence[FieldVariant]) -> FieldVariant:
    return max(variants, key=lambda variant: rates.accuracy(keywords_of(variant)).value or 0.0)


def rate_tables(variants: Sequence[FieldVariant], conditions: Sequence[Condition]) -> list[Table]:
    """Return the keywords' rates overall and by condition, SNR, distance, label and speaker.

    Tables by SNR and by distance add up the other, and have no rows unless both vary.
    """
    overview, by_condition, labels, speakers = [], [], [], []
    by_margin: dict[str, list[Row]] = {key: [] for key in MARGINS}
    names = [one.name for one in conditions]
    sweep = all(len({getattr(one, key) for one in conditions}) > 1 for key in MARGINS)
    for variant in variants:
        keywords = keywords_of(variant)
        (everything,) = rates.rates_by(keywords, lambda _: "", [""])
        row = _rate_row(variant, everything, {one.label for one in keywords if one.counts})
        row |= _beside_keywords(variant)
        if over_speakers := rates.speakers_interval(keywords):
            row |= dict(zip(("speakers", "speakers_low", "speakers_high"), over_speakers, strict=True))
        overview.append({key: value for key, value in row.items() if key not in _NOT_IN_OVERVIEW})
        for group in rates.rates_by(keywords, lambda one: one.condition, names):
            row = _rate_row(variant, group) | _beside_keywords(variant, group.name)
            if group.rate.total or row.get("non_keywords") or row.get("hours"):
                by_condition.append(row)
        for key in MARGINS if sweep else ():
            by_margin[key] += _margin_rows(variant, conditions, key)
        groups = rates.rates_by(variant.stimuli, lambda one: one.label, variant.labels)
        played = [group for group in groups if group.rate.total]
        labels += [_rate_row(variant, group, {group.name}) for group in played]
        if played:
            (everything,) = rates.rates_by(variant.stimuli, lambda _: "all")
            labels.append(_rate_row(variant, everything, {group.name for group in played}))
        if any(one.speaker for one in variant.stimuli):
            groups = rates.rates_by(keywords, lambda one: one.speaker or "unknown")
            groups.sort(key=lambda one: (one.name == "unknown", one.rate.value or 0.0, one.name))
            speakers += [_rate_row(variant, group) for group in groups]
    beside = any("testing_accuracy" in row for row in overview)
    return [
        rates_table(
            "overview", "Every variant", "", overview,
            "Accuracy is the share of keywords that were detected as themselves"
            + ", beside that of the same labels on the data set; the drop is from the test set" * beside
            + ". Intervals are Wilson's, of false accepts "
            "Poisson's; without false accepts the upper end is 3 divided by the hours. The delay counts from "
            "the end of the word."
            + " Words of one speaker depend on each other: the interval over speakers, whose recordings name "
            "them, is bootstrapped over them." * any("speakers" in row for row in overview),
        ),
        rates_table("conditions", "By condition", "Condition", by_condition),
        *(
            rates_table(f"by-{title.lower()}", f"By {title}", title[0].upper() + title[1:], by_margin[key])
            for key, (title, *_) in MARGINS.items()
        ),
        rates_table(
            "labels", "By label" + ", beside the data set" * beside, "Label", labels,
            "A keyword is correct if it is detected as itself, another word if no keyword is detected for it."
            + " The drop is from the test set, its interval Newcombe's. “all” takes only those labels of "
            "the data set that were played." * beside,
            ["strong" if row["group"] == "all" else "" for row in labels],
        ),
        rates_table("speakers", "By speaker", "Speaker", speakers, "The worst speaker comes first."),
    ]  # fmt: skip


def _margin_rows(variant: FieldVariant, conditions: Sequence[Condition], key: str) -> list[Row]:
    _, without, show = MARGINS[key]
    values = {one.name: getattr(one, key) for one in conditions}
    texts = {name: without if value is None else show(value) for name, value in values.items()}
    groups = rates.rates_by(keywords_of(variant), lambda row: texts.get(row.condition, ""), texts.values())
    return [_rate_row(variant, group) for group in groups]


def rates_table(
    name: str, title: str, by: str, rows: Sequence[Row], note: str = "", tones: Sequence[str] = ()
) -> Table:
    """Declare a table of rates by a group whose header is `by`; columns without any value are left out."""
    drop, accepts, speakers = "Drop", "False accepts without words", "Over speakers"
    columns = [
        Column("variant", "Variant"),
        Column("group", by),
        Column("correct total", "Correct", fmt.of),
        Column("accuracy", "Accuracy", fmt.share),
        Column("low high", "95 % interval", fmt.interval),
        Column("accuracy low high", "0 to 100 %", lambda *_: "", mark="interval"),
        Column("speakers", "number", fmt.count, group=speakers, optional=True),
        Column("speakers_low speakers_high", "95 % interval", fmt.interval, group=speakers, optional=True),
        Column("missed", "Missed", fmt.count, optional=True),
        Column("confused", "Confused", fmt.count, optional=True),
        Column("excluded", "Not counted", lambda value: fmt.count(value) if value else "", optional=True),
        *(Column(f"{x}_accuracy", x, fmt.share, group="Data set", optional=True) for x in rates.SETS),
        Column("drop", "points", fmt.points, group=drop, optional=True),
        Column("drop_low drop_high", "95 % interval", fmt.points_interval, group=drop, optional=True),
        Column("accepted_non_keywords non_keywords", "Non-keywords accepted", fmt.of, optional=True),
        Column("false_accepts", "number", fmt.count, group=accepts, optional=True),
        Column("hours", "in", fmt.audio_time, group=accepts, optional=True),
        Column("per_hour", "per hour", fmt.significant, group=accepts, optional=True),
        Column(
            "per_hour_low per_hour_high", "95 % interval", fmt.per_hour_interval, group=accepts, optional=True
        ),
        Column("delay_s", "Delay, median", fmt.seconds, optional=True),
        Column("delay_p95_s"),
        Column("equal compared", "Outputs equal to the host's", fmt.of, optional=True),
    ]
    return Table(name, title, columns, rows, note, headed=bool(by), cards=not by, tones=tones)


def _rate_row(
    variant: FieldVariant, group: rates.Group, dataset_labels: Iterable[str] = ()
) -> dict[str, Any]:
    """Return a group's rate, beside the data set's over `dataset_labels`."""
    found = group.rate
    row = {"variant": variant.title, "group": group.name, "correct": found.correct, "total": found.total}
    row |= {"missed": group.misses, "confused": group.confusions, "excluded": group.excluded}
    if found.value is not None:
        row |= {"accuracy": found.value, "low": found.low, "high": found.high}
    known = rates.dataset_rates(variant.model, dataset_labels)
    row |= {f"{part}_accuracy": one.value for part, one in known.items()}
    if "testing" in known and (drop := rates.rate_drop(known["testing"], found)):
        row |= dict(zip(("drop", "drop_low", "drop_high"), drop, strict=True))
    return row


def _beside_keywords(variant: FieldVariant, condition: str | None = None) -> dict[str, Any]:
    words = [row for row in variant.stimuli if condition is None or row.condition == condition]
    others = rates.accuracy(row for row in words if not is_keyword(row.label))
    accepts = rates.false_accept_rate(variant, condition)
    later = rates.delays(words)
    row: dict[str, Any] = dict(zip(("delay_s", "delay_p95_s"), later, strict=True)) if later else {}
    if others.total:
        row |= {"accepted_non_keywords": others.total - others.correct, "non_keywords": others.total}
    if accepts.per_hour is not None:
        row |= {"false_accepts": accepts.events, "hours": accepts.hours, "per_hour": accepts.per_hour}
        row |= {"per_hour_low": accepts.low, "per_hour_high": accepts.high}
    return row


def clip_rates_table(variants: Sequence[FieldVariant]) -> Table:
    rows: list[dict[str, Any]] = []
    for variant in variants:
        found = rates.rate(sum(one.predicted == one.label for one in variant.clips), len(variant.clips))
        compared = [one.board_equals_host for one in variant.clips if one.board_equals_host is not None]
        row = {"variant": variant.title, "accuracy": found.value, "equal": sum(compared)}
        rows.append(vars(found) | row | {"compared": len(compared)})
    note = (
        "The board classified the features of each recording once, without microphone, room and recognizer; "
        "the most probable label counts. Not comparable with detections in a stream."
    )
    tones = ["bad" if row["equal"] != row["compared"] else "" for row in rows]
    return rates_table("clip-overview", "Single clips, classified once", "", rows, note, tones)


def matrices(variants: Sequence[FieldVariant]) -> list[Matrix]:
    """Return the confusion matrix of each variant, without non-keywords that were never detected."""
    found = []
    for variant in variants:
        rows, columns, counts = rates.confusions(variant.stimuli, variant.labels)
        kept = [i for i, name in enumerate(columns) if is_keyword(name) or any(row[i] for row in counts)]
        names = [columns[i] for i in kept]
        right = [{one for one in names if is_right(row, None if one == rates.NONE else one)} for row in rows]
        if rows:
            shown = [[row[i] for i in kept] for row in counts]
            found.append(Matrix(variant.title, rows, names, shown, right))
    return found


def pairs_table(variants: Sequence[FieldVariant]) -> Table:
    """Return McNemar's tests of pairs of variants, with Holm's correction."""
    pairs = list(combinations(variants, 2))
    if len(variants) > _ALL_PAIRS:
        best = best_of(variants)
        pairs = [(variant, best) for variant in variants if variant is not best]
    found = [
        (one.title, other.title, paired) for one, other in pairs if (paired := rates.compare(one, other))
    ]
    corrected = holm([paired.p for *_, paired in found])
    rows = [
        vars(paired)
        | {"variant": one, "reference": other, "words": paired.clips}
        | {"p_holm": p, "reads": _reading(paired, p)}
        for (one, other, paired), p in zip(found, corrected, strict=True)
    ]
    difference, alone = "Difference", "Only one right, words"
    columns = [
        Column("variant", "Variant"),
        Column("reference", "Compared with"),
        Column("words", "Words", fmt.count),
        Column("difference", "points", fmt.points, group=difference),
        Column("low high", "95 % interval", fmt.points_interval, group=difference),
        Column("only_first", "the first", fmt.count, group=alone),
        Column("only_second", "the other", fmt.count, group=alone),
        Column("p", "p", fmt.probability),
        Column("p_holm", "p, corrected", fmt.probability),
        Column("reads", "The first is"),
    ]
    note = (
        "McNemar's exact test on the words that only one of the two had right; corrected by Holm for the "
        f"comparisons of this table. A corrected p below {1 - CONFIDENCE:.2f} counts as a difference. "
        "The same recording under several conditions counts as several words, which are not "
        "independent: the interval is a little too narrow."
    )
    return Table("pairs", "Against each other, on the same words", columns, rows, note)


def _reading(result: Paired, p: float) -> str:
    if p >= 1 - CONFIDENCE:
        return "no difference"
    return "better" if result.difference > 0 else "worse"
