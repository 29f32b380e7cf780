"""Search of a recognizer's parameters in the logged scores of a variant.

A candidate is judged by three counts: keywords that it misses, keywords that it detects in keyword-free
audio, and other words that it takes for a keyword. Times become places in the log, so that a candidate takes
less than a millisecond for an hour of audio. The rules of assignment are those of `harness.stats.matching`:
the first keyword within the window of a word is nearest to the word.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from harness.recognizer import DEFAULT, Recognizer
from harness.records.field_record import DetPoint
from harness.stats.matching import is_keyword
from harness.stats.recognizer import Averages, average, averages_of
from harness.stats.segment import FreeTime, Gap, PlayedSegment, loss_reason
from harness.stats.statistics import cluster_interval, poisson_interval

FOLDS = 2
"""Parts of the speakers, each judged by parameters that were chosen on the others."""

MEANS_MS = (100, 150, 200, 300, 400, 500, 700, 1000)
CONSTANTS_MS = (40, 80, 120, 160, 240, 320, 480)
FEWEST_RESULTS = (3, 1)
SUPPRESSIONS_MS = (500, 1000, 1500)
THRESHOLDS = (*range(100, 255, 5), 255)
"""At 255 a label is never detected."""

RULES = (
    *(Recognizer("mean", ms, fewest) for ms, fewest in product(MEANS_MS, FEWEST_RESULTS)),
    *(Recognizer("exponential", ms) for ms in CONSTANTS_MS),
)
"""Averages that are tried, each with every suppression and thresholds by label."""

_PRICES = (0.0, *np.geomspace(0.02, 5.0, 6).tolist(), 1e6)
"""Missed keywords that one false accept is worth, in the choice of each label's threshold."""
_BLOCK_S = 30.0
"""Keyword-free audio goes to the folds in blocks of this length."""
_BETWEEN_MS = 10**6
"""Time between two segments in the log of all: longer than any suppression."""


@dataclass(frozen=True, eq=False)
class Words:
    """W words of a log; their windows are places in it."""

    begins: NDArray[np.int64]  # (W,)
    ends: NDArray[np.int64]  # (W,), exclusive
    labels: NDArray[np.int64]  # (W,), the model's label; -1 for another word
    speakers: NDArray[np.int64]  # (W,), index of `names`
    folds: NDArray[np.int64]  # (W,), 0 to FOLDS - 1
    names: Sequence[str]  # of the speakers; "" of all recordings that name none

    @property
    def are_keywords(self) -> NDArray[np.bool_]:
        return self.labels >= 0


@dataclass(frozen=True, eq=False)
class Log:
    """Logged scores of a variant: N inferences of all segments, one after the other."""

    labels: Sequence[str]
    times_ms: NDArray[np.int64]  # (N,), ascending
    scores: NDArray[np.uint8]  # (N, labels)
    starts: Sequence[int]  # the first place of each segment
    heard: NDArray[np.bool_]  # (N,), within the sound
    free: NDArray[np.bool_]  # (N,), outside of the windows of words and of gaps
    blocks: NDArray[np.int64]  # (N,), the fold of keyword-free audio
    hours: NDArray[np.float64]  # (FOLDS,), keyword-free audio
    words: Words

    @property
    def keywords(self) -> list[int]:
        return [place for place, label in enumerate(self.labels) if is_keyword(label)]

    def undetected(self, right: NDArray[np.bool_]) -> dict[str, int]:
        """Return the keywords of which no word is right, with the number of their words."""
        of_words = self.words.labels[self.words.are_keywords & (self.words.labels < len(self.labels))]
        played, numbers = np.unique(of_words, return_counts=True)
        detected = set(self.words.labels[right].tolist())
        counted = zip(played.tolist(), numbers.tolist(), strict=True)
        return {self.labels[label]: number for label, number in counted if label not in detected}

    def averages(self, recognizers: Sequence[Recognizer]) -> list[Averages]:
        """Return the averages of each recognizer, which is reset at the start of a segment."""
        found: list[list[Averages]] = [[] for _ in recognizers]
        for begin, end in pairwise([*self.starts, len(self.times_ms)]):
            of_segment = averages_of(self.times_ms[begin:end], self.scores[begin:end], recognizers)
            for those, averages in zip(found, of_segment, strict=True):
                those.append(averages)
        return [
            Averages(
                self.times_ms,
                np.concatenate([one.labels for one in those]),
                np.concatenate([one.scores for one in those]),
            )
            for those in found
        ]


