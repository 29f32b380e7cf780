"""The table of a study with means over the seeds, and the sentences that compare each series."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

from harness import format as fmt
from harness.records.study import Network, Point, StudyRecord
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
    "people_percent": "Speakers of people in %",
    "parameters": "Parameters",
    "remaining": "Parameters that are not zero",
    "operations": "Operations per inference",
}


def series_title(series: str) -> str:
    if series in _SERIES:
        return _SERIES[series]
    if series.startswith("l1 = "):
        return f"trained with an L1 penalty × {series.removeprefix('l1 = ')}"
    return ", ".join(_SERIES.get(part, part) for part in series.split(", "))


def axis_title(key: str) -> str:
    return _AXES.get(key, key.replace("_", " "))


def axis_value(key: str, value: float | None) -> str:
    """Format a value of the study's x: 12.5 % for the threshold 0.125."""
    return fmt.percent(value) if key == "threshold" else fmt.plain(value)


def compare(record: StudyRecord) -> dict[str, Paired | None]:
    """Compare each series with the study's reference on the same clips; None where nothing can be paired.

    Points are paired with those of the same x and seed; the reference's accuracy is subtracted.
    """
    references = {
        (point.x, point.seed): point.after for point in record.points if point.series == record.reference
    }
    pairs: dict[str, list[tuple[list[bool], list[bool], int]]] = {}
    for point in record.points:
        if record.reference:
            reference = references.get((point.x, point.seed))
        else:
            reference = record.baselines[point.baseline].network if point.baseline else None
        if not record.reference or point.series != record.reference:
            found = pairs.setdefault(point.series, [])
            if point.after and reference:
                found.append((record.right(point.after), record.right(reference), point.seed))
    return {series: paired(*zip(*found, strict=True)) if found else None for series, found in pairs.items()}


def sentences(record: StudyRecord) -> list[str]:
    """Return a sentence per series that compares it with the reference."""
    reference = series_title(record.reference) if record.reference else TRAINED
    found = []
    for series, pair in compare(record).items():
        text = f"{series_title(series)} against {reference}: "
        text = text[:1].upper() + text[1:]
        if pair is None:
            found.append(f"{text}nothing to compare.")
            continue
        intervals = f"{_interval(pair.low, pair.high)} over {record.samples}"
        if pair.by_seed.low is not None and pair.by_seed.high is not None:
            over_seeds = _interval(pair.by_seed.low, pair.by_seed.high)
            intervals = f"{over_seeds} over {pair.seeds} seeds, {intervals}"
        found.append(
            f"{text}accuracy {fmt.points(pair.difference)} points in the mean over "
            f"{fmt.plural(pair.runs, 'pair')} of networks ({fmt.percent(CONFIDENCE)} intervals: {intervals})."
        )
    return found


def _interval(low: float, high: float) -> str:
    return fmt.points_interval(max(low, -1.0), min(high, 1.0))


def means_table(record: StudyRecord) -> Table:
    """Return the mean over the seeds of every point and of the trained networks, with Student's interval."""
    rows = []
    trainings: dict[str, list[Network]] = {}
    for base in record.baselines.values():
        title = ", ".join(filter(None, [TRAINED, base.training and series_title(base.training)]))
        trainings.setdefault(title, []).append(base.network)
    for title, networks in trainings.items():
        rows.append({"series": title, **_means(record, networks)})
    groups: dict[tuple[str, float], list[Point]] = {}
    for point in record.points:
        groups.setdefault((point.series, point.x), []).append(point)
    for (series, x), points in groups.items():
        before = [point.before for point in points if point.before and point.before != point.after]
        errors = [point.mse for point in points if point.mse is not None]
        row = {"series": series_title(series), "x": x}
        row |= _means(record, [point.after for point in points if point.after])
        if before:
            first = mean_accuracy(record, before)
            row |= {"before": first.mean, "before_low": first.low, "before_high": first.high}
        row["mse"] = sum(errors) / len(errors) if errors else None
        row["failed"] = ", ".join({point.failure.failure: "" for point in points if point.failure})
        rows.append(row)
    return Table(
        "means",
        "Means over the seeds",
        [
            Column("series", "Series"),
            Column("x", axis_title(record.x), lambda x: axis_value(record.x, x)),
            Column("parameters", "Parameters", fmt.count),
            Column("remaining_parameters", "not zero", fmt.count),
            Column("operations", "Operations", fmt.count),
            Column("before", "Before fine-tuning", fmt.share, optional=True),
            Column("before_low before_high", "95 % interval", fmt.interval, optional=True),
            Column("accuracy", "Accuracy", fmt.share),
            Column("low high", "95 % interval", fmt.interval),
            Column("seeds", "Seeds", fmt.count),
            Column("mse", "Squared error", fmt.difference),
            Column("failed", "Failed", fmt.remark, optional=True),
        ],
        rows,
        f"Accuracy on the test set: {interval_of(record)}. A multiply-accumulate "
        "is two operations. The squared error is that of the probabilities to the trained network's.",
    )


def interval_of(record: StudyRecord) -> str:
    """Describe what the intervals of accuracies are."""
    if len({point.seed for point in record.points}) > 1:
        return "mean over the seeds with Student's 95 % interval"
    return f"one seed, with Wilson's 95 % interval over {len(record.test_labels)} {record.samples}"


