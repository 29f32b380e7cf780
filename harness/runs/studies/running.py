"""Runs the points of a study, several at a time, and keeps what their networks heard."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from harness.records import provenance
from harness.records.record import Fault
from harness.records.study import SCHEMA, Baseline, Claim, Network, Plot, Point, StudyRecord
from harness.runs.studies.progress import Progress
from models.data.dataset import DatasetConfig
from models.data.features import feature_sets
from models.parallel import Outcome, evaluate_all
from models.store import Store
from models.studies import Study
from models.variants import NETWORKS, Variant


def run_study(
    study: Study, dataset: Path, store: Store, say: Callable[[str], None], jobs: int | None = None
) -> StudyRecord:
    """Trains, changes and evaluates every point of a study; what the store has is taken from there.

    A study that was interrupted goes on where it was when it is run again. A point that fails is a gap.

    Args:
        study: see `models.studies`.
        dataset: a folder in the Speech Commands layout.
        store: keeps every network.
        say: told how many points are ready, and how long the others should take.
        jobs: points at a time; None for one per core.

    Raises:
        DatasetError: the dataset lacks something or is broken.
    """
    started, begun = datetime.now(timezone.utc), time.monotonic()
    features = feature_sets(dataset, DatasetConfig(), store, progress=False)
    labels = list(features.labels)
    points: list[Point] = []
    baselines: dict[str, Baseline] = {}
    progress = Progress(study.name, len(study.variants), say)
    for outcome in evaluate_all(study.variants, dataset, store, progress.step, jobs):
        points.append(point_of(study, outcome, baselines))
        progress.point(outcome.failure)
    return StudyRecord(
        schema=SCHEMA,
        name=study.name,
        title=study.title,
        question=study.question,
        network=NETWORKS[study.variants[0].network],
        x=study.x.split(".")[-1],
        labels=labels,
        test_labels=[int(label) for label in features.split("testing")[1]],
        points=points,
        baselines=baselines,
        claims=[
            Claim(
                text=claim.text,
                this={name: list(values) for name, values in claim.this.values.items()},
                that={name: list(values) for name, values in claim.that.values.items()},
                this_state=claim.this.state,
                that_state=claim.that.state,
                margin=claim.margin,
            )
            for claim in study.claims
        ],
        plots=[Plot(measure, over) for measure, over in study.plots],
        run={
            "started": started.isoformat(timespec="seconds"),
            "ended": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - begun, 1),
            "dataset": dataset.name,
        },
        code=provenance.code(),
        environment=provenance.environment(),
    )


def point_of(study: Study, outcome: Outcome[dict[str, Any]], baselines: dict[str, Baseline]) -> Point:
    """What came of a variant.

    Args:
        study: that it is of.
        outcome: see `models.parallel.evaluate_all`.
        baselines: gets the trained network that it was made of, by name.
    """
    variant = outcome.variant
    common: dict[str, Any] = {
        "id": variant.id,
        "title": variant.title,
        "seed": variant.seed,
        "x": float(study.x_of(variant)),
        "series": study.series_of(variant),
        "at": study.values_of(variant),
    }
    facts = outcome.result
    if facts is None:
        failure = outcome.failure
        assert failure is not None  # the one or the other
        return Point(**common, failure=Fault(failure.failure, str(failure)))
    baseline = _baseline(study, variant, facts, baselines)
    sizes = {name: facts[name] for name in ("parameters", "remaining_parameters", "macs")}
    return Point(
        **common,
        baseline=baseline,
        before=Network(facts["test_predictions_before"], **sizes),
        after=Network(facts["test_predictions"], **sizes),
        mse=facts["mse"],
    )


def _baseline(study: Study, variant: Variant, facts: dict[str, Any], baselines: dict[str, Baseline]) -> str:
    """The name of the trained network that a variant was made of."""
    at = study.training_of(variant)
    name = ", ".join(f"{key} = {value}" for key, value in at.items()) or f"seed = {variant.seed}"
    if name not in baselines:
        trained = facts["trained"]
        baselines[name] = Baseline(
            variant.seed,
            at,
            Network(
                trained["test_predictions"],
                trained["parameters"],
                trained["remaining_parameters"],
                trained["macs"],
            ),
        )
    return name
