"""Times of a real board: the rule applied to all series of a night, and what is said of each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.records.verdict import SeriesName, SeriesVerdict, Status
from harness.regression import rule, sentences
from harness.regression.baseline import Epoch, TimeReference
from harness.regression.canary import CanaryState
from harness.regression.epochs import A_A_NIGHTS, PastNight, past, same_image_nights
from harness.regression.exact import new
from harness.regression.nights import Night


@dataclass(frozen=True)
class _Series:
    """What is known of one series tonight."""

    name: SeriesName
    tonight_us: float
    again_us: float
    """NaN if it was not measured again, or not well."""
    reference: TimeReference
    nights: Sequence[PastNight]
    advisory: str
    """Why it does not gate, without a full stop; "" if it does."""

    @property
    def window(self) -> list[float]:
        return [night.value_us for night in self.nights if night.on_level][-rule.WINDOW :]

    @property
    def before(self) -> list[float]:
        return [night.value_us for night in self.nights][-(rule.RECENT - 1) :]

    @property
    def pinned(self) -> tuple[float, float, int]:
        """The accepted reference, or the epoch's first nights where it was accepted after too few."""
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
    everything: Sequence[Night],
    canary: CanaryState,
) -> list[SeriesVerdict]:
    """Judges timed series of a night whose canary was clean.

    Args:
        names: of those that have a value.
        night: tonight.
        epoch: in force.
        earlier: nights of the epoch, see `harness.regression.epochs.comparable`.
        everything: all nights before tonight: one image's may be of any epoch.
        canary: of tonight.
    """
    verdicts: list[SeriesVerdict] = []
    judged: list[_Series] = []
    for name in names:
        value_us = (night.times[name].value_us or np.nan) / canary.factor
        reference = epoch.times.get(name)
        if reference is None:
            verdicts.append(SeriesVerdict(str(name), "new", new(name, night), night.dirty, value_us))
            continue
        again = night.confirmations.get(name)
        series = _Series(
            name,
            value_us,
            again.value_us / canary.factor if again and again.value_us is not None else np.nan,
            reference,
            past(name, earlier, epoch, reference),
            _advisory(name, night, everything),
        )
        if len(series.window) < rule.FEWEST:
            verdicts.append(_too_young(series, night))
        else:
            judged.append(series)
    return verdicts + (_judge_together(judged, night) if judged else [])


def _judge_together(judged: Sequence[_Series], night: Night) -> list[SeriesVerdict]:
    latest = rule.reference(_columns([series.window for series in judged], rule.WINDOW))
    center, sd, nights = (
        np.array(column) for column in zip(*(series.pinned for series in judged), strict=True)
    )
    pinned = rule.reference_of(center, sd, nights)
    before = _columns([series.before for series in judged], rule.RECENT - 1)
    tonight = np.array([series.tonight_us for series in judged])
    again = np.array([series.again_us for series in judged])
    found = rule.judge(latest, pinned, before, tonight)
    confirmed = rule.confirmed(found, latest, pinned, before, again)
    limit_us = rule.limit_us(latest)
    recent = np.median(np.vstack([before, tonight]), axis=0)

    verdicts = []
    for index, series in enumerate(judged):
        gradual = not (found.slower[index] or found.faster[index])
        against = pinned if gradual and (found.crept[index] or found.gained[index]) else latest
        value = recent[index] if against is pinned else tonight[index]
        change = float(value / against.center_us[index] - 1)
        status = _status(
            noisy=bool(latest.noisy[index]),
            worse=bool(found.worse[index]),
            better=bool(found.better[index]),
            confirmed=bool(confirmed[index]) and not night.dirty,
        )
        facts = _Facts(
            change,
            float(against.center_us[index]),
            int(against.nights[index]),
            float(latest.raw_sd[index]),
            float(limit_us[index]),
            against is pinned,
        )
        verdicts.append(
            SeriesVerdict(
                str(series.name),
                status,
                _sentence(status, series, facts, night),
                bool(series.advisory),
                series.tonight_us,
                facts.center_us,
                change,
                facts.limit_us,
                facts.nights,
                facts.night_sd,
                series.reference.since,
                status == "suspect" and not night.dirty and series.name not in night.confirmations,
            )
        )
    return verdicts


