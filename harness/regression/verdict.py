"""Judge a run: every series that was measured or expected gets one status and one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.errors import EXIT_BROKEN
from harness.records.verdict import RunVerdict, SeriesName, SeriesVerdict, Status, exit_code
from harness.regression.baseline import Baseline, Epoch
from harness.regression.canary import CanaryState, canary_state
from harness.regression.epochs import comparable, differences
from harness.regression.exact import judge_exact, judge_modeled, new
from harness.regression.nights import Night, clock_problem, merge, moment, overlapping
from harness.regression.sentences import acceptance, gravity, headline
from harness.regression.sentences import differences as differences_text
from harness.regression.times import judge_times


def judge(night: Night, history: Iterable[Night], baseline: Baseline | None) -> RunVerdict:
    """Judge a run, with its confirmations if they were measured.

    `history` are other runs of the board, in any order, and may include this one.
    """
    nights = merge([*history, night])
    epoch = baseline.epoch if baseline else None
    problem = _why_unjudgeable(night, nights, epoch)
    if problem:
        return _broken(night, epoch, problem)
    before = [other for other in nights if moment(other.started) < moment(night.started)]
    faulty = _faulty(night, epoch)
    done = {verdict.name for verdict in faulty}
    names = [name for name in _measured(night) if name not in done]
    if epoch is None:
        rest = [_uncompared(night, name, "new", new(name, night)) for name in names]
        return _run_verdict(night, [*faulty, *rest], proposes=True)
    missing = _missing(night, epoch, done)
    differing = differences(night, epoch)
    if differing and names:  # a run without images does not know its compiler
        remedy = f"restore the environment, or begin a new epoch with {acceptance(night.board)}"
        why = f"was not compared because {differences_text(differing)}: {remedy}."
        rest = [_uncompared(night, name, "env-changed", f"{name} {why}") for name in names]
        return _run_verdict(night, [*faulty, *missing, *rest], differing, proposes=True)
    earlier = comparable(night, before, epoch)
    canary = canary_state(night.canary, epoch.canary, modeled=night.modeled)
    exact = [
        judge_exact(name, value, night, epoch, earlier)
        for name, value in night.exact.items()
        if name not in done
    ]
    times = _judge_times(night, epoch, earlier, before, canary, done)
    return _run_verdict(
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
    if canary.status != "clean":
        moved = canary.status == "moved"
        remedy = (
            "the bench changed, not the code, so check its supply, temperature and clock, or begin a new "
            f"epoch with {acceptance(night.board)}"
            if moved
            else "measure again"
        )
        status: Status = "canary-moved" if moved else "broken"
        why = f"was not compared because {canary.reason}: {remedy}."
        return [_uncompared(night, name, status, f"{name} {why}") for name in names]
    if night.modeled:
        return [judge_modeled(name, night.times[name], night, epoch) for name in names]
    return judge_times(names, night, epoch, earlier, before, canary)


def _why_unjudgeable(night: Night, nights: Sequence[Night], epoch: Epoch | None) -> str:
    """Return the reason and the remedy without a full stop, or "" for a run that can be judged."""
    if night.fault:
        return f"{night.fault}: repair that and measure again"
    remedy = "set the host's clock (NTP) and measure again"
    if clock := clock_problem(night):
        return f"{clock}: {remedy}"
    if night.id not in {other.id for other in nights}:
        return f"two records have the id {night.id} and different content: remove the wrong one"
    if other := overlapping(night, nights):
        return (
            f"this run of {night.started} and run {other.id} of {other.started} overlap on one board, so the "
            f"host's clock jumped or a run was resumed late: {remedy}"
        )
    if epoch and moment(night.started) < moment(epoch.since):
        return (
            f"the run of {night.started} began before the accepted epoch did at {epoch.since}, so the host's "
            f"clock jumped: {remedy}"
        )
    if not night.times and not night.exact and not night.faults:
        return "nothing was measured: see the transcripts and measure again"
    return ""


def _broken(night: Night, epoch: Epoch | None, problem: str) -> RunVerdict:
    names = sorted({*_measured(night), *(epoch.names if epoch else ())})
    series = tuple(
        _uncompared(night, name, "broken", f"{name} was not compared because {problem}.") for name in names
    )
    sentence = f"The run on {night.board} cannot be judged because {problem}."
    return RunVerdict(night.id, night.board, "broken", sentence, EXIT_BROKEN, series)


def _faulty(night: Night, epoch: Epoch | None) -> list[SeriesVerdict]:
    """Return verdicts on series of variants that failed, and on series that could not be measured."""
    names = {*_measured(night), *(epoch.names if epoch else ())}
    verdicts = []
    for (variant, engine), fault in sorted(night.faults.items()):
        own = sorted(name for name in names if (name.variant, name.engine) == (variant, engine))
        for name in own or [SeriesName(variant, engine, "-", "-")]:
            sentence = f"{name} has no value because the variant failed: {fault.rstrip('.')}."
            verdicts.append(_uncompared(night, name, "broken", sentence))
    done = {verdict.name for verdict in verdicts}
    for name, measured in sorted(night.times.items()):
        if measured.value_us is None and name not in done:
            remedy = "check cable and port, and measure again"
            sentence = f"{name} has no value because {measured.problem}: {remedy}."
            verdicts.append(_uncompared(night, name, "broken", sentence))
    return verdicts


def _missing(night: Night, epoch: Epoch, done: set[SeriesName]) -> list[SeriesVerdict]:
    def sentence(name: SeriesName) -> str:
        return (
            f"{name} is in the baseline of {night.board} but was not measured: measure it, or remove it with "
            f"{acceptance(night.board, name)}."
        )

    names = sorted(epoch.names - {*_measured(night), *done})
    return [_uncompared(night, name, "missing", sentence(name)) for name in names]


def _measured(night: Night) -> list[SeriesName]:
    return sorted({*night.times, *night.exact})


def _uncompared(night: Night, name: SeriesName, status: Status, sentence: str) -> SeriesVerdict:
    measured = night.times.get(name)
    value = night.exact.get(name) if measured is None else measured.value_us
    return SeriesVerdict(str(name), status, sentence, night.dirty, value)


def _run_verdict(
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
        min(ordered, key=gravity).status,
        headline(night.board, ordered),
        exit_code(ordered, dirty=night.dirty),
        ordered,
        differing or {},
        proposes,
    )
