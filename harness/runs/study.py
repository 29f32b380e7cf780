"""Run a study: evaluate every point, and collect the predictions of its networks in one record."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.records import provenance
from harness.records.record import Fault
from harness.records.study import SCHEMA, Baseline, Network, Plot, Point, StudyRecord
from models import progress
from models.parallel import Outcome, evaluate_all
from models.pipeline import dataset_of, features_of
from models.store import Store
from models.studies import Study
from models.variants import NETWORKS


def run_study(study: Study, dataset: Path | None, store: Store, jobs: int | None = None) -> StudyRecord:
    """Train, compress and evaluate every point of a study; networks that the store has are not made again.

    A point that fails is a gap.

    Args:
        study: see `models.studies`.
        dataset: see `models.pipeline.features_of`.
        store: cache of all networks, so that an interrupted study resumes.
        jobs: number of points at a time; None for one per core.

    Raises:
        DatasetError: the dataset is incomplete or damaged.
    """
    started, begun = datetime.now(UTC), time.monotonic()
    features = features_of(study.variants[0], dataset, store)
    points: list[Point] = []
    baselines: dict[str, Baseline] = {}
    for outcome in evaluate_all(study.variants, dataset, store, jobs):
        if outcome.failure is not None:
            progress.warn(f"{study.name}: {outcome.failure}")
        points.append(point_of(study, outcome, baselines))
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
        run={
            "started": started.isoformat(timespec="seconds"),
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - begun, 1),
            "dataset": dataset_of(study.variants[0], dataset, store).name,
        },
        code=provenance.code(),
        environment=provenance.environment(),
    )


def point_of(study: Study, outcome: Outcome[dict[str, Any]], baselines: dict[str, Baseline]) -> Point:
    """Return the point of a variant, and add the network that it was made of to the baselines.

    Args:
        study: study of the variant.
        outcome: see `models.parallel.evaluate_all`.
        baselines: by key; points of one training share their baseline.
    """
    variant, facts = outcome.variant, outcome.result
    point = Point(variant.id, variant.title, variant.seed, study.x_of(variant), study.series_of(variant))
    if facts is None:
        assert outcome.failure is not None, "an outcome is a result or a failure"
        return replace(point, failure=Fault(outcome.failure.failure, str(outcome.failure)))
    training = study.training_of(variant)
    key = ", ".join(filter(None, [training, f"seed = {variant.seed}"]))
    trained = _network(facts["trained"], facts["trained"]["test_predictions"])
    baselines.setdefault(key, Baseline(variant.seed, training, trained))
    return replace(
        point,
        baseline=key,
        before=_network(facts, facts["test_predictions_before"]),
        after=_network(facts, facts["test_predictions"]),
        mse=facts["mse"],
    )


def _network(facts: dict[str, Any], predictions: list[int]) -> Network:
    return Network(predictions, facts["parameters"], facts["remaining_parameters"], facts["macs"])