def read_log(labels: Sequence[str], segments: Iterable[PlayedSegment], window_s: float) -> Log:
    """Return the log of played segments; a detection counts for a word until `window_s` after its end."""
    memory_s = max(rule.memory_ms for rule in RULES) / 1000
    parts: dict[str, list[NDArray]] = {name: [] for name in ("times", "scores", "heard", "free", "blocks")}
    words: list[tuple[int, int, int, str]] = []
    starts: list[int] = []
    hours = np.zeros(FOLDS)
    length = next_ms = 0
    for segment in segments:
        if not len(segment.times_ms):
            continue
        times = average(segment.times_ms, segment.scores).times_ms
        at_s = times / 1000 - segment.sound_starts_s
        gaps = [replace(gap, end_s=gap.end_s + memory_s) for gap in segment.gaps]
        audio_s = segment.row.audio_s
        everything = FreeTime(segment.words, gaps, window_s, audio_s)
        folds = np.floor_divide(np.maximum(at_s, 0), _BLOCK_S).astype(np.int64) % FOLDS
        for fold in range(FOLDS):
            others = [
                Gap(begin, begin + _BLOCK_S, "")
                for block, begin in enumerate(np.arange(0, audio_s, _BLOCK_S).tolist())
                if block % FOLDS != fold
            ]
            hours[fold] += FreeTime(segment.words, [*gaps, *others], window_s, audio_s).seconds / 3600
        onsets = sorted(word.onset_s for word in segment.words)
        for word in segment.words:
            if loss_reason(word, gaps, window_s):
                continue
            begin = int(np.searchsorted(at_s, word.onset_s))
            end = int(np.searchsorted(at_s, word.end_s + window_s, side="right"))
            # Where two windows overlap, a detection counts for the later word.
            following = next((onset for onset in onsets if onset > word.onset_s), np.inf)
            end = min(end, int(np.searchsorted(at_s, following)))
            label = -1
            if is_keyword(word.label):
                label = labels.index(word.label) if word.label in labels else len(labels)
            words.append((length + begin, length + max(begin, end), label, word.speaker))
        starts.append(length)
        length += len(times)
        parts["times"].append(times - times[0] + next_ms)
        next_ms = int(parts["times"][-1][-1]) + _BETWEEN_MS
        parts["scores"].append(segment.scores)
        parts["heard"].append(at_s >= 0)
        parts["free"].append(everything.are_free(at_s))
        parts["blocks"].append(folds)
    joined = {name: np.concatenate(those) if those else np.zeros(0) for name, those in parts.items()}
    return Log(
        labels,
        joined["times"].astype(np.int64),
        joined["scores"].reshape(-1, len(labels)).astype(np.uint8),
        starts,
        joined["heard"].astype(bool),
        joined["free"].astype(bool),
        joined["blocks"].astype(np.int64),
        hours,
        _words(words),
    )


def _words(rows: Sequence[tuple[int, int, int, str]]) -> Words:
    names = sorted({name for *_, name in rows}, key=lambda name: hashlib.sha256(name.encode()).digest())
    fold_of = {name: place % FOLDS for place, name in enumerate(names)}
    begins, ends, labels = (np.array([row[key] for row in rows], np.int64) for key in range(3))
    speakers = np.array([names.index(name) for *_, name in rows], np.int64)
    folds = np.array([fold_of[name] for *_, name in rows], np.int64)
    return Words(begins, ends, labels, speakers, folds, names)


@dataclass(frozen=True)
class Candidate:
    """A recognizer with its counts; the threshold of the point is meaningless."""

    recognizer: Recognizer
    point: DetPoint


