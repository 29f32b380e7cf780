"""Judge the times of a real board: apply the rule to all series of a run and word the findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness import format as fmt
from harness.records.verdict import SeriesName, SeriesVerdict, Status
from harness.regression import rule
from harness.regression.baseline import Epoch, TimeReference
from harness.regression.canary import CanaryState
from harness.regression.epochs import A_A_NIGHTS, PastNight, past, same_image_nights
from harness.regression.exact import new
from harness.regression.nights import Night
from harness.regression.sentences import acceptance, day, rounded, than


@dataclass(frozen=True)
class _Series:
    """A series to judge; `again_us` is NaN without a confirmation, `advisory` says why it does not gate."""

    name: SeriesName
    tonight_us: float
    again_us: float
    reference: TimeReference
    nights: Sequence[PastNight]
    advisory: str

    @property
    def window(self) -> list[float]:
        return [night.value_us for night in self.nights if night.on_level][-rule.WINDOW :]

    @property
    def before(self) -> list[float]:
        return [night.value_us for night in self.nights][-(rule.RECENT - 1) :]

    @property
    def pinned(self) -> tuple[float, float, int]:
        """The accepted reference, or the epoch's first nights if it was accepted after too few."""
        if self.reference.nights >= rule.FEWEST:
            return self.reference.reference_us, self.reference.night_sd, self.reference.nights
        first = [night.value_us for night in self.nights if night.on_level][: 1 - rule.RECENT][: rule.WINDOW]
        found = rule.reference(np.array(first or [self.reference.reference_us])[:, None])
        return float(found.center_us[0]), float(found.raw_sd[0]), int(found.nights[0])


def judge_times(
    names: Sequence[SeriesName],
    night: Night,
    epoch: Epoch,
    earlier: Sequence[Night],
    all_earlier: Sequence[Night],
    canary: CanaryState,
) -> list[SeriesVerdict]:
    """Judge the timed series of a night with a clean canary.

    Args:
        names: the series.
        night: the night to judge.
        epoch: accepted values that are in force.
        earlier: comparable earlier nights of this epoch, which the night is compared with.
        all_earlier: earlier nights of every epoch. A finding stays advisory until `A_A_NIGHTS` of them ran
            the same image.
        canary: state of the night's canary; all times are divided by its factor.
    """
    verdicts: list[SeriesVerdict] = []
    judged: list[_Series] = []
    for name in names:
        value_us = (night.times[name].value_us or np.nan) / canary.factor
        reference = epoch.times.get(str(name))
        if reference is None:
            verdicts.append(SeriesVerdict(str(name), "new", new(name, night), night.dirty, value_us))
            continue
        again = night.confirmations.get(name)
        again_us = again.value_us / canary.factor if again and again.value_us is not None else np.nan
        nights = past(name, earlier, epoch, reference)
        series = _Series(name, value_us, again_us, reference, nights, _advisory(name, night, all_earlier))
        if len(series.window) < rule.FEWEST:
            verdicts.append(_too_few(series))
        else:
            judged.append(series)
    return verdicts + (_judge_together(judged, night) if judged else [])


def _judge_together(judged: Sequence[_Series], night: Night) -> list[SeriesVerdict]:
    """Apply the rule to all series at once, as Holm's correction needs."""
    latest = rule.reference(_columns([series.window for series in judged], rule.WINDOW), night.tick_us)
    center, sd, nights = (
        np.array(column) for column in zip(*(series.pinned for series in judged), strict=True)
    )
    pinned = rule.reference_of(center, sd, nights, night.tick_us)
    before = _columns([series.before for series in judged], rule.RECENT - 1)
    tonight = np.array([series.tonight_us for series in judged])
    again = np.array([series.again_us for series in judged])
    found = rule.judge(latest, pinned, before, tonight)
    confirmed = rule.confirmed(found, latest, pinned, before, again)
    limit_us = rule.limit_us(latest)
    recent = np.median(np.vstack([before, tonight]), axis=0)

    verdicts = []
    for index, series in enumerate(judged):
        sudden = found.slower[index] or found.faster[index]
        gradual = bool(not sudden and (found.crept[index] or found.gained[index]))
        against = pinned if gradual else latest
        center_us, nights_used = float(against.center_us[index]), int(against.nights[index])
        change = float((recent if gradual else tonight)[index] / center_us - 1)
        night_sd = float(latest.raw_sd[index])
        status = _status(
            noisy=bool(latest.noisy[index]),
            worse=bool(found.worse[index]),
            better=bool(found.better[index]),
            confirmed=bool(confirmed[index]) and not night.dirty,
        )
        finding = _finding(series, change, center_us, nights_used, gradual and status != "ok")
        verdicts.append(
            SeriesVerdict(
                str(series.name),
                status,
                _sentence(status, finding, series, night, night_sd),
                advisory=bool(series.advisory),
                value=series.tonight_us,
                reference=center_us,
                change=change,
                limit=float(limit_us[index]),
                nights=nights_used,
                night_sd=night_sd,
                since=series.reference.since,
                to_confirm=status == "suspect" and not night.dirty and series.name not in night.confirmations,
            )
        )
    return verdicts


