"""A study's record that is small enough to reckon with: 4 seeds, 10 clips, two criteria, two thresholds."""

from __future__ import annotations

from dataclasses import replace

from harness.records.record import Fault
from harness.records.study import SCHEMA, Baseline, Claim, Network, Plot, Point, StudyRecord

LABELS = ["silence", "yes"]
TEST_LABELS = [0, 0, 1, 1, 1, 1, 1, 1, 1, 1]
SEEDS = (1, 2, 3, 4)


def network(correct: int, size: int = 100) -> Network:
    """One that has the first so many clips right."""
    heard = [label if clip < correct else 1 - label for clip, label in enumerate(TEST_LABELS)]
    return Network(heard, parameters=size, remaining_parameters=size // 2, macs=10 * size)


def point(criterion: str, threshold: float, seed: int, before: int, after: int) -> Point:
    """A point by how many clips it has right."""
    size = round(100 * (1 - threshold))
    return Point(
        id=f"{criterion}-{threshold:g}-{seed}",
        title=f"{criterion} <{threshold:g}>",
        seed=seed,
        x=threshold,
        series=criterion,
        at={"seed": str(seed), "criterion": criterion, "threshold": f"{100 * threshold:g}"},
        baseline=f"seed = {seed}",
        before=network(before, size),
        after=network(after, size),
        mse=0.01 * (10 - after) + 1e-5 * seed,
    )


def failed(item: Point) -> Point:
    """The point as it would be had its network not come to be."""
    fault = Fault("conversion", "conversion: it broke <here>")
    return replace(item, baseline=None, before=None, after=None, mse=None, failure=fault)


def claim(this: dict, that: dict, margin: float = 0.0, **states: str) -> Claim:
    """That these networks are better than those."""
    return Claim("one is better than the other", this, that, margin=margin, **states)


def study_record(*claims: Claim) -> StudyRecord:
    """L1 has 9 and 8 of 10 right, chance 2 and 1; before fine-tuning each has one less."""
    points = [
        point(criterion, threshold, seed, after - 1, after)
        for seed in SEEDS
        for criterion, right in (("l1", (9, 8)), ("random", (2, 1)))
        for threshold, after in zip((0.5, 0.9), right, strict=True)
    ]
    return StudyRecord(
        schema=SCHEMA,
        name="cuts",
        title="What is cut",
        question="How much can go?",
        network="TinyConv",
        x="threshold",
        labels=LABELS,
        test_labels=TEST_LABELS,
        points=points,
        baselines={f"seed = {seed}": Baseline(seed, {"seed": str(seed)}, network(9)) for seed in SEEDS},
        claims=list(claims),
        plots=[
            Plot("accuracy-before", "parameters"),
            Plot("accuracy", "operations"),
            Plot("mse", "threshold"),
        ],
        run={"started": "2026-01-02T03:04:05+00:00", "seconds": 1.0, "dataset": "words"},
        code={"commit": "0" * 40, "dirty": False},
        environment={"cpu": "a processor"},
    )