class Search:
    """All C candidates of a log.

    Attributes:
        counts: (C, FOLDS, 3): missed, false, accepted.
        complete: (C,), whether some word of each keyword that was played is detected.
    """

    def __init__(self, log: Log) -> None:
        self.log = log
        self.recognizers: list[Recognizer] = []
        judged: list[Judged] = []
        least = dict.fromkeys((log.labels[label] for label in log.keywords), THRESHOLDS[0])
        for rule, averages in zip(RULES, log.averages(RULES), strict=True):
            part = _Rule(log, averages, replace(rule, thresholds=least).thresholds_of(log.labels))
            for suppression_ms in SUPPRESSIONS_MS:
                for chosen in _thresholds(log, part, suppression_ms):
                    thresholds = {log.labels[label]: score for label, score in chosen.items()}
                    self.recognizers.append(
                        replace(rule, thresholds=thresholds, suppression_ms=suppression_ms)
                    )
                    judged.append(part.judge(chosen, suppression_ms))
        self.counts = np.array([one.counts for one in judged])
        self.complete = np.array([not log.undetected(one.right) for one in judged])
        # Of equal candidates, those with longer suppression, then with higher thresholds.
        self._ties = np.array(
            [(-sum(one.thresholds.values()), -one.suppression_ms) for one in self.recognizers]
        )

    def best(self, most_false: int, most_accepted: int, folds: Sequence[int]) -> int | None:
        """Return the index of the candidate that misses least within limits over some folds; None if none is.

        Among equal ones, fewer false accepts of both kinds win, then longer suppression, then higher
        thresholds.
        """
        missed, false, accepted = self.counts[:, folds].sum(axis=1).T
        (within,) = np.nonzero((false <= most_false) & (accepted <= most_accepted))
        if not len(within):
            return None
        order = np.lexsort((*self._ties[within].T, (false + accepted)[within], missed[within]))
        return int(within[order[0]])

    def choose(self, limits: Limits) -> int | None:
        """Return the index of the best candidate within limits in the whole log; None if none is."""
        most_false = limits.most_false(float(self.log.hours.sum()))
        assert most_false is not None, "enough keyword-free audio for the limit"
        return self.best(most_false, limits.most_accepted(self._others), range(FOLDS))

    def complete_limits(self, limits: Limits) -> list[Limits]:
        """Return the smallest wider limits whose choice detects every keyword.

        They widen the limit of false accepts or that of other words, and both if neither is enough alone. The
        list is empty if no limits are.
        """
        alone = [self._wider_false(limits), self._wider_accepted(limits)]
        if found := [one for one in alone if one]:
            return found
        both = self._wider_false(replace(limits, accepted=1.0))
        return [self._wider_accepted(replace(both, accepted=limits.accepted)) or both] if both else []

    def _wider_false(self, limits: Limits) -> Limits | None:
        hours = float(self.log.hours.sum())
        least = limits.most_false(hours) or 0
        events = np.unique(self.counts[:, :, 1].sum(axis=1))
        rates = (least_rate(number, hours) for number in events[events > least].tolist())
        return self._first_complete(replace(limits, per_hour=rate) for rate in rates)

    def _wider_accepted(self, limits: Limits) -> Limits | None:
        accepted = np.unique(self.counts[:, :, 2].sum(axis=1))
        accepted = accepted[accepted > limits.most_accepted(self._others)]
        percents = np.unique(np.ceil(100 * accepted / max(self._others, 1))).tolist()
        return self._first_complete(replace(limits, accepted=percent / 100) for percent in percents)

    def _first_complete(self, wider: Iterable[Limits]) -> Limits | None:
        for limits in wider:
            place = self.choose(limits)
            if place is not None and self.complete[place]:
                return limits
        return None

    @property
    def _others(self) -> int:
        return int((~self.log.words.are_keywords).sum())


@dataclass(frozen=True, eq=False)
class Judged:
    """Words and counts of one candidate."""

    right: NDArray[np.bool_]  # (W,), a keyword detected as itself, another word not taken for a keyword
    counts: NDArray[np.int64]  # (FOLDS, 3): keywords missed, false accepts, other words accepted


