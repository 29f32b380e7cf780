"""A study's points as tables: each network for the CSV, means over the seeds for the page."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.records.study import Baseline, Network, Point, StudyRecord
from harness.report import format as figures
from harness.report.studies.names import axis_title, axis_value, series_title
from harness.report.table import Column, Table, frame
from harness.stats.pairing import Mean, mean_interval
from harness.stats.statistics import wilson_interval

TRAINED = "as trained"


def points_frame(record: StudyRecord) -> pd.DataFrame:
    """Every network, the trained ones first: counts by label before and after fine-tuning."""
    rows = [
        {"id": f"{TRAINED}: {name}", "series": TRAINED, "seed": base.seed, **_counts(record, base.network)}
        for name, base in record.baselines.items()
    ]
    for point in record.points:
        row: dict[str, Any] = {"id": point.id, "series": point.series, "seed": point.seed, "x": point.x}
        row |= {"mse": point.mse, "failure": point.failure and point.failure.message}
        if point.before is not None:
            row |= {"correct_before": sum(record.right(point.before))}
        if point.after is not None:
            row |= _counts(record, point.after)
        rows.append(row)
    labels = [f"{kind}_{label}" for label in record.labels for kind in ("correct", "total")]
    names = (
        "id series seed x parameters remaining_parameters operations clips correct_before correct mse failure"
    )
    return frame(" ".join([names, *labels]), rows)


def means_table(record: StudyRecord) -> Table:
    """Each point by its mean over the seeds, with the interval over them and that of the pooled counts."""
    trainings: dict[str, list[Network]] = {}
    for base in record.baselines.values():
        trainings.setdefault(_training(base), []).append(base.network)
    rows = [{"series": name, **_means(record, [], networks)} for name, networks in trainings.items()]
    groups: dict[tuple[str, float], list[Point]] = {}
    for point in record.points:
        groups.setdefault((point.series, point.x), []).append(point)
    for (series, x), points in groups.items():
        after = [point.after for point in points if point.after is not None]
        before = [point.before for point in points if point.before is not None]
        row = {"series": series_title(series), "x": x, **_means(record, before, after)}
        errors = [point.mse for point in points if point.mse is not None]
        failures = list(dict.fromkeys(point.failure.failure for point in points if point.failure))
        row |= {"mse": sum(errors) / len(errors) if errors else None, "failed": ", ".join(failures)}
        rows.append(row)
    names = (
        "series x parameters remaining_parameters operations before before_low before_high accuracy low high "
        "seeds correct total wilson_low wilson_high mse failed"
    )
    tuned = any(point.before != point.after for point in record.points)
    table = frame(names, rows)
    sizes = [
        Column(header, [name], figures.count)
        for header, name in (
            ("Parameters", "parameters"),
            ("not zero", "remaining_parameters"),
            ("Operations", "operations"),
        )
        if table[name].nunique() > 1
    ]
    return Table(
        name="means",
        title="Points",
        frame=table,
        columns=[
            Column("Series", ["series"], figure=False),
            Column(axis_title(record.x), ["x"], lambda x: axis_value(record.x, x)),
            *sizes,
            *([Column("Before fine-tuning", ["before"], figures.share)] if tuned else []),
            *([Column("over seeds", ["before_low", "before_high"], figures.interval)] if tuned else []),
            Column("Accuracy", ["accuracy"], figures.share),
            Column("over seeds", ["low", "high"], figures.interval),
            Column("Seeds", ["seeds"], figures.count),
            Column("Right, of all clips", ["correct", "total"], figures.of),
            Column("Wilson interval", ["wilson_low", "wilson_high"], figures.interval),
            Column("Squared error", ["mse"], _error),
            Column("Failed", ["failed"], figures.remark, figure=False, optional=True),
        ],
        note=(
            "Accuracy on the test set: mean over the seeds with Student's 95 % interval; of all clips of all "
            "seeds together with Wilson's. A multiply-accumulate is two operations. The squared error is of "
            "the probabilities to those of the network as it was trained, in the mean."
        ),
    )


def _training(base: Baseline) -> str:
    """What a network as it was trained is called; those of several seeds alike."""
    others = [series_title(f"{name} = {value}") for name, value in base.at.items() if name != "seed"]
    return ", ".join([TRAINED, *others])


def _counts(record: StudyRecord, network: Network) -> dict[str, Any]:
    right = record.right(network)
    row: dict[str, Any] = {
        "parameters": network.parameters,
        "remaining_parameters": network.remaining_parameters,
        "operations": 2 * network.macs,
        "clips": len(right),
        "correct": sum(right),
    }
    for index, label in enumerate(record.labels):
        of_label = [ok for ok, wanted in zip(right, record.test_labels, strict=True) if wanted == index]
        row |= {f"correct_{label}": sum(of_label), f"total_{label}": len(of_label)}
    return row


def _means(record: StudyRecord, before: list[Network], after: list[Network]) -> dict[str, Any]:
    if not after:
        return {}
    accuracy = clipped(mean_interval([record.accuracy(network) for network in after]))
    correct = sum(sum(record.right(network)) for network in after)
    total = len(after) * len(record.test_labels)
    low, high = wilson_interval(correct, total)
    row: dict[str, Any] = {
        "parameters": round(sum(network.parameters for network in after) / len(after)),
        "remaining_parameters": round(sum(network.remaining_parameters for network in after) / len(after)),
        "operations": round(sum(2 * network.macs for network in after) / len(after)),
        "accuracy": accuracy.mean,
        "low": accuracy.low,
        "high": accuracy.high,
        "seeds": accuracy.n,
        "correct": correct,
        "total": total,
        "wilson_low": low,
        "wilson_high": high,
    }
    if before:
        at_first = clipped(mean_interval([record.accuracy(network) for network in before]))
        row |= {"before": at_first.mean, "before_low": at_first.low, "before_high": at_first.high}
    return row


def clipped(mean: Mean) -> Mean:
    """The mean of rates, its interval within 0 to 1."""
    if mean.low is None or mean.high is None:
        return mean
    return Mean(mean.n, mean.mean, max(mean.low, 0.0), min(mean.high, 1.0))


def _error(value: float | None) -> str:
    if value is None:
        return figures.DASH
    return figures.significant(value) if value >= 1e-3 else f"{value:.1e}"
