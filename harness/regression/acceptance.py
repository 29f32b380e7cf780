"""Accept a night as the reference of later ones: a new epoch, or new references in the epoch in force."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.errors import UsageError
from harness.layout import RECORD
from harness.records.reading import read_record
from harness.records.verdict import Figure, RunVerdict, SeriesName, SeriesVerdict, Status
from harness.regression import rule
from harness.regression.baseline import (
    Acceptance,
    Baseline,
    Epoch,
    TimeReference,
    baseline_path,
    read_baseline,
    write_baseline,
)
from harness.regression.canary import CanaryReference, canary_of, canary_state
from harness.regression.epochs import clean_us, comparable, differences
from harness.regression.exact import is_of_a_commit
from harness.regression.from_record import night_of
from harness.regression.history import read_history
from harness.regression.nights import Night, merge, moment
from harness.regression.specimens import told_apart
from harness.regression.verdict import judge
from models import progress

_BY_DEFAULT: frozenset[Status] = frozenset({"regressed", "suspect", "changed", "improved", "new", "missing"})


def accept_night(
    board: str,
    reason: str,
    at: str,
    baselines: Path,
    history: Sequence[Path],
    *,
    series: Collection[SeriesName] = (),
    which: str = "",
) -> tuple[Night, Path]:
    """Accept a night of a board's history and write the baseline; see `accept`.

    `which` is the night's folder, its record, or the beginning of its id; "" for the last one.
    Return the night and the path of the baseline.

    Raises:
        UsageError: there is no such night, or it cannot be accepted.
    """
    found = read_history(history)
    for left_out in found.left_out:
        progress.warn(left_out.sentence)
    nights = [night for night in found.nights if night.board == board]
    if len(others := {night.board for night in told_apart(nights)}) > 1:
        remedy = "Name the folder of one bench's nights with --history, or give each board a name of its own."
        raise UsageError(f"several benches have a board {board}", ", ".join(sorted(others)), remedy)
    night = _chosen(nights, board, which, history)
    path = baseline_path(board, baselines)
    write_baseline(accept(read_baseline(path), night, nights, reason=reason, at=at, series=series), path)
    return night, path


def _chosen(nights: Sequence[Night], board: str, which: str, history: Sequence[Path]) -> Night:
    if which and Path(which).exists():
        file = Path(which) / RECORD if Path(which).is_dir() else Path(which)
        night = night_of(read_record(file))
        if night.board != board:
            remedy = f"Give --board {night.board}, or name another night."
            raise UsageError(f"this night was measured on {night.board}, not on {board}", str(file), remedy)
        return night
    found = [night for night in nights if night.id.startswith(which)]
    if not found:
        last = ", ".join(night.id for night in nights[-5:])
        raise UsageError(
            f"there is no night {which!r} of {board}" if which else f"there is no night of {board}",
            where=", ".join(map(str, history)),
            remedy=f"Choose one of the latest: {last}."
            if last
            else "Measure one with `earshot nightly`, or name folders of nights with --history.",
        )
    if which and len(found) > 1:
        ids = ", ".join(night.id for night in found)
        what = f"{len(found)} nights of {board} have an id that begins with {which!r}"
        raise UsageError(what, ids, "Give more of the id.")
    return found[-1]


def accept(
    baseline: Baseline | None,
    night: Night,
    history: Iterable[Night],
    *,
    reason: str,
    at: str,
    series: Collection[SeriesName] = (),
) -> Baseline:
    """Return the baseline with a night accepted.

    A new epoch begins if nothing was accepted yet or if the environment or the canary differs; it starts
    with the first of the latest nights that are like this one. Otherwise single series get new references in
    the epoch in force. The others keep theirs: accepting one series hides no creep of another.

    Args:
        baseline: so far; None if there is none.
        night: the one to accept.
        history: other nights of the board.
        reason: for reviewers.
        at: time of the acceptance, ISO 8601.
        series: default: all that deviate. A new epoch accepts all.

    Raises:
        UsageError: no reason, a dirty tree, a night or canary that cannot be judged, or nothing to accept.
    """
    history = [*history]
    nights = merge([*history, night])
    verdict = judge(night, history, baseline)
    _refuse(night, verdict, reason)
    epochs = baseline.epochs if baseline else ()
    if verdict.proposes_epoch:
        acceptance = Acceptance(at, night.id, night.commit, reason, ("all",))
        return Baseline(night.board, (*epochs, _new_epoch(len(epochs) + 1, night, nights, acceptance)))
    chosen = sorted(series or (item.name for item in verdict.series if _deviates(item)))
    known = {item.name for item in verdict.series if item.status != "broken"}
    unknown = [str(name) for name in chosen if name not in known]
    if unknown or not chosen:
        raise UsageError(
            f"there is no value of {', '.join(unknown)}" if unknown else "there is nothing to accept",
            where=f"night {night.id}",
            remedy="Name series of its verdict with --series, or leave the baseline as it is.",
        )
    acceptance = Acceptance(at, night.id, night.commit, reason, tuple(map(str, chosen)))
    epoch = _with_series(epochs[-1], chosen, night, nights, verdict, acceptance)
    return Baseline(night.board, (*epochs[:-1], epoch))


def _deviates(item: SeriesVerdict) -> bool:
    waits = item.status == "new" and bool(item.since)  # accepted, and still without enough nights
    return item.status in _BY_DEFAULT and not waits and not is_of_a_commit(item.name)


def _refuse(night: Night, verdict: RunVerdict, reason: str) -> None:
    if not reason.strip():
        raise UsageError("a baseline needs a reason", night.board, "Give it with --reason.")
    if night.dirty:
        raise UsageError(
            "the tree had uncommitted changes, so nobody could measure this again",
            where=f"night {night.id}",
            remedy="Commit them, measure again, and accept that night.",
        )
    if verdict.status == "broken" and all(item.status == "broken" for item in verdict.series):
        remedy = "Accept a night that can be judged."
        raise UsageError(verdict.sentence.rstrip("."), f"night {night.id}", remedy)


def _new_epoch(number: int, night: Night, nights: Sequence[Night], acceptance: Acceptance) -> Epoch:
    canary = canary_of([night.canary])
    whole = night.canary is None or canary is not None
    if not whole or canary_state(night.canary, canary, modeled=night.modeled).status != "clean":
        raise UsageError(
            "the canary of this night broke, or moved during the night",
            where=f"night {night.id}",
            remedy="Measure again, and accept a night whose canary is the same first and last.",
        )
    alike = _latest_alike(night, nights, canary)
    epoch = Epoch(
        number=number,
        since=alike[0].started,
        uid=night.uid,
        environment=dict(night.environment),
        procedure=night.procedure,
        canary=canary_of([other.canary for other in alike]),
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
    gone = {str(name) for name in chosen if name not in night.times and name not in night.exact}
    kept = replace(
        epoch,
        times={name: item for name, item in epoch.times.items() if name not in gone},
        exact={name: item for name, item in epoch.exact.items() if name not in gone},
        accepted=(*epoch.accepted, acceptance),
    )
    present = [name for name in chosen if str(name) not in gone]
    level = {
        name: [*_same_level(name, statuses[name], earlier, epoch), night]
        for name in present
        if name in night.times
    }
    return _pinned(kept, present, night, level)


def _pinned(
    epoch: Epoch, names: Sequence[SeriesName], night: Night, level: dict[SeriesName, list[Night]]
) -> Epoch:
    """Return the epoch with new references: exact values of this night, times of the nights in `level`."""
    times, exact = dict(epoch.times), dict(epoch.exact)
    for name in names:
        value = _exact_value(name, night)
        if value is not None:
            exact[str(name)] = value
        elif name in level:
            times[str(name)] = _time_reference(name, level[name], epoch)
    return replace(epoch, times=times, exact=exact)


def _exact_value(name: SeriesName, night: Night) -> Figure | None:
    if name in night.exact:
        return None if is_of_a_commit(name) else night.exact[name]
    return night.times[name].mean_us if night.modeled else None


def _time_reference(name: SeriesName, nights: Sequence[Night], epoch: Epoch) -> TimeReference:
    times = [(night, clean_us(name, night, epoch.canary)) for night in nights]
    values = [value_us for _, value_us in times if value_us is not None]
    if not values:
        raise UsageError(
            f"{name} has no time that may be compared",
            where=f"night {nights[-1].id}",
            remedy="Measure the canary and the series again, and accept that night.",
        )
    found = rule.reference(np.array(values[-rule.WINDOW :])[:, None])
    sd = float(found.raw_sd[0]) if len(values) > 1 else 0.0
    since = next(night.started for night, value_us in times if value_us is not None)
    return TimeReference(since, float(found.center_us[0]), sd, int(found.nights[0]))


def _latest_alike(night: Night, nights: Sequence[Night], canary: CanaryReference | None) -> list[Night]:
    """Return the unbroken row of nights up to this one with its board, environment, procedure and canary."""
    row = [night]
    for other in reversed([other for other in nights if moment(other.started) < moment(night.started)]):
        if not other.clean:
            continue
        moved = canary_state(other.canary, canary, modeled=night.modeled).status != "clean"
        if moved or differences(other, night):
            break
        row.insert(0, other)
    return row


def _same_level(name: SeriesName, status: Status, earlier: Sequence[Night], epoch: Epoch) -> list[Night]:
    """Return the unbroken row of earlier nights on which the series had the same status."""
    reference = epoch.times.get(str(name))
    row: list[Night] = []
    for other in reversed(earlier):
        judged = other.judged.get(name)
        if judged is None or judged.status != status or (reference and judged.since != reference.since):
            break
        row.insert(0, other)
    return row