def _status(*, noisy: bool, worse: bool, better: bool, confirmed: bool) -> Status:
    if noisy:
        return "noisy"
    if worse:
        return "regressed" if confirmed else "suspect"
    return "improved" if better else "ok"


def _finding(series: _Series, change: float, center_us: float, nights: int, gradual: bool) -> str:
    since = day(series.reference.since)
    tonight, center = rounded(series.tonight_us, series.name), rounded(center_us, series.name)
    if gradual:
        return (
            f"{than(change, series.name)} gradually: the median of the last {rule.RECENT} nights (tonight "
            f"{tonight}) against the pinned {center} of {since}"
        )
    against = f"{tonight} against {center}, the mean of {nights} nights since {since}"
    return f"{than(change, series.name)}, {against}"


def _sentence(status: Status, finding: str, series: _Series, night: Night, night_sd: float) -> str:
    name, accept = series.name, acceptance(night.board, series.name)
    note = f" (advisory: {series.advisory})" if series.advisory else ""
    if status == "regressed":
        return (
            f"{name} is {finding}, and a second measurement took {rounded(series.again_us, name)}{note}: "
            f"find the commit and revert it, or accept it with {accept}."
        )
    if status == "suspect":
        return f"{name} is {finding}, {_why_suspect(series, night)}{note}."
    if status == "improved":
        return f"{name} is {finding}{note}: accept it with {accept}, or the old reference stays."
    if status == "noisy":
        return (
            f"{name} varies by {fmt.precise_share(night_sd)} from night to night, more than the "
            f"{fmt.percent(rule.NOISY_SD)} that can be judged ({finding}): check temperature, supply and "
            "interrupts."
        )
    return f"{name} is within its limits: {finding}{note}."


def _why_suspect(series: _Series, night: Night) -> str:
    if night.dirty:
        return "but the tree had uncommitted changes: commit them and measure again"
    again = night.confirmations.get(series.name)
    if again is None:
        return "not confirmed yet: measure it again at once"
    if again.value_us is None:
        return f"but the second measurement broke ({again.problem}): wait for the next night"
    return f"but a second measurement took {rounded(series.again_us, series.name)}: wait for the next night"


def _too_few(series: _Series) -> SeriesVerdict:
    nights, since = len(series.window), series.reference.since
    sentence = (
        f"{series.name} took {rounded(series.tonight_us, series.name)} and has {nights} of the {rule.FEWEST} "
        f"clean nights that a comparison needs, since {day(since)}: wait for more nights."
    )
    return SeriesVerdict(
        str(series.name),
        "new",
        sentence,
        bool(series.advisory),
        series.tonight_us,
        nights=nights,
        since=since,
    )


def _advisory(name: SeriesName, night: Night, all_earlier: Sequence[Night]) -> str:
    """Return the reason why a finding does not fail the run, or ""."""
    if night.dirty:
        return "uncommitted changes"
    nights = same_image_nights(name, night, all_earlier)
    return f"only {nights} of {A_A_NIGHTS} required nights of one image" if nights < A_A_NIGHTS else ""


def _columns(values: Sequence[Sequence[float]], rows: int) -> np.ndarray:
    """Stack series as columns, (rows, S), NaN where a series has fewer values."""
    table = np.full((rows, len(values)), np.nan)
    for column, found in enumerate(values):
        table[: len(found), column] = found
    return table
