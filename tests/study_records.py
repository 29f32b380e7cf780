"""A small study record: 4 seeds, 10 clips, two criteria, two thresholds."""

from __future__ import annotations

from dataclasses import replace

from harness.records.record import Fault
from harness.records.study import SCHEMA, Baseline, Network, Plot, Point, StudyRecord

LABELS = ["silence", "yes"]
TEST_LABELS = [0, 0, 1, 1, 1, 1, 1, 1, 1, 1]
SEEDS = (1, 2, 3, 4)


def network(correct: int, size: int = 100) -> Network:
    """Return a network that has the first `correct` clips right."""
    predictions = [label if clip < correct else 1 - label for clip, label in enumerate(TEST_LABELS)]
    return Network(
        predictions,
        parameters=size,
        unfolded_parameters=size + 8,
        remaining_parameters=size // 2,
        macs=10 * size,
    )


def point(criterion: str, threshold: float, seed: int, before: int, after: int) -> Point:
    """Return a point by its numbers of right clips."""
    size = round(100 * (1 - threshold))
    return Point(
        id=f"{criterion}-{threshold:g}-{seed}",
        title=f"{criterion} <{threshold:g}>",
        seed=seed,
        x=threshold,
        series=criterion,
        baseline=f"seed = {seed}",
        before=network(before, size),
        after=network(after, size),
        mse=0.01 * (10 - after) + 1e-5 * seed,
    )


def failed(item: Point) -> Point:
    fault = Fault("conversion", "conversion: it broke <here>")
    return replace(item, baseline=None, before=None, after=None, mse=None, failure=fault)


def study_record(reference: str = "random") -> StudyRecord:
    """Return a study in which L1 has 9 and 8 of 10 right, random 2 and 1; one less before fine-tuning."""
    points = [
        point(criterion, threshold, seed, after - 1, after)
        for seed in SEEDS
        for criterion, right in (("l1", (9, 8)), ("random", (2, 1)))
        for threshold, after in zip((0.5, 0.9), right, strict=True)
    ]
    return StudyRecord(
        schema=SCHEMA,
        name="cuts",
        title="Cuts",
        question="How much can go?",
        network="TinyConv",
        x="threshold",
        reference=reference,
        labels=LABELS,
        test_labels=TEST_LABELS,
        points=points,
        baselines={f"seed = {seed}": Baseline(seed, "", network(9)) for seed in SEEDS},
        plots=[
            Plot("accuracy-before", "parameters"),
            Plot("accuracy", "operations"),
            Plot("mse", "threshold"),
        ],
        run={"started": "2026-01-02T03:04:05+00:00", "seconds": 1.0, "dataset": "words"},
        code={"commit": "0" * 40, "dirty": False},
        environment={"cpu": "a processor"},
    )
