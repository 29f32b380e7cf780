"""Preparation of many variants at a time, as a graph of tasks: shared checkpoints are trained once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, TypeVar

from models import cluster, pipeline, progress
from models.cluster import Cluster, Task
from models.errors import ClusterError, UserFacingError
from models.log_filter import known_noise_dropped
from models.model_artifact import ModelArtifact
from models.pipeline import Step, Steps, steps_of
from models.store import Store
from models.variants import Variant

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """Result or failure of one variant; the other is None."""

    variant: Variant
    result: T | None = None
    failure: UserFacingError | None = None


def prepare_all(
    variants: Sequence[Variant],
    dataset_root: Path | None,
    store: Store,
    jobs: int | None = None,
    ready: Callable[[ModelArtifact], None] | None = None,
) -> Iterator[Outcome[ModelArtifact]]:
    """Prepare variants with `models.pipeline.prepare`, several at a time.

    Args:
        variants: with different ids.
        dataset_root: see `models.pipeline.features_of`.
        store: holds the result of every step.
        jobs: processes that train at a time on this machine; None for one per core. One job runs in this
            process.
        ready: is called in this process for each model that is in the store, and for each one that other
            processes prepare as soon as it is ready.

    Returns:
        Outcomes in the order of the variants, each as soon as it and those before it are ready. A
        `UserFacingError` is an outcome; any other exception is a bug and is raised.
    """
    return _run_all(
        pipeline.prepare,
        lambda steps: steps.describe,
        variants,
        dataset_root,
        store,
        jobs,
        ModelArtifact.load,
        ready,
    )


def evaluate_all(
    variants: Sequence[Variant],
    dataset_root: Path | None,
    store: Store,
    jobs: int | None = None,
) -> Iterator[Outcome[dict[str, Any]]]:
    """Evaluate variants with `models.pipeline.evaluate`, several at a time; see `prepare_all`."""
    return _run_all(pipeline.evaluate, lambda steps: steps.network, variants, dataset_root, store, jobs)


def _run_all(
    work: Callable[..., T],
    last_step: Callable[[Steps], Step],
    variants: Sequence[Variant],
    dataset_root: Path | None,
    store: Store,
    jobs: int | None,
    load: Callable[[Path], T] | None = None,
    ready: Callable[[T], None] | None = None,
) -> Iterator[Outcome[T]]:
    """Work on variants; `load` reads the result of one whose last step is done from the step's folder."""
    with cluster.opened(store, jobs) as tasks:
        steps, failures = _steps_of(variants, dataset_root, store)
        missing = [variant for variant in steps if not last_step(steps[variant]).done]
        here = partial(work, dataset_root=dataset_root, store=store)
        submitted: dict[Variant, Task[T]] = {}

        def finish(variant: Variant) -> T:
            if variant in failures:
                raise failures[variant]
            if variant in submitted:
                return submitted[variant].result()
            if load and variant not in missing:  # `work` would list the whole dataset again
                return load(last_step(steps[variant]).path)
            return here(variant)

        if ready and load:
            for variant in steps:
                if variant not in missing:
                    ready(load(last_step(steps[variant]).path))
        if not missing or (min(tasks.jobs, len(missing)) == 1 and not tasks.is_remote):
            for variant in variants:
                yield _outcome(variant, partial(finish, variant))
            return
        with progress.task("prepare", len(variants), "variants") as advance:
            graph = {variant: steps[variant] for variant in missing}
            submitted = _submit(tasks, work is pipeline.prepare, graph, dataset_root, store)
            for task in tasks.completed(submitted.values()):
                with suppress(UserFacingError):  # is raised again below
                    result = task.result()
                    if ready:
                        ready(result)
            for variant in variants:
                yield _outcome(variant, partial(finish, variant))
                advance()


def _submit(
    tasks: Cluster, converting: bool, graph: Mapping[Variant, Steps], root: Path | None, store: Store
) -> dict[Variant, Task[Any]]:
    """Submit the missing steps of variants, shared checkpoints once; return the last task of each variant."""
    train, evaluate, prepare = (
        partial(work, dataset_root=root, store=store)
        for work in (pipeline.train, pipeline.evaluate, pipeline.prepare)
    )
    if converting:
        tasks.submit("import", _import_converters, converting=True)
    training: dict[Path, Task[Any]] = {}
    last = {}
    for variant, steps in graph.items():
        checkpoint = steps.train.path
        if not steps.train.done and checkpoint not in training:
            training[checkpoint] = tasks.submit(f"train-{variant.id}", train, variant)
    for variant, steps in graph.items():
        before = [training[steps.train.path]] if steps.train.path in training else []
        if not converting or not steps.network.done:
            before = [tasks.submit(f"compress-{variant.id}", evaluate, variant, after=before)]
        if converting:
            before = [tasks.submit(f"convert-{variant.id}", prepare, variant, after=before, converting=True)]
        (last[variant],) = before
    return last


def _steps_of(
    variants: Sequence[Variant], dataset_root: Path | None, store: Store
) -> tuple[dict[Variant, Steps], dict[Variant, UserFacingError]]:
    """Compute the features of every vocabulary and front end; return the steps or the failure by variant."""
    features: dict[tuple[object, ...], str | UserFacingError] = {}
    steps, failures = {}, {}
    for variant in variants:
        key = variant.words, variant.front_end, variant.takes_images, variant.voices, variant.people_percent
        if key not in features:
            try:
                features[key] = pipeline.features_of(variant, dataset_root, store).path.name
            except UserFacingError as failure:
                features[key] = failure
        found = features[key]
        if isinstance(found, str):
            steps[variant] = steps_of(variant, found, store)
        else:
            failures[variant] = found
    return steps, failures


def _outcome(variant: Variant, run: Callable[[], T]) -> Outcome[T]:
    try:
        return Outcome(variant, run())
    except ClusterError:
        raise
    except UserFacingError as failure:
        return Outcome(variant, failure=failure)


def _import_converters() -> None:
    """Import what a conversion needs, while the other processes train."""
    with known_noise_dropped():
        import_module("models.convert")
        import_module("onnx_tf.backend")
