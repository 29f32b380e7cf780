"""Choice of a recognizer within limits, beside the default, on all words and on speakers held out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.recognizer import DEFAULT, Recognizer
from harness.records.field_record import DetPoint
from harness.stats.statistics import cluster_interval, cluster_share_interval
from harness.stats.tuning.judging import ACCEPTED, FALSE, MISSED, Candidate, Judged, judge, point
from harness.stats.tuning.limits import Limits
from harness.stats.tuning.log import FOLDS, Log
from harness.stats.tuning.search import Search


@dataclass(frozen=True)
class HeldOut:
    """Keywords of speakers that the choice did not know; the figures are of all folds together."""

    tuned: DetPoint  # counts of the chosen recognizers
    default: DetPoint  # counts of the default one
    gain: tuple[float, float, float]
    """Difference of their rates of detected keywords, with its interval over speakers."""


@dataclass(frozen=True)
class Finalist(Candidate):
    """A candidate with intervals of its shares over speakers, without an end for all words and for none."""

    detected: tuple[float, float]  # keywords
    accepted: tuple[float, float]  # other words


@dataclass(frozen=True)
class Tuning:
    """The tuned recognizer of a variant."""

    limits: Limits  # of the choice
    chosen: Finalist  # with its counts over the whole log, like the default
    default: Finalist
    by_false: dict[str, list[Candidate]]
    """Per smoothing, and for the default's average, the candidates that no other beats in both misses and
    false accepts, within the limit of other words."""
    by_accepted: dict[str, list[Candidate]]
    """Likewise in misses and other words, within the limit of false accepts."""
    held_out: HeldOut | None  # None unless both halves of the speakers say every keyword that was played
    speakers: int  # number of speakers of keywords
    undetected: dict[str, int]  # keywords of which the choice detects no word, with the number of their words
    wider_limits: list[Limits]
    """The smallest ones, if any, whose choice detects every keyword, or one if this choice detects none."""

    @property
    def wider_options(self) -> str:
        """Return the options of `earshot tune` for the wider limits; "" without any."""
        return " or ".join(wider.options_beyond(self.limits) for wider in self.wider_limits)


def tune(log: Log, limits: Limits, present: Recognizer = DEFAULT) -> Tuning:
    """Choose the parameters with the fewest misses within the limits.

    Args:
        log: with a keyword, and with enough keyword-free audio for the limits, see `Limits.most_false`.
        present: what the choice is compared with, in place of the default.
    """
    words, search = log.words, Search(log)
    place = search.choose(limits)
    detects = search.totals[:, MISSED] < words.keywords
    enough = search.complete if detects[place] else detects
    recognizer = search.recognizers[place]
    chosen, default = judge(log, recognizer), judge(log, present)
    return Tuning(
        limits,
        _finalist(log, recognizer, chosen),
        _finalist(log, present, default),
        _fronts(search, FALSE, search.totals[:, ACCEPTED] <= limits.most_accepted(words.others)),
        _fronts(search, ACCEPTED, search.totals[:, FALSE] <= (limits.most_false(log.total_hours) or 0)),
        _held_out(search, limits, default),
        len(np.unique(words.speakers[words.are_keywords])),
        log.undetected(chosen.right),
        [] if search.complete[place] else search.wider_limits(limits, enough),
    )


def _finalist(log: Log, recognizer: Recognizer, judged: Judged) -> Finalist:
    spoken, speakers = log.words.are_keywords, log.words.speakers
    detected = cluster_share_interval(judged.right[spoken], speakers[spoken])
    accepted = cluster_share_interval(~judged.right[~spoken], speakers[~spoken])
    return Finalist(recognizer, point(log, judged.counts), detected, accepted)


def _fronts(search: Search, count: int, within: NDArray[np.bool_]) -> dict[str, list[Candidate]]:
    """Return the candidates that no other beats in both misses and another count, few of that first.

    They are those of each smoothing, and those of the default's average with equal thresholds.
    """
    families = {
        name: [one.smoothing == name for one in search.recognizers] for name in ("mean", "exponential")
    }
    families["default"] = [
        len(set(one.thresholds.values())) == 1 and replace(one, thresholds={}) == DEFAULT
        for one in search.recognizers
    ]
    fronts: dict[str, list[Candidate]] = {}
    for name, family in families.items():
        (places,) = np.nonzero(within & family)
        misses = search.totals[places, MISSED]
        order = np.lexsort((misses, search.totals[places, count]))
        # A candidate is on the front if it misses less than all before it.
        fewest = np.minimum.accumulate(misses[order])
        on_front = places[order[np.diff(fewest, prepend=np.inf) < 0]].tolist()
        fronts[name] = [
            Candidate(search.recognizers[place], point(search.log, search.counts[place]))
            for place in on_front
        ]
    return fronts


def _held_out(search: Search, limits: Limits, default: Judged) -> HeldOut | None:
    """Choose on the other folds' speakers for each fold, and add up the results."""
    log, words = search.log, search.log.words
    spoken = words.are_keywords
    # A choice on speakers that do not say a keyword never detects it, which says nothing about tuning.
    folds_of = [words.folds[words.labels == label] for label in np.unique(words.labels[spoken])]
    if any(len(np.unique(folds)) < FOLDS for folds in folds_of):
        return None
    most_false = limits.most_false(log.total_hours) or 0
    counts, right = np.zeros_like(default.counts), np.zeros(len(spoken), bool)
    for fold in range(FOLDS):
        known = [other for other in range(FOLDS) if other != fold]
        of_known = words.folds != fold
        share = float(log.hours[known].sum() / log.total_hours)
        most_accepted = limits.most_accepted(int((of_known & ~spoken).sum()))
        judged = judge(log, search.recognizers[search.best(int(most_false * share), most_accepted, known)])
        counts[fold] = judged.counts[fold]
        right = np.where(of_known, right, judged.right)
    gained = right[spoken].astype(int) - default.right[spoken]
    interval = cluster_interval(gained, words.speakers[spoken])
    return HeldOut(point(log, counts), point(log, default.counts), (float(gained.mean()), *interval))
