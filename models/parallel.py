"""Many variants at once: in processes, shared checkpoints trained once, a failure of one left to itself."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any, Generic, TypeVar

from models import prepare as one
from models.data.dataset import DatasetConfig
from models.data.features import feature_sets
from models.errors import ModelError, UserFacingError
from models.model_artifact import ModelArtifact
from models.recipes import Places, places_of
from models.steps import Say
from models.store import Store
from models.variants import Variant

T = TypeVar("T")

_INTERRUPTED = 130
"""The exit code of a process that Ctrl-C ended."""


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What came of a variant: a result or the failure.

    Attributes:
        variant: which.
        result: None where it failed.
        failure: what happened; None where it succeeded.
    """

    variant: Variant
    result: T | None = None
    failure: UserFacingError | None = None


def prepare_all(
    variants: Sequence[Variant],
    dataset_root: Path,
    store: Store,
    say: Say | None = None,
    jobs: int | None = None,
) -> Iterator[Outcome[ModelArtifact]]:
    """Prepares variants as `models.prepare.prepare` does, several at a time.

    Args:
        variants: with ids of their own.
        dataset_root: a folder in the Speech Commands layout.
        store: keeps every step.
        say: told one line about each step, and how many are ready.
        jobs: processes at a time; None for one per core. With one, everything happens in this process.

    Returns:
        Outcomes in the order of the variants, each as soon as it and those before it are ready. A failure
        that explains itself is an outcome; another is a bug and raised.

    Raises:
        DatasetError: the dataset lacks something or is broken.
    """
    return _all(one.prepare, lambda places: places.prepared, variants, dataset_root, store, say, jobs)


def evaluate_all(
    variants: Sequence[Variant],
    dataset_root: Path,
    store: Store,
    say: Say | None = None,
    jobs: int | None = None,
) -> Iterator[Outcome[dict[str, Any]]]:
    """Evaluates variants in torch as `models.prepare.evaluate` does, several at a time; see `prepare_all`."""
    return _all(
        one.evaluate,
        lambda places: places.transformed or places.trained,
        variants,
        dataset_root,
        store,
        say,
        jobs,
    )


def _all(
    work: Callable[..., T],
    last_place: Callable[[Places], Path],
    variants: Sequence[Variant],
    dataset_root: Path,
    store: Store,
    say: Say | None,
    jobs: int | None,
) -> Iterator[Outcome[T]]:
    features = feature_sets(
        dataset_root, DatasetConfig(), store, say is not None and sys.stderr.isatty()
    ).path.name
    places = {variant: places_of(variant, features, store) for variant in variants}
    missing = [variant for variant in variants if not last_place(places[variant]).is_dir()]
    here = partial(work, dataset_root=dataset_root, store=store)
    jobs = min(jobs or os.cpu_count() or 1, len(missing))
    if jobs <= 1:
        for variant in variants:
            yield _outcome(variant, partial(here, variant, progress=say))
        return
    with _processes(jobs, say) as pool:
        train = partial(one.train, dataset_root=dataset_root, store=store)
        there = _submitted(pool, here, train, {item: places[item].trained for item in missing})
        for number, variant in enumerate(variants, 1):
            if variant in there:
                yield _outcome(variant, there[variant].result)
            else:
                yield _outcome(variant, partial(here, variant, progress=say))
            if say is not None:
                say(f"{number} of {len(variants)} variants")


def _outcome(variant: Variant, run: Callable[[], T]) -> Outcome[T]:
    try:
        return Outcome(variant, run())
    except BrokenExecutor:
        stopped = ModelError(
            "a process of the preparation was ended from outside",
            variant.id,
            "Look for a lack of memory, and run again: what is ready is kept.",
        )
        return Outcome(variant, failure=stopped)
    except UserFacingError as failure:
        return Outcome(variant, failure=failure)


def _submitted(
    pool: ProcessPoolExecutor,
    work: Callable[..., T],
    train: Callable[..., Path],
    checkpoints: dict[Variant, Path],
) -> dict[Variant, Future[Any]]:
    """The variants' futures. Whoever needs a checkpoint that is not there comes after its training."""
    waiting: dict[Path, list[Variant]] = {}
    for variant, checkpoint in checkpoints.items():
        waiting.setdefault(checkpoint, []).append(variant)
    training = {
        pool.submit(_told, train, those[0]): those
        for checkpoint, those in waiting.items()
        if not checkpoint.is_dir()
    }
    started: dict[Variant, Future[Any]] = {
        variant: pool.submit(_told, work, variant)
        for checkpoint, those in waiting.items()
        if checkpoint.is_dir()
        for variant in those
    }
    while training:
        for done in wait(training, return_when=FIRST_COMPLETED).done:
            for variant in training.pop(done):
                # After a failed training its failure is everybody's.
                started[variant] = pool.submit(_told, work, variant) if done.exception() is None else done
    return started


@contextmanager
def _processes(number: int, say: Say | None) -> Iterator[ProcessPoolExecutor]:
    """Processes of this interpreter; what they tell is said here, line by line.

    They are started afresh, not forked: torch and TensorFlow have threads that do not survive a fork.
    """
    context = get_context("spawn")
    lines = context.SimpleQueue()

    def listen() -> None:
        while (line := lines.get()) is not None:
            if say is not None:
                say(line)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    pool = ProcessPoolExecutor(number, context, initializer=_begin, initargs=(lines,))
    try:
        yield pool
    finally:
        # What is at work ends its step, so that nothing of it is lost.
        pool.shutdown(cancel_futures=True)
        lines.put(None)
        listener.join()


_lines: SimpleQueue[str | None]
"""Of a process of the pool: leads to the one that started it."""


def _begin(lines: SimpleQueue[str | None]) -> None:
    """The start of a process of the pool."""
    global _lines
    _lines = lines
    # As many processes as cores: with threads of their own they would wait for each other.
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    # Ctrl-C reaches every process of the terminal: the first one tells, the others just go.
    signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))


def _told(work: Callable[..., T], variant: Variant) -> T:
    """Does the work in a process of the pool."""
    return work(variant, progress=_lines.put, bars=False)