def _status(*, noisy: bool, worse: bool, better: bool, confirmed: bool) -> Status:
    if noisy:
        return "noisy"
    if worse:
        return "regressed" if confirmed else "suspect"
    return "improved" if better else "ok"


@dataclass(frozen=True)
class _Facts:
    change: float
    center_us: float
    nights: int
    night_sd: float
    limit_us: float
    gradual: bool


def _sentence(status: Status, series: _Series, facts: _Facts, night: Night) -> str:
    name, accept = series.name, sentences.acceptance(night.board, series.name)
    since = sentences.day(series.reference.since)
    against = f"against {facts.center_us:,.0f} µs, the mean of {facts.nights} nights since {since}"
    how = f"{sentences.than(facts.change)}, {series.tonight_us:,.0f} µs {against}"
    if facts.gradual and status != "ok":
        how = (
            f"{sentences.than(facts.change)} little by little, by the median of the last {rule.RECENT} "
            f"nights (tonight {series.tonight_us:,.0f} µs) against the pinned "
            f"{facts.center_us:,.0f} µs of {since}"
        )
    note = f" (advisory: {series.advisory})" if series.advisory else ""
    if status == "regressed":
        return (
            f"{name} is {how}, and measured again at once it took {series.again_us:,.0f} µs{note}: find the "
            f"commit and undo it, or accept it with {accept}."
        )
    if status == "suspect":
        return f"{name} is {how}, {_why_suspect(series, night)}{note}."
    if status == "improved":
        return f"{name} is {how}{note}: accept it with {accept}, or it stays held against the slower time."
    if status == "noisy":
        return (
            f"{name} wavers by {facts.night_sd:.2%} from night to night, more than the {rule.NOISY_SD:.0%} "
            f"that can be judged (tonight {facts.change:+.2%} {against}): look for what disturbs the "
            f"board, such as temperature, supply or interrupts."
        )
    return f"{name} is as before: {series.tonight_us:,.0f} µs, {facts.change:+.2%} {against}{note}."


def _why_suspect(series: _Series, night: Night) -> str:
    if night.dirty:
        return "but the tree had changes that are in no commit: commit them and measure again"
    again = night.confirmations.get(series.name)
    if again is None:
        return "not confirmed yet: measure it again at once"
    if again.value_us is None:
        return f"but its second measurement broke ({again.problem}): see what the next night says"
    return (
        f"but measured again at once it took {series.again_us:,.0f} µs, which does not confirm it: see what "
        f"the next night says"
    )


def _too_young(series: _Series, night: Night) -> SeriesVerdict:
    nights = len(series.window)
    sentence = (
        f"{series.name} took {series.tonight_us:,.0f} µs, and has {nights} of the {rule.FEWEST} clean nights "
        f"since {sentences.day(series.reference.since)} that a comparison needs: let more nights pass."
    )
    return SeriesVerdict(
        str(series.name),
        "new",
        sentence,
        bool(series.advisory),
        series.tonight_us,
        nights=nights,
        since=series.reference.since,
    )


def _advisory(name: SeriesName, night: Night, everything: Sequence[Night]) -> str:
    if night.dirty:
        return "the tree was dirty"
    nights = same_image_nights(name, night, everything)
    return f"{nights} of {A_A_NIGHTS} nights of one image" if nights < A_A_NIGHTS else ""


def _columns(values: Sequence[Sequence[float]], rows: int) -> np.ndarray:
    """(rows, S), NaN where a series has fewer values."""
    table = np.full((rows, len(values)), np.nan)
    for column, found in enumerate(values):
        table[: len(found), column] = found
    return table
