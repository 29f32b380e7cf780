"""A night accepted as the measure of the next: a new epoch, or new references in the old one. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import numpy as np

from harness.errors import UsageError
from harness.records.verdict import Figure, RunVerdict, SeriesName, SeriesVerdict, Status
from harness.regression import rule
from harness.regression.baseline import Acceptance, Baseline, Epoch, TimeReference
from harness.regression.canary import CanaryReference, canary_of, canary_state
from harness.regression.epochs import comparable
from harness.regression.exact import is_of_a_commit
from harness.regression.nights import Night, merge, moment
from harness.regression.verdict import judge

_BY_DEFAULT: frozenset[Status] = frozenset({"regressed", "suspect", "changed", "improved", "new", "missing"})


def accept(
    baseline: Baseline | None,
    night: Night,
    history: Iterable[Night],
    *,
    reason: str,
    at: str,
    series: Collection[SeriesName] = (),
) -> Baseline:
    """The baseline with a night accepted.

    Where the environment or the canary is not the accepted one, or nothing was accepted yet, a new epoch
    begins with the first of the latest nights that are like this one. Otherwise single series get new
    references, in the same epoch: the others keep theirs, so that accepting one hides no creep of another.

    Args:
        baseline: so far; None if there is none.
        night: the one that is accepted.
        history: other nights of the board.
        reason: why, for whoever reads the file.
        at: when, ISO 8601.
        series: which; by default those that deviate. Of a new epoch there is no choice.

    Raises:
        UsageError: no reason was given; the tree was dirty, the night or its canary cannot be judged; or
            there is nothing to accept.
    """
    history = [*history]
    nights = merge([*history, night]).nights
    verdict = judge(night, history, baseline)
    _refuse(night, verdict, reason)
    epochs = baseline.epochs if baseline else ()
    if verdict.proposes_epoch:
        acceptance = Acceptance(at, night.id, night.commit, reason, ("all",))
        return Baseline(night.board, (*epochs, _new_epoch(len(epochs) + 1, night, nights, acceptance)))
    epoch = epochs[-1]
    chosen = sorted(series or (item.name for item in verdict.series if _deviates(item)))
    known = {item.name for item in verdict.series if item.status != "broken"}
    unknown = [str(name) for name in chosen if name not in known]
    if unknown or not chosen:
        raise UsageError(
            f"there is no figure of {', '.join(unknown)}" if unknown else "there is nothing to accept",
            where=f"night {night.id}",
            remedy="Name series of its verdict with --series, or leave the baseline as it is.",
        )
    acceptance = Acceptance(at, night.id, night.commit, reason, tuple(str(name) for name in chosen))
    return Baseline(
        night.board, (*epochs[:-1], _with_series(epoch, chosen, night, nights, verdict, acceptance))
    )


def _deviates(item: SeriesVerdict) -> bool:
    waits = item.status == "new" and bool(item.since)  # accepted already, and still without enough nights
    return item.status in _BY_DEFAULT and not waits and not is_of_a_commit(item.name)


def _refuse(night: Night, verdict: RunVerdict, reason: str) -> None:
    if not reason.strip():
        raise UsageError(
            "a baseline is accepted for a reason", where=night.board, remedy="Give it with --reason."
        )
    if night.dirty:
        raise UsageError(
            "the tree had changes that are in no commit, so nobody could measure this again",
            where=f"night {night.id}",
            remedy="Commit them, measure again, and accept that night.",
        )
    if verdict.status == "broken" and all(item.status == "broken" for item in verdict.series):
        raise UsageError(
            verdict.sentence.rstrip("."),
            where=f"night {night.id}",
            remedy="Accept a night that can be judged.",
        )


def _new_epoch(number: int, night: Night, nights: Sequence[Night], acceptance: Acceptance) -> Epoch:
    canary = canary_of([night.canary])
    whole = night.canary is None or canary is not None
    if not whole or canary_state(night.canary, canary, modeled=night.modeled).status != "clean":
        raise UsageError(
            "the canary of this night is broken, or moved within it",
            where=f"night {night.id}",
            remedy="Measure again, and accept a night whose canary is the same first and last.",
        )
    alike = _latest_alike(night, nights, canary)
    canary = canary_of([other.canary for other in alike])
    epoch = Epoch(
        number=number,
        since=alike[0].started,
        uid=night.uid,
        environment=dict(night.environment),
        procedure=night.procedure,
        canary=canary,
        times={},
        exact={},
        accepted=(acceptance,),
    )
    timed = [name for name, measured in night.times.items() if measured.value_us is not None]
    return _pinned(epoch, [*timed, *night.exact], night, dict.fromkeys(timed, alike))


def _with_series(
    epoch: Epoch,
    chosen: Sequence[SeriesName],
    night: Night,
    nights: Sequence[Night],
    verdict: RunVerdict,
    acceptance: Acceptance,
) -> Epoch:
    earlier = comparable(night, nights, epoch)
    statuses = {item.name: item.status for item in verdict.series}
    gone = {name for name in chosen if name not in night.times and name not in night.exact}
    kept = replace(
        epoch,
        times={name: item for name, item in epoch.times.items() if name not in gone},
        exact={name: item for name, item in epoch.exact.items() if name not in gone},
        accepted=(*epoch.accepted, acceptance),
    )
    there = [name for name in chosen if name not in gone]
    level = {
        name: [*_same_level(name, statuses[name], earlier, epoch), night]
        for name in there
        if name in night.times
    }
    return _pinned(kept, there, night, level)


def _pinned(
    epoch: Epoch, names: Sequence[SeriesName], night: Night, level: dict[SeriesName, list[Night]]
) -> Epoch:
    """The epoch with references of these series: exact ones from tonight, times from the nights given."""
    times, exact = dict(epoch.times), dict(epoch.exact)
    for name in names:
        value = _exact_value(name, night)
        if value is not None:
            exact[name] = value
        elif name in level:
            times[name] = _time_reference(name, level[name], epoch)
    return replace(epoch, times=times, exact=exact)


def _exact_value(name: SeriesName, night: Night) -> Figure | None:
    if name in night.exact:
        return None if is_of_a_commit(name) else night.exact[name]
    return night.times[name].mean_us if night.modeled else None


def _time_reference(name: SeriesName, nights: Sequence[Night], epoch: Epoch) -> TimeReference:
    values, since = [], ""
    for night in nights:
        measured = night.times.get(name)
        canary = canary_state(night.canary, epoch.canary, modeled=night.modeled)
        if measured is not None and measured.value_us is not None and canary.status == "clean":
            since = since or night.started
            values.append(measured.value_us / canary.factor)
    if not values:
        raise UsageError(
            f"{name} has no time that may be compared",
            where=f"night {nights[-1].id}",
            remedy="Measure the canary and the series again, and accept that night.",
        )
    found = rule.reference(np.array(values[-rule.WINDOW :])[:, None])
    sd = float(found.raw_sd[0]) if len(values) > 1 else 0.0
    return TimeReference(since, float(found.center_us[0]), sd, int(found.nights[0]))


def _latest_alike(night: Night, nights: Sequence[Night], canary: CanaryReference | None) -> list[Night]:
    """The unbroken row of nights up to this one with its board, environment, procedure and canary."""
    row = [night]
    for other in reversed([other for other in nights if moment(other.started) < moment(night.started)]):
        if other.dirty or other.fault:
            continue
        same = (other.uid, other.environment, other.procedure) == (
            night.uid,
            night.environment,
            night.procedure,
        )
        if not same or canary_state(other.canary, canary, modeled=night.modeled).status != "clean":
            break
        row.insert(0, other)
    return row


def _same_level(name: SeriesName, status: Status, earlier: Sequence[Night], epoch: Epoch) -> list[Night]:
    """The unbroken row of nights before tonight on which the same was said of the series."""
    reference = epoch.times.get(name)
    row: list[Night] = []
    for other in reversed(earlier):
        judged = other.judged.get(name)
        if judged is None or judged.status != status or (reference and judged.since != reference.since):
            break
        row.insert(0, other)
    return row