def test_set(record: StudyRecord) -> str:
    """Describe the test set; a synthetic corpus has no name worth reading."""
    text = f"{len(record.test_labels)} {record.samples} of the test set"
    return f"{text} of {record.run['dataset']}" if record.samples == "images" else text


def linux_table(record: StudyRecord) -> Table:
    """Return figures of the networks as ONNX on a small Linux computer, a row per network."""
    seeds = len({base.seed for base in record.baselines.values()}) > 1
    rows, tones = [], []
    named = [(base.training, 0.0, base.seed, 0, base.network) for base in record.baselines.values()]
    named += [
        (point.series, point.x, point.seed, point.fine_tune_epochs, point.after)
        for point in record.points
        if point.after
    ]
    for series, x, seed, epochs, network in named if record.computer else ():
        measured, accuracy = network.linux, mean_accuracy(record, [network])
        row = {
            "series": series_title(series) if series else "",
            "x": x,
            "seed": seed if seeds else None,
            "fine_tune_epochs": epochs,
            "unfolded_parameters": network.unfolded_parameters,
            "accuracy": accuracy.mean,
            "low": accuracy.low,
            "high": accuracy.high,
            "remark": network.not_measured,
        }
        if measured:
            row |= {
                "process_peak_bytes": measured.process_peak_bytes,
                "model_peak_bytes": measured.model_peak_bytes,
                "model_bytes": measured.model_bytes,
                "mean_us": statistics.fmean(measured.samples_us),
                "p95_us": float(np.percentile(measured.samples_us, 95)),
            }
            row["remark"] = "; ".join(filter(None, (network.not_measured, measured.disturbance)))
        if network.power:
            row |= {"peak_watts": network.power.peak_watts, "joules": network.power.joules}
        rows.append(row)
        tones.append("bad" if row["remark"] else "")
    return Table(
        "linux",
        f"As ONNX on {record.computer}",
        [
            Column("series", "Series", optional=True),
            Column("x", axis_title(record.x), lambda x: axis_value(record.x, x)),
            Column("seed", "Seed", fmt.count, optional=True),
            Column("fine_tune_epochs", "Fine-tuning epochs", fmt.count),
            Column("unfolded_parameters", "Parameters", fmt.count),
            Column("model_bytes", "File", fmt.megabytes),
            Column("process_peak_bytes", "Maximum memory", fmt.megabytes),
            Column("model_peak_bytes", "of the model", fmt.megabytes),
            Column("mean_us", "Average latency", fmt.duration),
            Column("p95_us", "95th percentile", fmt.duration),
            Column("peak_watts", "Maximum power", _watts, text=True),
            Column("joules", "Average energy", _millijoules, text=True),
            Column("accuracy", "Accuracy", fmt.share),
            Column("low high"),
            Column("remark", "Remark", fmt.remark, optional=True),
        ],
        rows,
        f"Accuracy on {test_set(record)}. Parameters are those of the training, two for each normalized "
        "channel among them; the file, like the plot, has the normalization folded in. Memory is the peak of "
        f"the process, with Python and ONNX Runtime in it, and of the model alone. {_conditions(record)}",
        tones=tones,
    )


def _conditions(record: StudyRecord) -> str:
    """Describe how networks were measured, by the first of them."""
    networks = [*(base.network for base in record.baselines.values()), *(one.after for one in record.points)]
    row = next((one.linux for one in networks if one and one.linux), None)
    if row is None:
        return ""
    governor = f"governor {row.governor}" if row.governor else "governor unknown"
    slowed = "" if row.throttled is not None else "; the computer does not tell whether it was throttled"
    return (
        f"Of {len(row.samples_us)} inferences of one {record.samples.removesuffix('s')} on "
        f"{fmt.plural(row.threads, 'thread')} after {row.warm_ups} to warm up, with ONNX Runtime "
        f"{row.onnxruntime}, {governor}{slowed}.{_power_source(record)}"
    )


def _power_source(record: StudyRecord) -> str:
    if not record.meter:
        return ""
    return (
        f" Power by the meter {record.meter}; the energy of an inference holds what the idle computer takes "
        "in the same time."
    )


def _watts(value: float | None) -> str:
    return "not measured" if value is None else f"{fmt.significant(value)} W"


def _millijoules(value: float | None) -> str:
    return "not measured" if value is None else f"{fmt.significant(1e3 * value)} mJ"


def _means(record: StudyRecord, networks: Sequence[Network]) -> dict[str, Any]:
    if not networks:
        return {}
    accuracy = mean_accuracy(record, networks)
    row = {"accuracy": accuracy.mean, "low": accuracy.low, "high": accuracy.high, "seeds": accuracy.n}
    sizes = ("parameters", "remaining_parameters", "operations")
    return row | {
        size: round(sum(getattr(network, size) for network in networks) / len(networks)) for size in sizes
    }


def mean_accuracy(record: StudyRecord, networks: Sequence[Network]) -> Mean:
    """Return the mean accuracy over seeds, its interval clipped to 0 to 1; of one seed that over samples."""
    mean = mean_interval([record.accuracy(network) for network in networks])
    if mean.n == 1:
        return Mean(1, mean.mean, *wilson_interval(sum(record.right(networks[0])), len(record.test_labels)))
    low, high = (None if end is None else min(max(end, 0.0), 1.0) for end in (mean.low, mean.high))
    return Mean(mean.n, mean.mean, low, high)