class _Rule:
    """The averages of a rule, reduced to those of keywords that some threshold admits."""

    def __init__(self, log: Log, averages: Averages, least: Sequence[int]) -> None:
        """Take the least threshold of each label that `judge` gets; of silence and unknown, the threshold."""
        self._log = log
        is_keyword_at = np.isin(averages.labels, log.keywords)
        above = averages.scores > np.asarray(least)[averages.labels]
        (self._places,) = np.nonzero(is_keyword_at & above)
        self._labels = averages.labels[self._places]
        self._scores = averages.scores[self._places]
        self._times_ms = averages.times_ms[self._places]
        # An average of another label above its threshold ends the suppression of the keyword before it.
        self._breaks = np.cumsum(~is_keyword_at & above)[self._places]

    def judge(self, thresholds: dict[int, int], suppression_ms: int) -> Judged:
        """Detect with thresholds by label, 255 for a keyword that has none, and count."""
        log, words = self._log, self._log.words
        limits = np.full(len(log.labels), 255)
        limits[list(thresholds)] = list(thresholds.values())
        (above,) = np.nonzero(self._scores > limits[self._labels])
        labels, times, breaks = self._labels[above], self._times_ms[above], self._breaks[above]
        places = self._places[above]
        edges = np.nonzero((labels[1:] != labels[:-1]) | (breaks[1:] != breaks[:-1]))[0] + 1
        current = np.concatenate([[0], edges]) if len(above) else edges
        ends = np.concatenate([edges, [len(above)]]) if len(above) else edges
        detected = [current]
        while len(current):
            following = np.searchsorted(times, times[current] + suppression_ms, side="right")
            current, ends = following[following < ends], ends[following < ends]
            detected.append(current)
        found = np.sort(np.concatenate(detected))
        found = found[log.heard[places[found]]]
        places, labels = np.append(places[found], len(log.times_ms)), np.append(labels[found], 0)
        first = np.searchsorted(places, words.begins)
        hit = places[first] < words.ends
        spoken = words.are_keywords
        right = np.where(spoken, hit & (labels[first] == words.labels), ~hit)
        wrong = np.bincount(words.folds[~right & spoken], minlength=FOLDS)
        accepted = np.bincount(words.folds[~right & ~spoken], minlength=FOLDS)
        places = places[:-1]
        false = np.bincount(log.blocks[places[log.free[places]]], minlength=FOLDS)
        return Judged(right, np.stack([wrong, false, accepted], axis=1))


def _thresholds(log: Log, rule: _Rule, suppression_ms: int) -> Iterator[dict[int, int]]:
    """Yield thresholds by label that may be best: equal ones, and the best of each label at many prices.

    Labels hardly depend on each other. So each one's thresholds are judged alone, and for every price of a
    false accept the best ones of all labels together make a candidate, which is then judged as a whole.
    """
    curves = {
        label: np.array([rule.judge({label: score}, suppression_ms).counts for score in THRESHOLDS])
        for label in log.keywords
    }  # (thresholds, FOLDS, 3)
    chosen = {tuple([score] * len(curves)) for score in THRESHOLDS}
    prices, highest = np.array(_PRICES), np.array(THRESHOLDS[::-1])
    for folds in (range(FOLDS), *([fold] for fold in range(FOLDS))):
        best = []
        for curve in curves.values():
            missed, false, accepted = curve[:, folds].sum(axis=1).T[:, :, None, None]
            costs = missed + false * prices[:, None] + accepted * prices
            # The last of equal thresholds is the highest.
            best.append(highest[costs[::-1].argmin(axis=0)].ravel().tolist())
        chosen.update(zip(*best, strict=True))
    for scores in sorted(chosen):
        yield dict(zip(curves, scores, strict=True))


def least_rate(events: int, hours: float) -> float:
    """Return the least limit per hour, of three digits, that so many false accepts in some hours keep."""
    rate = poisson_interval(events, hours)[1]
    unit = 10.0 ** (math.floor(math.log10(rate)) - 2)
    return float(f"{math.ceil(rate / unit) * unit:.3g}")


