"""Rates of a field record with their intervals: accuracy, false accepts per hour, delay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from harness.records.field_record import FieldStimulus, FieldVariant
from harness.stats.matching import is_keyword
from harness.stats.statistics import poisson_interval, wilson_interval


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


@dataclass(frozen=True)
class FalseAcceptRate:
    """False accepts in time without any words.

    Attributes:
        events: counted.
        hours: of that time.
        per_hour: None if there was no such time.
        low, high: of the 95 % interval; see `statistics.poisson_interval`. Without events `high` is
            3 / hours.
        within_words: announcements too many within the windows of words, which are not in `events`.
    """

    events: int
    hours: float
    per_hour: float | None
    low: float
    high: float
    within_words: int


@dataclass(frozen=True)
class Delay:
    """From the end of a word until it was announced, in seconds, of the keywords that were heard right.

    Attributes:
        n: how many.
        minimum, p5, median, p95, maximum: interpolated linearly; negative before the word's end.
        before_end: how many were announced before they ended.
    """

    n: int
    minimum: float
    p5: float
    median: float
    p95: float
    maximum: float
    before_end: int


def rate(correct: int, total: int) -> Rate:
    """A rate with its interval.

    Raises:
        ValueError: see `statistics.wilson_interval`.
    """
    return Rate(correct, total, *wilson_interval(correct, total))


def accuracy(stimuli: Iterable[FieldStimulus]) -> Rate:
    """How many of the words that count were heard right."""
    counted = [one.correct for one in stimuli if one.counts]
    return rate(sum(counted), len(counted))


def false_accept_rate(variant: FieldVariant, condition: str | None = None) -> FalseAcceptRate:
    """False accepts per hour.

    Args:
        variant: of one route.
        condition: None for all of them together.
    """
    free_s = sum(
        one.keyword_free_s for one in variant.segments if condition is None or one.condition == condition
    )
    accepts = [one for one in variant.false_accepts if condition is None or one.condition == condition]
    within = sum(one.within_word for one in accepts)
    events, hours = len(accepts) - within, free_s / 3600
    low, high = poisson_interval(events, hours)
    return FalseAcceptRate(events, hours, events / hours if hours else None, low, high, within)


def delay(stimuli: Iterable[FieldStimulus]) -> Delay | None:
    """The delay from the words' ends; None if no keyword was heard right."""
    values = [
        one.delay_s
        for one in stimuli
        if one.counts and one.correct and is_keyword(one.label) and one.delay_s is not None
    ]
    if not values:
        return None
    minimum, p5, median, p95, maximum = np.percentile(values, [0, 5, 50, 95, 100]).tolist()
    before_end = sum(value < 0 for value in values)
    return Delay(len(values), minimum, p5, median, p95, maximum, before_end)
