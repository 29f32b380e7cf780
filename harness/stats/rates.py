"""Rates of a field record with their intervals: accuracy, confusions, false accepts, delays, comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.records.field_record import CAUSES, FieldStimulus, FieldVariant
from harness.records.record import ModelRow
from harness.stats.matching import is_keyword
from harness.stats.pairing import Paired, paired
from harness.stats.statistics import difference_interval, poisson_interval, wilson_interval

NONE = "none"
"""The column of a confusion matrix for words without a detection."""
SETS = ("training", "validation", "testing")


@dataclass(frozen=True)
class Rate:
    """`correct` of `total`, with the 95 % Wilson interval of the rate, 0 to 1."""

    correct: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        """The rate; None without trials."""
        return self.correct / self.total if self.total else None


def rate(correct: int, total: int) -> Rate:
    """Return a rate with its interval.

    Raises:
        ValueError: see `harness.stats.statistics.wilson_interval`.
    """
    return Rate(correct, total, *wilson_interval(correct, total))


def accuracy(stimuli: Iterable[FieldStimulus]) -> Rate:
    """Return the rate of right words among those that count."""
    counted = [one.correct for one in stimuli if one.counts]
    return rate(sum(counted), len(counted))


@dataclass(frozen=True)
class Group:
    """The words that share a label, condition or speaker.

    Attributes:
        name: the shared value.
        rate: right words among those that count.
        confusions: keywords detected as another label, and non-keywords detected as a keyword.
        misses: keywords without any detection.
        excluded: words that do not count.
    """

    name: str
    rate: Rate
    confusions: int
    misses: int
    excluded: int


def rates_by(
    stimuli: Iterable[FieldStimulus], key: Callable[[FieldStimulus], str], names: Iterable[str] = ()
) -> list[Group]:
    """Group words and rate each group: `names` first, other groups in order of appearance.

    Args:
        stimuli: words of a variant.
        key: the name of a word's group.
        names: groups to return even if they are empty.
    """
    members: dict[str, list[FieldStimulus]] = {name: [] for name in names}
    for one in stimuli:
        members.setdefault(key(one), []).append(one)
    groups = []
    for name, group in members.items():
        counted = [one for one in group if one.counts]
        wrong = [one for one in counted if not one.correct]
        misses = sum(one.detected is None for one in wrong)  # a non-keyword is right then
        groups.append(Group(name, accuracy(group), len(wrong) - misses, misses, len(group) - len(counted)))
    return groups


@dataclass(frozen=True)
class Confusions:
    """A confusion matrix: `rows` are spoken labels, `columns` detected ones with `NONE` last."""

    rows: list[str]
    columns: list[str]
    counts: list[list[int]]


def confusions(stimuli: Sequence[FieldStimulus], labels: Sequence[str]) -> Confusions:
    """Count detections per spoken label, over the words that count.

    Args:
        stimuli: words of a variant.
        labels: labels of its model; others follow in order of appearance.
    """
    counted = [one for one in stimuli if one.counts]
    spoken = {one.label for one in counted}
    rows = [label for label in dict.fromkeys([*labels, *(one.label for one in counted)]) if label in spoken]
    detected = [one.detected or NONE for one in counted]
    columns = [*dict.fromkeys([*labels, *(name for name in detected if name != NONE)]), NONE]
    counts = [[0] * len(columns) for _ in rows]
    for one, name in zip(counted, detected, strict=True):
        counts[rows.index(one.label)][columns.index(name)] += 1
    return Confusions(rows, columns, counts)


def dataset_rates(model: ModelRow | None, labels: Iterable[str]) -> dict[str, Rate]:
    """Return a model's accuracy over some labels, by the names in `SETS` that were measured."""
    wanted = set(labels)
    rates = {}
    for name in SETS:
        counts = [one for one in model.accuracy.get(name, []) if one.label in wanted] if model else []
        if total := sum(one.total for one in counts):
            rates[name] = rate(sum(one.correct for one in counts), total)
    return rates


def rate_drop(dataset: Rate, field: Rate) -> tuple[float, float, float] | None:
    """Return the drop from the data set to the field, -1 to 1, with its 95 % interval: drop, low, high.

    Returns:
        None if one of the rates has no trials.
    """
    if dataset.value is None or field.value is None:
        return None
    interval = difference_interval((dataset.correct, dataset.total), (field.correct, field.total))
    return dataset.value - field.value, *interval


@dataclass(frozen=True)
class FalseAcceptRate:
    """False accepts in keyword-free time.

    Attributes:
        events: number of false accepts outside of the windows of words.
        hours: keyword-free time.
        per_hour: None without such time.
        low, high: 95 % interval, see `harness.stats.statistics.poisson_interval`; without events `high` is
            3 / hours.
    """

    events: int
    hours: float
    per_hour: float | None
    low: float
    high: float


def false_accept_rate(variant: FieldVariant, condition: str | None = None) -> FalseAcceptRate:
    """Return the false accepts per hour under one condition, or under all if None."""
    free_s = sum(
        one.keyword_free_s for one in variant.segments if condition is None or one.condition == condition
    )
    events = sum(
        not one.within_word and (condition is None or one.condition == condition)
        for one in variant.false_accepts
    )
    hours = free_s / 3600
    return FalseAcceptRate(events, hours, events / hours if hours else None, *poisson_interval(events, hours))


@dataclass(frozen=True)
class Delay:
    """Seconds from the end of right keywords to their detection; negative before the end."""

    median: float
    p95: float


def delay(stimuli: Iterable[FieldStimulus]) -> Delay | None:
    """Return the detection delay; None if no keyword was right."""
    values = [
        one.delay_s
        for one in stimuli
        if one.counts and one.correct and is_keyword(one.label) and one.delay_s is not None
    ]
    if not values:
        return None
    return Delay(*np.percentile(values, [50, 95]).tolist())


def count_causes(stimuli: Iterable[FieldStimulus]) -> dict[str, int]:
    """Count missed and confused keywords by cause, in the order of `CAUSES`; "" where it is unknown."""
    counts = dict.fromkeys((*CAUSES, ""), 0)
    for one in stimuli:
        if one.counts and not one.correct and is_keyword(one.label):
            counts[one.cause] += 1
    return counts


def compare(first: FieldVariant, second: FieldVariant) -> Paired | None:
    """Compare two variants of a record by the words that count for both; see `harness.stats.pairing.paired`.

    The same recording under other conditions or in other repetitions counts as another word.

    Returns:
        None if they have no word in common or different routes.
    """
    if first.route != second.route:
        return None
    other = {_key(one): one for one in second.stimuli if one.counts}
    both = [(one, other[_key(one)]) for one in first.stimuli if one.counts and _key(one) in other]
    if not both:
        return None
    return paired([[one.correct for one, _ in both]], [[one.correct for _, one in both]], seeds=[0])


def _key(stimulus: FieldStimulus) -> tuple[int, str, float]:
    return stimulus.segment, stimulus.source, stimulus.onset_s
