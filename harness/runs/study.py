"""Run a study: evaluate every point, and collect the predictions of its networks in one record."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from harness.boards.small_linux.computer import Computer
from harness.errors import EarshotError, MeterFailed
from harness.measure.energy import measure_host
from harness.measure.onnx import measure_onnx
from harness.meters.meter import Meter
from harness.records import provenance
from harness.records.record import Fault
from harness.records.study import SCHEMA, Baseline, Network, Plot, Point, Power, StudyRecord
from models import cluster, progress
from models.parallel import Outcome, evaluate_all
from models.pipeline import dataset_name, export, features_of
from models.store import Store
from models.studies import Study
from models.variants import NETWORKS, Variant


def run_study(
    study: Study,
    dataset: Path | None,
    store: Store,
    jobs: int | None = None,
    computer: Computer | None = None,
    meter: Meter | None = None,
) -> StudyRecord:
    """Train, compress and evaluate every point of a study; networks that the store has are not made again.

    A point that fails is a gap.

    Args:
        study: see `models.studies`.
        dataset: see `models.pipeline.features_of`.
        store: cache of all networks, so that an interrupted study resumes.
        jobs: number of points at a time; None for one per core.
        computer: runs the networks of a study with `on_linux`; None for this host.
        meter: measures the power of this host, if there is one.

    Raises:
        DatasetError: the dataset is incomplete or damaged.
        MeterFailed: there is no such meter.
        EarshotError: the computer cannot be used.
    """
    bench = _Bench(computer or Computer(), meter) if study.heading.on_linux else None
    started, begun = datetime.now(UTC), time.monotonic()
    points: list[Point] = []
    baselines: dict[str, Baseline] = {}
    with cluster.opened(store, jobs):
        features = features_of(study.variants[0], dataset, store)
        for outcome in evaluate_all(study.variants, dataset, store, jobs):
            if outcome.failure is not None:
                progress.warn(f"{study.name}: {outcome.failure}")
            points.append(point_of(study, outcome, baselines))
    if bench is not None:
        points, baselines = _with_linux(study, points, baselines, bench, dataset, store)
    return StudyRecord(
        schema=SCHEMA,
        name=study.name,
        title=study.heading.title,
        question=study.heading.question,
        network=NETWORKS[study.variants[0].network],
        x=study.x.split(".")[-1],
        reference=study.heading.reference,
        labels=list(features.labels),
        test_labels=[int(label) for label in features.split("testing")[1]],
        points=points,
        baselines=baselines,
        plots=[Plot(measure, over) for measure, over in study.plots],
        samples="images" if study.variants[0].takes_images else "clips",
        computer=bench.title if bench else "",
        meter=bench.meter_title if bench else "",
        run={
            "started": started.isoformat(timespec="seconds"),
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - begun, 1),
            "dataset": dataset_name(study.variants[0], dataset, store),
        },
        code=provenance.code(),
        environment=provenance.environment(),
    )


def point_of(study: Study, outcome: Outcome[dict[str, Any]], baselines: dict[str, Baseline]) -> Point:
    """Return the point of a variant, and add the network that it was made of to the baselines.

    Baselines are by key; points of one training share one.
    """
    variant, facts = outcome.variant, outcome.result
    point = Point(variant.id, variant.title, variant.seed, study.x_of(variant), study.series_of(variant))
    if facts is None:
        assert outcome.failure is not None, "an outcome is a result or a failure"
        return replace(point, failure=Fault(outcome.failure.failure, str(outcome.failure)))
    if variant.pruning is None and variant.quantization is None:
        return replace(point, after=_network(facts, facts["test_predictions"]))
    training = study.training_of(variant)
    key = ", ".join(filter(None, [training, f"seed = {variant.seed}"]))
    trained = _network(facts["trained"], facts["trained"]["test_predictions"])
    baselines.setdefault(key, Baseline(variant.seed, training, trained))
    return replace(
        point,
        baseline=key,
        before=_network(facts, facts["test_predictions_before"]),
        after=_network(facts, facts["test_predictions"]),
        fine_tune_epochs=max(0, len(facts["fine_tuning"]["epochs"]) - 1),
        mse=facts["mse"],
    )


def _network(facts: dict[str, Any], predictions: list[int]) -> Network:
    sizes = ("parameters", "unfolded_parameters", "remaining_parameters", "macs")
    return Network(predictions, *(facts[size] for size in sizes))


def _with_linux(
    study: Study,
    points: list[Point],
    baselines: dict[str, Baseline],
    bench: _Bench,
    dataset: Path | None,
    store: Store,
) -> tuple[list[Point], dict[str, Baseline]]:
    """Measure the networks one after another, while nothing else of the study runs."""
    measured_points: list[Point] = []
    measured = dict(baselines)
    with progress.task("measure", len(points) + len(baselines), "networks") as advance:
        for variant, point in zip(study.variants, points, strict=True):
            if point.baseline is not None and (base := measured[point.baseline]) is baselines[point.baseline]:
                trained = replace(variant, pruning=None, quantization=None)
                network = bench.measured(trained, base.network, dataset, store)
                measured[point.baseline] = replace(base, network=network)
                advance()
            if point.after is not None:
                point = replace(point, after=bench.measured(variant, point.after, dataset, store))
            measured_points.append(point)
            advance()
    return measured_points, measured


class _Bench:
    """A computer that runs networks as ONNX, and the meter of this host's power, if there is one."""

    def __init__(self, computer: Computer, meter: Meter | None) -> None:
        if computer.host and meter:
            progress.warn(f"the meter of this host does not measure {computer.host}: no power is measured")
            meter = None
        self._computer, self._meter = computer, meter
        self.title = f"{computer.name}, {computer.machine.title}"
        self.meter_title = f"{meter.name}, {meter.describe()}" if meter else ""

    def measured(self, variant: Variant, network: Network, dataset: Path | None, store: Store) -> Network:
        """Return the network with its figures, or with the reason why it has none."""
        folder = export(variant, dataset, store)
        model, samples = folder / "model.onnx", np.load(folder / "samples.npz")
        try:
            row, _ = measure_onnx(model, samples["inputs"], samples["outputs"], computer=self._computer)
            network = replace(network, linux=row)
            if self._meter is not None:
                with tempfile.TemporaryDirectory() as scratch:
                    found = measure_host(model, samples["inputs"][:1], self._meter, Path(scratch) / "samples")
                power = Power(
                    found.joules.median, found.net_joules.median, found.idle_watts, found.peak_watts
                )
                network = replace(network, power=power, not_measured=found.why_no_peak)
        except EarshotError as failure:
            progress.warn(f"{variant.id}: {failure}")
            if isinstance(failure, MeterFailed):
                self._meter = None  # it would fail for every network
            return replace(network, not_measured=str(failure))
        return network
