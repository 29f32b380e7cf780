"""What is said of a night: every series measured or expected gets one status and one sentence. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.errors import EXIT_BROKEN
from harness.records.verdict import RunVerdict, SeriesName, SeriesVerdict, Status, exit_code
from harness.regression import sentences
from harness.regression.baseline import Baseline, Epoch
from harness.regression.canary import CanaryState, canary_state
from harness.regression.epochs import comparable, differences
from harness.regression.exact import judge_exact, judge_modeled, new
from harness.regression.nights import Night, clock_problem, merge, moment, overlapping
from harness.regression.times import judge_times


def judge(night: Night, history: Iterable[Night], baseline: Baseline | None) -> RunVerdict:
    """Judges a night.

    Args:
        night: tonight; with its confirmations where they were measured.
        history: other nights of the board, in any order; tonight itself may be among them.
        baseline: of the board's name; None if there is none yet.
    """
    merged = merge([*history, night])
    epoch = baseline.epoch if baseline else None
    problem = _unjudgeable(night, merged.conflicts, merged.nights, epoch)
    if problem:
        return _broken(night, epoch, problem)
    before = [other for other in merged.nights if moment(other.started) < moment(night.started)]
    faulty = _faulty(night, epoch)
    done = {verdict.name for verdict in faulty}
    if epoch is None:
        rest = [_plain(night, name, "new", new(name, night)) for name in _measured(night) if name not in done]
        return _night_verdict(night, [*faulty, *rest], proposes=True)
    missing = _missing(night, epoch, done)
    differing = differences(night, epoch)
    there = [name for name in _measured(night) if name not in done]
    if differing and there:  # where nothing was built, nothing tells the compiler
        rest = [
            _plain(night, name, "env-changed", sentences.environment(name, differing, night.board))
            for name in there
        ]
        return _night_verdict(night, [*faulty, *missing, *rest], differing, proposes=True)
    earlier = comparable(night, before, epoch)
    canary = canary_state(night.canary, epoch.canary, modeled=night.modeled)
    exact = [
        judge_exact(name, value, night, epoch, earlier)
        for name, value in night.exact.items()
        if name not in done
    ]
    times = _judge_times(night, epoch, earlier, before, canary, done)
    return _night_verdict(
        night, [*faulty, *missing, *exact, *times], proposes=canary.status == "moved" and not night.dirty
    )


def _judge_times(
    night: Night,
    epoch: Epoch,
    earlier: Sequence[Night],
    before: Sequence[Night],
    canary: CanaryState,
    done: set[SeriesName],
) -> list[SeriesVerdict]:
    names = [name for name in night.times if name not in done]
    if canary.status == "moved":
        return [
            _plain(
                night,
                name,
                "canary-moved",
                f"{name} was not compared, because {canary.reason}: the bench moved, not the code, so look "
                f"at its supply, temperature and clock, or begin a new epoch with "
                f"{sentences.acceptance(night.board)}.",
            )
            for name in names
        ]
    if canary.status == "missing":
        return [
            _plain(
                night,
                name,
                "broken",
                f"{name} was not compared, because {canary.reason}: whether the bench moved is not known, so "
                f"measure the night again.",
            )
            for name in names
        ]
    if night.modeled:
        return [judge_modeled(name, night.times[name], night, epoch) for name in names]
    return judge_times(names, night, epoch, earlier, before, canary)


def _unjudgeable(
    night: Night, conflicts: frozenset[str], nights: Sequence[Night], epoch: Epoch | None
) -> str:
    """Why nothing can be said of a night, with what to do, without a full stop; "" if something can."""
    if night.fault:
        return f"{night.fault}: put it right and measure again"
    if night.id in conflicts:
        return (
            f"two records have the id {night.id} and different content: keep the one that the bench wrote, "
            f"and remove the other"
        )
    clock = clock_problem(night)
    if clock:
        return f"{clock}: set the host's clock (NTP) and measure again"
    other = overlapping(night, nights)
    if other:
        return (
            f"this night of {night.started} and night {other.id} of {other.started} overlap on one board, so "
            f"the host's clock jumped or a run was taken up again late: set the clock (NTP) and measure again"
        )
    if epoch and moment(night.started) < moment(epoch.since):
        return (
            f"the host's clock jumped: the night of {night.started} lies before the accepted epoch, which "
            f"began at {epoch.since}: set the clock (NTP) and measure again"
        )
    if not night.times and not night.exact and not night.faults:
        return "nothing was measured: see the transcripts and measure again"
    return ""


def _broken(night: Night, epoch: Epoch | None, problem: str) -> RunVerdict:
    names = sorted({*_measured(night), *(_expected(epoch) if epoch else ())})
    series = tuple(
        _plain(night, name, "broken", f"{name} was not compared, because {problem}.") for name in names
    )
    sentence = f"The night cannot be judged on {night.board}, because {problem}."
    return RunVerdict(night.id, night.board, "broken", sentence, EXIT_BROKEN, series)


def _faulty(night: Night, epoch: Epoch | None) -> list[SeriesVerdict]:
    """Series of variants that broke, and those that could not be measured."""
    names = {*_measured(night), *(_expected(epoch) if epoch else ())}
    verdicts = []
    for (variant, engine), fault in sorted(night.faults.items()):
        own = sorted(name for name in names if (name.variant, name.engine) == (variant, engine))
        for name in own or [SeriesName(variant, engine, "-", "-")]:  # one that was never measured is told too
            sentence = f"{name} has no figure, because the variant broke: {fault.rstrip('.')}."
            verdicts.append(_plain(night, name, "broken", sentence))
    done = {verdict.name for verdict in verdicts}
    for name, measured in sorted(night.times.items()):
        if measured.value_us is None and name not in done:
            sentence = (
                f"{name} has no figure, because {measured.problem}: check cable and port, and measure again."
            )
            verdicts.append(_plain(night, name, "broken", sentence))
    return verdicts


def _missing(night: Night, epoch: Epoch, done: set[SeriesName]) -> list[SeriesVerdict]:
    there = {*_measured(night), *done}
    return [
        _plain(
            night,
            name,
            "missing",
            f"{name} is in the baseline of {night.board} and was not measured tonight: measure it, or take "
            f"it out with {sentences.acceptance(night.board, name)}.",
        )
        for name in sorted(_expected(epoch) - there)
    ]


def _measured(night: Night) -> list[SeriesName]:
    return sorted({*night.times, *night.exact})


def _expected(epoch: Epoch) -> set[SeriesName]:
    return {*epoch.times, *epoch.exact}


def _plain(night: Night, name: SeriesName, status: Status, sentence: str) -> SeriesVerdict:
    """A verdict without a comparison."""
    measured = night.times.get(name)
    value = night.exact.get(name) if measured is None else measured.value_us
    return SeriesVerdict(str(name), status, sentence, night.dirty, value)


def _night_verdict(
    night: Night,
    series: Sequence[SeriesVerdict],
    differing: dict[str, tuple[str, str]] | None = None,
    *,
    proposes: bool = False,
) -> RunVerdict:
    ordered = tuple(sorted(series, key=lambda verdict: verdict.name))
    return RunVerdict(
        night.id,
        night.board,
        sentences.gravest(ordered).status,
        sentences.headline(night.board, ordered),
        exit_code(ordered, dirty=night.dirty),
        ordered,
        differing or {},
        proposes,
    )
