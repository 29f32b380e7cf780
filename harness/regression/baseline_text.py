"""A baseline as people read it on a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from harness.regression import sentences
from harness.regression.baseline import Baseline, Epoch


def baseline_text(baseline: Baseline, epoch: Epoch) -> str:
    """The epoch in force: where it is of, what is held against what, and who accepted it why.

    Args:
        baseline: of a board.
        epoch: its last.
    """
    return "\n".join([*_head(baseline, epoch), "", *_series(epoch), "", *_acceptances(epoch)])


def _head(baseline: Baseline, epoch: Epoch) -> Iterator[str]:
    yield f"{baseline.board}: epoch {epoch.number}, since {epoch.since}, of {epoch.uid}"
    for name, value in sorted(epoch.environment.items()):
        yield f"  {name}: {value}"
    if epoch.canary:
        yield f"  canary: {epoch.canary.reference_us:,.2f} µs, image {epoch.canary.image[:8]}"


def _series(epoch: Epoch) -> Iterator[str]:
    accepted = {name: sentences.amount(value, name) for name, value in epoch.exact.items()}
    for name, item in epoch.times.items():
        nights = "1 night" if item.nights == 1 else f"{item.nights} nights, sd {item.night_sd:.3%}"
        accepted[name] = f"{sentences.amount(item.reference_us, name)} of {nights} since {item.since}"
    width = max((len(str(name)) for name in accepted), default=0)
    for name in sorted(accepted):
        yield f"{name!s:<{width}}  {accepted[name]}"


def _acceptances(epoch: Epoch) -> Iterator[str]:
    for item in epoch.accepted:
        yield f"{item.at} {', '.join(item.series)} of commit {item.commit[:10]}: {item.reason}"
