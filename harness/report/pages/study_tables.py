"""Tables of a study: every network, means over the seeds, and each method compared with the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.records.study import Network, Point, StudyRecord
from harness.report import format as fmt
from harness.report.table import Column, Table
from harness.stats.pairing import CONFIDENCE, Mean, Paired, mean_interval, paired
from harness.stats.statistics import wilson_interval

TRAINED = "float32, as trained"
_SERIES = {
    "l1": "L1",
    "l2": "L2",
    "linf": "L-infinity",
    "aware": "quantization-aware",
    "post-training": "after training",
    "l1 = 0": "trained without L1",
    "": "all points",
}
_AXES = {
    "bits": "Bits",
    "threshold": "Pruned",
    "parameters": "Parameters",
    "remaining": "Parameters that are not zero",
    "operations": "Operations per inference",
}


def series_title(series: str) -> str:
    """Return the legend of a series: "L-infinity" for "linf"."""
    if series in _SERIES:
        return _SERIES[series]
    if series.startswith("l1 = "):
        return f"trained with L1 × {series.removeprefix('l1 = ')}"
    return ", ".join(_SERIES.get(part, part) for part in series.split(", "))


def axis_title(key: str) -> str:
    return _AXES.get(key, key.replace("_", " "))


def axis_value(key: str, value: float | None) -> str:
    """Format a value of the study's x: 12.5 % for the threshold 0.125."""
    return fmt.percent(value) if key == "threshold" else fmt.plain(value)


@dataclass(frozen=True)
class Comparison:
    """A series compared with the reference on the same clips.

    Attributes:
        series: the series; its points are paired with those of the same x and seed.
        paired: differences, the reference's accuracy subtracted; None where nothing can be paired.
    """

    series: str
    paired: Paired | None


def compare(record: StudyRecord) -> list[Comparison]:
    """Compare each series with the study's reference."""
    references = {
        (point.x, point.seed): point.after for point in record.points if point.series == record.reference
    }

    def reference_of(point: Point) -> Network | None:
        if record.reference:
            return references.get((point.x, point.seed))
        return record.baselines[point.baseline].network if point.baseline else None

    found = []
    for series in dict.fromkeys(point.series for point in record.points):
        own = [point for point in record.points if point.series == series]
        pairs = [(point.after, reference_of(point), point.seed) for point in own]
        whole = [(this, that, seed) for this, that, seed in pairs if this and that]
        if series != record.reference or not record.reference:
            firsts = [record.right(this) for this, _, _ in whole]
            seconds = [record.right(that) for _, that, _ in whole]
            seeds = [seed for _, _, seed in whole]
            found.append(Comparison(series, paired(firsts, seconds, seeds) if whole else None))
    return found


def sentences(record: StudyRecord) -> list[str]:
    """Return a sentence per series that compares it with the reference."""
    reference = series_title(record.reference) if record.reference else TRAINED
    found = []
    for item in compare(record):
        text = f"{series_title(item.series)} against {reference}: "
        text = text[:1].upper() + text[1:]
        if (pair := item.paired) is None:
            found.append(f"{text}nothing to compare.")
            continue
        intervals = f"{_interval(pair.low, pair.high)} over clips"
        if pair.by_seed.low is not None:
            over_seeds = _interval(pair.by_seed.low, pair.by_seed.high)
            intervals = f"{over_seeds} over {pair.seeds} seeds, {intervals}"
        found.append(
            f"{text}accuracy {fmt.points(pair.difference)} points in the mean over "
            f"{fmt.plural(pair.runs, 'pair')} of networks ({fmt.percent(CONFIDENCE)} intervals: {intervals})."
        )
    return found


def _interval(low: float | None, high: float | None) -> str:
    return fmt.DASH if low is None or high is None else fmt.points_interval(max(low, -1.0), min(high, 1.0))


def comparison_table(record: StudyRecord) -> Table:
    """Return the comparisons with the reference in figures."""
    rows = []
    for item in compare(record):
        row: dict[str, Any] = {"series": series_title(item.series)}
        if pair := item.paired:
            row |= {"difference": pair.difference, "low": pair.low, "high": pair.high}
            row |= {"low_seeds": pair.by_seed.low, "high_seeds": pair.by_seed.high, "seeds": pair.seeds}
            row |= {"only_series": pair.only_first, "only_reference": pair.only_second, "p": pair.p}
            row |= {"pairs": pair.runs, "clips": pair.clips}
        rows.append(row)
    reference = series_title(record.reference) if record.reference else TRAINED
    return Table(
        "comparison",
        f"Compared with {reference}",
        [
            Column("series", "Series"),
            Column("difference", "Difference, points", fmt.points),
            Column("low high", "over clips", _interval),
            Column("low_seeds high_seeds", "over seeds", _interval),
            Column("only_series", "Only the series right", fmt.count),
            Column("only_reference", "Only the reference right", fmt.count),
            Column("p", "McNemar's p", fmt.probability),
            Column("pairs", "Pairs", fmt.count),
            Column("clips", "Clips", fmt.count),
            Column("seeds"),
        ],
        rows,
        f"Differences of accuracy on the same clips of the test set; networks are paired by {record.x} and "
        f"seed. {fmt.percent(CONFIDENCE)} intervals: over clips, "
        f"each with its mean over the pairs, and over the seeds (Student's t). McNemar's exact test pools "
        f"all pairs.",
    )


