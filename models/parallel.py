"""Preparation of many variants at a time, in processes: shared checkpoints are trained once.

There are two pools, because the imports of a conversion take ten seconds of processor time in every process:
one trains and compresses, the other converts and describes.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any, Generic, TypeVar

from models import pipeline, progress
from models.errors import ModelError, UserFacingError
from models.log_filter import known_noise_dropped
from models.model_artifact import ModelArtifact
from models.pipeline import Step, Steps, steps_of
from models.processes import new_pool
from models.progress import Report
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
        jobs: processes that train at a time; None for one per core. One job runs in this process.
        ready: is called in this process for each model that other processes prepare, as soon as it is ready.

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
    steps, failures = _steps_of(variants, dataset_root, store)
    missing = [variant for variant in steps if not last_step(steps[variant]).done]
    here = partial(work, dataset_root=dataset_root, store=store)
    jobs = min(jobs or os.cpu_count() or 1, len(missing))

    def in_this_process(variant: Variant) -> T:
        if variant in failures:
            raise failures[variant]
        if load and variant not in missing:  # `work` would list the whole dataset again
            return load(last_step(steps[variant]).path)
        return here(variant)

    if jobs <= 1:
        for variant in variants:
            yield _outcome(variant, partial(in_this_process, variant))
        return
    with (
        progress.task("prepare", len(variants), "variants") as advance,
        reporting_processes(jobs) as trainers,
        reporting_processes(math.ceil(jobs / 2)) as converters,
    ):
        if work is pipeline.prepare:
            converters.submit(_import_converters)
        # Checkpoints first, each once. A step that fails does so again in the work of its variants.
        train = partial(pipeline.train, dataset_root=dataset_root, store=store)
        training = {steps[item].train.path: item for item in missing if not steps[item].train.done}
        wait([trainers.submit(in_process, train, item) for item in training.values()])
        compressing = [item for item in missing if not steps[item].network.done]
        submitted: dict[Variant, Future[T]] = {
            item: converters.submit(in_process, here, item) for item in missing if item not in compressing
        }
        evaluate = partial(pipeline.evaluate, dataset_root=dataset_root, store=store)
        evaluations = {trainers.submit(in_process, evaluate, item): item for item in compressing}
        pending: set[Future[Any]] = {*submitted.values(), *evaluations}
        while pending:
            ended, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in ended:
                if item := evaluations.get(future):
                    submitted[item] = converters.submit(in_process, here, item)
                    pending.add(submitted[item])
                elif ready and not future.exception():
                    ready(future.result())
        for variant in variants:
            if variant in submitted:
                yield _outcome(variant, submitted[variant].result)
            else:
                yield _outcome(variant, partial(in_this_process, variant))
            advance()


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
    except BrokenExecutor:
        killed = ModelError(
            "a process that prepares models was killed",
            variant.id,
            "Free some memory and run again; finished steps are kept.",
        )
        return Outcome(variant, failure=killed)
    except UserFacingError as failure:
        return Outcome(variant, failure=failure)


@contextmanager
def reporting_processes(number: int) -> Iterator[ProcessPoolExecutor]:
    """Start a pool of processes whose progress is reported here, if their work is given to `in_process`."""
    reports = get_context("spawn").SimpleQueue()

    def listen() -> None:
        while (report := reports.get()) is not None:
            progress.send(report)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        with new_pool(number, _keep_reports, reports) as pool:
            yield pool
    finally:
        reports.put(None)
        listener.join()


_reports: SimpleQueue[Report | None]
"""In a process of the pool: leads to the process that started it."""


def _keep_reports(reports: SimpleQueue[Report | None]) -> None:
    global _reports
    _reports = reports


def _import_converters() -> None:
    """Import what a conversion needs, while the other processes train."""
    with known_noise_dropped():
        import_module("models.convert")
        import_module("onnx_tf.backend")


def in_process(work: Callable[..., T], *given: Any) -> T:
    """Do work in a process of the pool, and report its progress to the process that started it."""
    with progress.sent_to(_reports.put):
        return work(*given)
