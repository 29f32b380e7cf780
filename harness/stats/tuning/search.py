"""All candidates for a log, and the best one within limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from harness.recognizer import Recognizer
from harness.stats.tuning.grid import NEVER, RULES, SUPPRESSIONS_MS, THRESHOLDS
from harness.stats.tuning.judging import ACCEPTED, FALSE, Judge, Judged
from harness.stats.tuning.limits import Limits, least_rate
from harness.stats.tuning.log import FOLDS, Log

_PRICES = (0.0, *np.geomspace(0.02, 5.0, 6).tolist(), 1e6)
"""Missed keywords that one false accept is worth, in the choice of each label's threshold."""


class Search:
    """All C candidates of a log.

    Attributes:
        counts: (C, FOLDS, 3): missed, false, accepted.
        totals: (C, 3), those of all folds.
        complete: (C,), whether some word of each keyword that was played is detected.
    """

    def __init__(self, log: Log) -> None:
        self.log = log
        self.recognizers: list[Recognizer] = []
        judged: list[Judged] = []
        lowest = dict.fromkeys(log.keywords, THRESHOLDS[0])
        for rule, averages in zip(RULES, log.averages(RULES), strict=True):
            judge = Judge(log, averages, replace(rule, thresholds=lowest))
            for suppression_ms in SUPPRESSIONS_MS:
                candidates = [*_candidates(judge, replace(rule, suppression_ms=suppression_ms), log.keywords)]
                self.recognizers += candidates
                judged += map(judge.judge, candidates)
        self.counts = np.array([one.counts for one in judged])
        self.totals = self.counts.sum(axis=1)
        self.complete = np.array([not log.undetected(one.right) for one in judged])
        # Of equal candidates, those with longer suppression, then with higher thresholds.
        self._ties = np.array(
            [(-sum(one.thresholds.values()), -one.suppression_ms) for one in self.recognizers]
        )

    def best(self, most_false: int, most_accepted: int, folds: Sequence[int] = range(FOLDS)) -> int:
        """Return the index of the candidate that misses least within limits over some folds.

        Among equal ones, fewer false accepts of both kinds win, then longer suppression, then higher
        thresholds. A candidate that detects nothing keeps every limit.
        """
        missed, false, accepted = self.counts[:, folds].sum(axis=1).T
        (within,) = np.nonzero((false <= most_false) & (accepted <= most_accepted))
        order = np.lexsort((*self._ties[within].T, (false + accepted)[within], missed[within]))
        return int(within[order[0]])

    def choose(self, limits: Limits) -> int:
        """Return the index of the best candidate within limits in the whole log."""
        most_false = limits.most_false(self.log.total_hours)
        assert most_false is not None, "enough keyword-free audio for the limit"
        return self.best(most_false, limits.most_accepted(self.log.words.others))

    def wider_limits(self, limits: Limits, enough: NDArray[np.bool_]) -> list[Limits]:
        """Return the smallest wider limits whose choice is one of the candidates (C,) that are good enough.

        They widen the limit of false accepts or that of other words, and both if neither is enough alone. The
        list is empty if no limits are.
        """

        def first(wider: Iterable[Limits]) -> Limits | None:
            return next((one for one in wider if enough[self.choose(one)]), None)

        alone = [first(self._with_more_false(limits)), first(self._with_more_accepted(limits))]
        if found := [one for one in alone if one]:
            return found
        both = first(self._with_more_false(replace(limits, accepted=1.0)))
        return (
            [first(self._with_more_accepted(replace(both, accepted=limits.accepted))) or both] if both else []
        )

    def _with_more_false(self, limits: Limits) -> Iterator[Limits]:
        hours, events = self.log.total_hours, np.unique(self.totals[:, FALSE])
        for number in events[events > (limits.most_false(hours) or 0)].tolist():
            yield replace(limits, per_hour=least_rate(number, hours))

    def _with_more_accepted(self, limits: Limits) -> Iterator[Limits]:
        others, accepted = self.log.words.others, np.unique(self.totals[:, ACCEPTED])
        accepted = accepted[accepted > limits.most_accepted(others)]
        for percent in np.unique(np.ceil(100 * accepted / max(others, 1))).tolist():
            yield replace(limits, accepted=percent / 100)


def _candidates(judge: Judge, rule: Recognizer, keywords: Sequence[str]) -> Iterator[Recognizer]:
    """Yield thresholds by label that may be best: equal ones, and the best of each label at many prices.

    Labels hardly depend on each other. So each one's thresholds are judged alone, and for every price of a
    false accept the best ones of all labels together make a candidate, which is then judged as a whole.
    """
    never = dict.fromkeys(keywords, NEVER)
    curves = [
        np.array(
            [judge.judge(replace(rule, thresholds=never | {label: score})).counts for score in THRESHOLDS]
        )
        for label in keywords
    ]  # (thresholds, FOLDS, 3)
    chosen = {(score,) * len(keywords) for score in THRESHOLDS}
    prices, highest = np.array(_PRICES), np.array(THRESHOLDS[::-1])
    for folds in (range(FOLDS), *([fold] for fold in range(FOLDS))):
        best = []
        for curve in curves:
            missed, false, accepted = curve[:, folds].sum(axis=1).T[:, :, None, None]
            costs = missed + false * prices[:, None] + accepted * prices
            # The last of equal thresholds is the highest.
            best.append(highest[costs[::-1].argmin(axis=0)].ravel().tolist())
        chosen.update(zip(*best, strict=True))
    for scores in sorted(chosen):
        yield replace(rule, thresholds=dict(zip(keywords, scores, strict=True)))