@dataclass(frozen=True)
class Limits:
    """Limits of a choice."""

    per_hour: float | None = None
    """False accepts in keyword-free audio, which the upper end of their interval has to keep; None for none
    at all in the audio."""
    accepted: float = 0.15  # share of other words taken for a keyword, 0 to 1

    def most_false(self, hours: float) -> int | None:
        """Return the most false accepts in some hours of audio; None if even without one it is too little."""
        if self.per_hour is None:
            return 0 if hours else None
        # The upper end of the interval grows with the events, and lies above their own rate.
        numbers = range(math.ceil(self.per_hour * hours) + 1)
        most = bisect_right(numbers, self.per_hour, key=lambda events: poisson_interval(events, hours)[1])
        return most - 1 if most else None

    def most_accepted(self, others: int) -> int:
        """Return how many of some other words may be taken for a keyword."""
        return int(round(self.accepted * others, 6))  # 0.29 * 100 is below 29

    def keep(self, point: DetPoint) -> bool:
        """Return whether counts are within the limits."""
        most_false, most_accepted = self.most_false(point.hours), self.most_accepted(point.non_keywords)
        within = most_false is not None and point.false_accepts <= most_false
        return within and point.accepted_non_keywords <= most_accepted


@dataclass(frozen=True)
class HeldOut:
    """Keywords of speakers that the choice did not know; the figures are of all folds together."""

    tuned: DetPoint  # counts of the chosen recognizers
    default: DetPoint  # counts of the default one
    gain: tuple[float, float, float]
    """Difference of their rates of detected keywords, with its interval over speakers."""


@dataclass(frozen=True)
class Tuning:
    """The tuned recognizer of a variant."""

    limits: Limits  # of the choice
    chosen: Candidate  # with its counts over the whole log, like the default
    default: Candidate
    intervals: dict[str, tuple[float, float]]
    """By "chosen" and "default", the share of detected keywords, low and high, over speakers."""
    accepted_intervals: dict[str, tuple[float, float]]  # likewise of other words taken for a keyword
    by_false: dict[str, list[Candidate]]
    """Per smoothing, and for the default's average, the candidates that no other beats in both misses and
    false accepts, within the limit of other words."""
    by_accepted: dict[str, list[Candidate]]
    """Likewise in misses and other words, within the limit of false accepts."""
    held_out: HeldOut | None  # None unless both halves of the speakers have keywords
    speakers: int  # number of speakers of keywords
    candidates: int
    undetected: dict[str, int]  # keywords of which the choice detects no word, with the number of their words
    complete_limits: list[Limits]  # if there are any: the smallest wider limits whose choice detects them all


def tune(log: Log, limits: Limits, present: Recognizer = DEFAULT) -> Tuning | None:
    """Choose the parameters with the fewest misses within the limits.

    Args:
        present: what the choice is compared with, in place of the default.

    Returns:
        None if no candidate detects any keyword within the limits.

    Raises:
        ValueError: the log has no keyword, or too little keyword-free audio for the limit, or none.
    """
    words, hours = log.words, float(log.hours.sum())
    most_false = limits.most_false(hours)
    if most_false is None or not words.are_keywords.any():
        raise ValueError("nothing to tune")
    search = Search(log)
    most_accepted = limits.most_accepted(int((~words.are_keywords).sum()))
    place = search.choose(limits)
    if place is None or search.counts[place, :, 0].sum() == words.are_keywords.sum():
        return None
    chosen = search.recognizers[place]
    right = {"chosen": judge(log, chosen).right, "default": judge(log, present).right}
    totals = search.counts.sum(axis=1)
    by_false, by_accepted = {}, {}
    for name, mask in _families(search.recognizers).items():
        by_false[name] = _front(log, search, mask & (totals[:, 2] <= most_accepted), 1)
        by_accepted[name] = _front(log, search, mask & (totals[:, 1] <= most_false), 2)
    return Tuning(
        limits,
        candidate(log, chosen),
        candidate(log, present),
        {name: _over_speakers(words, answers, words.are_keywords) for name, answers in right.items()},
        {name: _over_speakers(words, ~answers, ~words.are_keywords) for name, answers in right.items()},
        by_false,
        by_accepted,
        _held_out(log, search, limits, most_false, present),
        len(np.unique(words.speakers[words.are_keywords])),
        len(search.recognizers),
        log.undetected(right["chosen"]),
        [] if search.complete[place] else search.complete_limits(limits),
    )


def judge(log: Log, recognizer: Recognizer, averages: Averages | None = None) -> Judged:
    """Detect with one recognizer, and count; its averages are computed unless they are given."""
    if averages is None:
        (averages,) = log.averages([recognizer])
    scores = recognizer.thresholds_of(log.labels)
    return _Rule(log, averages, scores).judge(
        {label: scores[label] for label in log.keywords}, recognizer.suppression_ms
    )