def points_table(record: StudyRecord) -> Table:
    """Return every network, the trained ones first, with counts by label; for the CSV."""
    rows = [
        {"id": f"{TRAINED}: {key}", "series": TRAINED, "seed": base.seed, **_counts(record, base.network)}
        for key, base in record.baselines.items()
    ]
    for point in record.points:
        row: dict[str, Any] = {"id": point.id, "series": point.series, "seed": point.seed, "x": point.x}
        row |= {"mse": point.mse, "failure": point.failure and point.failure.message}
        if point.before is not None:
            row["correct_before"] = sum(record.right(point.before))
        if point.after is not None:
            row |= _counts(record, point.after)
        rows.append(row)
    labels = [f"{kind}_{label}" for label in record.labels for kind in ("correct", "total")]
    keys = (
        "id series seed x parameters remaining_parameters operations clips correct_before correct mse failure"
    )
    return Table("points", "Networks", [Column((*keys.split(), *labels))], rows)


def _counts(record: StudyRecord, network: Network) -> dict[str, Any]:
    right = record.right(network)
    row: dict[str, Any] = {"clips": len(right), "correct": sum(right), **_sizes([network])}
    for index, label in enumerate(record.labels):
        of_label = [ok for ok, wanted in zip(right, record.test_labels, strict=True) if wanted == index]
        row |= {f"correct_{label}": sum(of_label), f"total_{label}": len(of_label)}
    return row


def means_table(record: StudyRecord) -> Table:
    """Return each point's mean over the seeds, with the interval over them and that of the pooled counts."""
    trainings: dict[str, list[Network]] = {}
    for base in record.baselines.values():
        title = ", ".join(filter(None, [TRAINED, base.training and series_title(base.training)]))
        trainings.setdefault(title, []).append(base.network)
    rows = [{"series": title, **_means(record, [], networks)} for title, networks in trainings.items()]
    groups: dict[tuple[str, float], list[Point]] = {}
    for point in record.points:
        groups.setdefault((point.series, point.x), []).append(point)
    for (series, x), points in groups.items():
        after = [point.after for point in points if point.after is not None]
        before = [point.before for point in points if point.before is not None]
        errors = [point.mse for point in points if point.mse is not None]
        failures = list(dict.fromkeys(point.failure.failure for point in points if point.failure))
        row = {"series": series_title(series), "x": x, **_means(record, before, after)}
        row |= {"mse": sum(errors) / len(errors) if errors else None, "failed": ", ".join(failures)}
        rows.append(row)
    tuned = any(point.before != point.after for point in record.points)
    # A size that is the same in every row is in the CSV only.
    sizes = (("parameters", "Parameters"), ("remaining_parameters", "not zero"), ("operations", "Operations"))
    varying = [key for key, _ in sizes if len({row.get(key) for row in rows} - {None}) > 1]
    before_header, over_header = ("Before fine-tuning", "over seeds") if tuned else ("", "")
    return Table(
        "means",
        "Points",
        [
            Column("series", "Series"),
            Column("x", axis_title(record.x), lambda x: axis_value(record.x, x)),
            *(Column(key, header if key in varying else "", fmt.count) for key, header in sizes),
            Column("before", before_header, fmt.share),
            Column("before_low before_high", over_header, fmt.interval),
            Column("accuracy", "Accuracy", fmt.share),
            Column("low high", "over seeds", fmt.interval),
            Column("seeds", "Seeds", fmt.count),
            Column("correct total", "Right, of all clips", fmt.of),
            Column("wilson_low wilson_high", "Wilson interval", fmt.interval),
            Column("mse", "Squared error", fmt.difference),
            Column("failed", "Failed", fmt.remark, optional=True),
        ],
        rows,
        "Accuracy on the test set: mean over the seeds with Student's 95 % interval, and of all clips of all "
        "seeds with Wilson's. A multiply-accumulate is two operations. The squared error is the mean over "
        "the probabilities, against those of the network as trained.",
    )


def _means(record: StudyRecord, before: Sequence[Network], after: Sequence[Network]) -> dict[str, Any]:
    if not after:
        return {}
    accuracy = mean_accuracy(record, after)
    correct = sum(sum(record.right(network)) for network in after)
    total = len(after) * len(record.test_labels)
    wilson_low, wilson_high = wilson_interval(correct, total)
    row: dict[str, Any] = {
        **_sizes(after),
        "accuracy": accuracy.mean,
        "low": accuracy.low,
        "high": accuracy.high,
        "seeds": accuracy.n,
        "correct": correct,
        "total": total,
        "wilson_low": wilson_low,
        "wilson_high": wilson_high,
    }
    if before:
        first = mean_accuracy(record, before)
        row |= {"before": first.mean, "before_low": first.low, "before_high": first.high}
    return row


def _sizes(networks: Sequence[Network]) -> dict[str, int]:
    count = len(networks)
    return {
        "parameters": round(sum(network.parameters for network in networks) / count),
        "remaining_parameters": round(sum(network.remaining_parameters for network in networks) / count),
        "operations": round(sum(2 * network.macs for network in networks) / count),
    }


def mean_accuracy(record: StudyRecord, networks: Sequence[Network]) -> Mean:
    """Return the mean accuracy over seeds, its interval clipped to 0 to 1."""
    mean = mean_interval([record.accuracy(network) for network in networks])
    if mean.low is None or mean.high is None:
        return mean
    return Mean(mean.n, mean.mean, max(mean.low, 0.0), min(mean.high, 1.0))
