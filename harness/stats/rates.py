"""Rates of a field record with their intervals: accuracy, confusions, false accepts, delays, comparisons."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.records.field_record import CAUSES, FieldStimulus, FieldVariant
from harness.records.record import ModelRow, StimulusRow
from harness.stats.matching import is_keyword
from harness.stats.pairing import Paired, paired
from harness.stats.statistics import (
    cluster_share_interval,
    difference_interval,
    poisson_interval,
    wilson_interval,
)

NONE = "none"
"""The column of a confusion matrix for words without a detection."""
SETS = ("training", "validation", "testing")
_CHANCE = 0.05
"""Probability up to which a keyword's detections as another one are no accident, in a sign test."""


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
    return Rate(correct, total, *wilson_interval(correct, total))


def accuracy(stimuli: Iterable[FieldStimulus]) -> Rate:
    counted = [one.correct for one in stimuli if one.counts]
    return rate(sum(counted), len(counted))


def speakers_interval(stimuli: Iterable[FieldStimulus]) -> tuple[int, float, float] | None:
    """Return the number of known speakers and the 95 % interval of their words' rate over them.

    None without an interval, see `harness.stats.statistics.cluster_share_interval`.
    """
    known = [one for one in stimuli if one.counts and one.speaker]
    names = [*dict.fromkeys(one.speaker for one in known)]
    speakers = [names.index(one.speaker) for one in known]
    low, high = cluster_share_interval([one.correct for one in known], speakers)
    return (len(names), low, high) if math.isfinite(low) else None


@dataclass(frozen=True)
class Group:
    """The words that share a label, condition or speaker."""

    name: str  # the shared value
    rate: Rate  # right words among those that count
    confusions: int  # keywords detected as another label, and non-keywords detected as a keyword
    misses: int  # keywords without any detection
    excluded: int  # words that do not count


def rates_by(
    stimuli: Iterable[FieldStimulus], key: Callable[[FieldStimulus], str], names: Iterable[str] = ()
) -> list[Group]:
    """Group words by the name of their group: `names` first, even if empty, then in order of appearance."""
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


def confusions(
    stimuli: Sequence[FieldStimulus], labels: Sequence[str]
) -> tuple[list[str], list[str], list[list[int]]]:
    """Count detections per spoken label, over the words that count.

    Returns:
        Spoken labels (rows), detected labels with `NONE` last (columns), and the counts of each row. The
        model's `labels` come first.
    """
    counted = [one for one in stimuli if one.counts]
    spoken = {one.label for one in counted}
    rows = [label for label in dict.fromkeys([*labels, *(one.label for one in counted)]) if label in spoken]
    detected = [one.detected or NONE for one in counted]
    columns = [*dict.fromkeys([*labels, *(name for name in detected if name != NONE)]), NONE]
    counts = [[0] * len(columns) for _ in rows]
    for one, name in zip(counted, detected, strict=True):
        counts[rows.index(one.label)][columns.index(name)] += 1
    return rows, columns, counts


@dataclass(frozen=True)
class Mistaken:
    """A keyword that is detected as another one more often than as itself, in numbers of recordings."""

    label: str
    detected: str
    wrong: int  # never detected as themselves, but as `detected`
    right: int  # detected as themselves


def mistaken(stimuli: Iterable[StimulusRow]) -> list[Mistaken]:
    """Return the keywords that are detected as another one more often than as themselves, beyond chance.

    A recording that was played several times counts once: its detections depend on each other.
    """
    detected: dict[str, dict[str, set[str]]] = {}
    for one in stimuli:
        if is_keyword(one.label) and one.detected and not (isinstance(one, FieldStimulus) and one.excluded):
            detected.setdefault(one.label, {}).setdefault(one.source, set()).add(
                one.label if one.correct else one.detected
            )
    found = []
    for label, by_source in detected.items():
        right = sum(label in names for names in by_source.values())
        others = Counter(
            name
            for names in by_source.values()
            if label not in names
            for name in sorted(names)
            if is_keyword(name)
        )
        for name, wrong in others.most_common(1):
            trials = wrong + right
            if sum(math.comb(trials, k) for k in range(wrong, trials + 1)) <= _CHANCE * 2**trials:
                found.append(Mistaken(label, name, wrong, right))
    return found


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
    """Return the drop from the data set, its low and high end (95 %), -1 to 1; None without trials."""
    if dataset.value is None or field.value is None:
        return None
    interval = difference_interval((dataset.correct, dataset.total), (field.correct, field.total))
    return dataset.value - field.value, *interval


@dataclass(frozen=True)
class FalseAcceptRate:
    """False accepts in keyword-free time, with their 95 % Poisson interval."""

    events: int  # outside of the windows of words
    hours: float
    per_hour: float | None  # None without keyword-free time
    low: float
    high: float


def false_accept_rate(variant: FieldVariant, condition: str | None = None) -> FalseAcceptRate:
    """Return the false accepts per hour under one condition, or under all if None."""
    wanted = {one.condition for one in variant.segments} if condition is None else {condition}
    hours = sum(one.keyword_free_s for one in variant.segments if one.condition in wanted) / 3600
    events = sum(not one.within_word and one.condition in wanted for one in variant.false_accepts)
    return FalseAcceptRate(events, hours, events / hours if hours else None, *poisson_interval(events, hours))


def delays(stimuli: Iterable[FieldStimulus]) -> tuple[float, float] | None:
    """Return median and 95th percentile of right keywords' delays in seconds; None without any."""
    right = (one for one in stimuli if one.counts and one.correct and is_keyword(one.label))
    values = [one.delay_s for one in right if one.delay_s is not None]
    if not values:
        return None
    median, p95 = np.percentile(values, [50, 95]).tolist()
    return median, p95


def count_causes(stimuli: Iterable[FieldStimulus]) -> dict[str, int]:
    """Count missed and confused keywords by cause, in the order of `CAUSES`; "" where it is unknown."""
    counts = dict.fromkeys((*CAUSES, ""), 0)
    for one in stimuli:
        if one.counts and not one.correct and is_keyword(one.label):
            counts[one.cause] += 1
    return counts


def compare(first: FieldVariant, second: FieldVariant) -> Paired | None:
    """Compare two variants of a route by the words that count for both; None if there are none.

    The same recording under other conditions or in other repetitions counts as another word.
    """
    one, two = (
        {(row.segment, row.source, row.onset_s): row.correct for row in variant.stimuli if row.counts}
        for variant in (first, second)
    )
    both = [key for key in one if key in two]
    return paired([[one[key] for key in both]], [[two[key] for key in both]], seeds=[0]) if both else None