def candidate(log: Log, recognizer: Recognizer) -> Candidate:
    return Candidate(recognizer, _point(log, judge(log, recognizer).counts, range(FOLDS)))


def _point(log: Log, counts: NDArray[np.int64], folds: Sequence[int]) -> DetPoint:
    """Return the counts (FOLDS, 3) of some folds, with those of words and hours."""
    missed, false, accepted = counts[folds].sum(axis=0).tolist()
    spoken = log.words.are_keywords[np.isin(log.words.folds, folds)]
    return DetPoint(
        0,
        misses=missed,
        keywords=int(spoken.sum()),
        false_accepts=false,
        hours=float(log.hours[folds].sum()),
        accepted_non_keywords=accepted,
        non_keywords=int((~spoken).sum()),
    )


def _families(recognizers: Sequence[Recognizer]) -> dict[str, NDArray[np.bool_]]:
    """Return which candidates belong to the smoothing rules, and which are the default at a threshold."""
    masks = {
        name: np.array([one.smoothing == name for one in recognizers]) for name in ("mean", "exponential")
    }
    masks["default"] = np.array(
        [
            len(set(one.thresholds.values())) == 1 and replace(one, thresholds={}) == DEFAULT
            for one in recognizers
        ]
    )
    return masks


def _front(log: Log, search: Search, mask: NDArray[np.bool_], axis: int) -> list[Candidate]:
    """Return the candidates that no other beats in both misses and another count, few of that first."""
    totals = search.counts.sum(axis=1)
    (places,) = np.nonzero(mask)
    order = places[np.lexsort((totals[places, 0], totals[places, axis]))]
    front, fewest = [], None
    for place in order.tolist():
        if fewest is None or totals[place, 0] < fewest:
            fewest = totals[place, 0]
            point = _point(log, search.counts[place], range(FOLDS))
            front.append(Candidate(search.recognizers[place], point))
    return front


def _over_speakers(words: Words, answers: NDArray[np.bool_], among: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the bootstrap interval over speakers of the share of answers among some words.

    Without an end if all words have the answer or none: a bootstrap then says nothing.
    """
    number = len(words.names)
    wholes = np.bincount(words.speakers[among], minlength=number)
    parts = np.bincount(words.speakers[among & answers], minlength=number)
    if parts.sum() in (0, wholes.sum()):
        return -np.inf, np.inf
    return cluster_interval(parts[wholes > 0], wholes[wholes > 0])


def _held_out(
    log: Log, search: Search, limits: Limits, most_false: int, present: Recognizer
) -> HeldOut | None:
    """Choose on the other folds' speakers for each fold, and add up the results."""
    words, hours = log.words, log.hours
    default = judge(log, present)
    counts = {"tuned": np.zeros_like(default.counts), "default": default.counts}
    right = np.zeros(len(words.labels), bool)
    for fold in range(FOLDS):
        known = [other for other in range(FOLDS) if other != fold]
        of_known = np.isin(words.folds, known)
        if not (words.are_keywords & of_known).any() or not (words.are_keywords & ~of_known).any():
            return None
        share = float(hours[known].sum() / hours.sum())
        others = int((of_known & ~words.are_keywords).sum())
        place = search.best(int(most_false * share), limits.most_accepted(others), known)
        assert place is not None, "a recognizer that detects nothing keeps every limit"
        judged = judge(log, search.recognizers[place])
        counts["tuned"][fold] = judged.counts[fold]
        right = np.where(of_known, right, judged.right)
    spoken = words.are_keywords
    number = len(words.names)
    wholes = np.bincount(words.speakers[spoken], minlength=number)
    gained = right.astype(int) - default.right.astype(int)
    parts = np.bincount(words.speakers[spoken], gained[spoken], minlength=number)
    interval = cluster_interval(parts[wholes > 0], wholes[wholes > 0])
    points = {name: _point(log, those, range(FOLDS)) for name, those in counts.items()}
    return HeldOut(**points, gain=(float(gained[spoken].mean()), *interval))
