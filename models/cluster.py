"""Tasks on a Dask cluster: processes of this machine, or the workers of a scheduler that is running already.

Every step that runs in parallel is a task of one graph here. Its result is a function of its inputs and lies
in the store. So after the loss of a process or the restart of a scheduler, unfinished tasks run again, and
finished artifacts are not made again.

A worker that does not see the store of this machine uses its own, and `EARSHOT_STORE` connects both: paths of
artifacts travel by name, and the receiver takes the artifact from there, see `models.transport`.

Dask is imported with the first task: a run that takes everything from the store must not wait for the import.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import json
import logging
import os
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from models import progress, shared_store
from models.errors import ClusterError, DatasetError, ModelError
from models.progress import Level, Line, Report
from models.scratch import ScratchFolder
from models.shared_store import VARIABLE
from models.store import Store, is_stored
from models.transport import NotHere, pack, unpack

if TYPE_CHECKING:
    from distributed import Client, Future, SpecCluster

    from models.remote import RemoteFailed

T = TypeVar("T")
K = TypeVar("K")
Work = tuple[Any, ...]

_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"
)
"""One process per core: with more threads, torch, OpenBLAS and TensorFlow would wait for each other."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # names of glibc's `mallopt`
_LARGEST_KEPT_BYTES = 1 << 30

_PROCESS_BYTES = 1_500_000_000
"""Memory that a process needs to train on the synthetic corpus or to convert, with its libraries."""

_PACKAGES = (
    *("torch", "torch-pruning", "brevitas", "tensorflow-cpu", "onnx", "onnx-tf", "numpy", "scipy"),
    *("distributed", "fsspec"),
)
"""Packages whose versions results depend on, or their transport."""

_DASK = {
    "distributed.nanny.pre-spawn-environ": {},  # Dask's limit of the heap makes training slower
    "distributed.worker.profile.enabled": False,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.scheduler.worker-ttl": None,  # a machine that slept has lost nothing
}
"""Dask's configuration of a cluster on this machine."""

_SILENT = logging.CRITICAL + 1
"""Level of Dask's own log: losses of processes are reported as progress, everything else as an error."""


@dataclass(eq=False)
class Task(Generic[T]):
    """A task of the graph.

    Attributes:
        name: of the step.
        work, given: function and arguments.
        root: of the store of this machine.
        after: tasks that must succeed first; if one fails, this task fails with it.
        converting: True if the work imports the converters, see `Cluster`.
        within: key of the task of this process whose progress shows that of this one.
        done: True if it has ended.
    """

    name: str
    work: Callable[..., T]
    given: tuple[Any, ...]
    root: Path
    after: Sequence[Task[Any]] = ()
    converting: bool = False
    within: progress.Key | None = field(default_factory=progress.innermost)
    done: bool = False
    _future: Future = field(init=False, repr=False)

    def result(self) -> T:
        """Return what the work returned, or raise what it raised; see `Cluster.completed`."""
        from distributed import KilledWorker

        try:
            result: T = unpack(self._future.result(), self.root)
            return result
        except NotHere as lost:
            if failure := shared_store.failure():
                raise _not_shared("this machine", failure) from None
            progress.detail(f"{self.name}: {lost} did not arrive; it is made here")
            return self.work(*self.given)
        except KilledWorker:
            raise ModelError(
                "the processes that did this were killed, one after the other",
                self.name,
                "Free some memory and run again; finished steps are kept.",
            ) from None
        except RuntimeError as problem:
            if isinstance(problem.__cause__, ImportError):  # Dask could not even load the task
                raise _lacks_earshot(problem.__cause__) from None
            raise


class Cluster:
    """The processes for the tasks of this process; they start with the first task.

    On this machine some processes train and others convert, because the imports of a conversion take four
    seconds of processor time in every process.

    Args:
        store: receives the results of the tasks.
        jobs: processes that train at a time on this machine; None for one per core, if memory suffices.
        scheduler: address of a running scheduler; "" for Dask's own configuration, else this machine.
        home: returns the store of a worker that does not see this one; None if all must see it.
    """

    def __init__(
        self, store: Store, jobs: int | None, scheduler: str, home: Callable[[], Path] | None = None
    ) -> None:
        self._store = store
        self.jobs = jobs or min(os.cpu_count() or 1, max(1, _memory_bytes() // _PROCESS_BYTES))
        self._address = scheduler
        self._home = home
        self._is_apart = False  # some worker has a store of its own
        self._topic = f"earshot-{secrets.token_hex(8)}"
        self._tasks: list[Task[Any]] = []
        self._open = ExitStack()
        self._client: Client | None = None
        self._local: SpecCluster | None = None
        self._expected: dict[str, str] = {}
        self._lost: Counter[str] = Counter()
        self._closing = False

    @property
    def is_remote(self) -> bool:
        """Return whether the processes are those of a running scheduler."""
        return bool(self._scheduler)

    @property
    def has_started(self) -> bool:
        return self._client is not None

    def submit_missing(self, works: Mapping[K, Work]) -> dict[K, Task[None]]:
        """Submit the works whose results the store lacks; none if there is one and no process has started.

        Once a process is worth its start, the remaining works are submitted unchecked: their tasks look into
        the store themselves.

        Args:
            works: name, function and arguments of each; the function puts its results into the store.
        """
        if not self.has_started and self.jobs == 1 and not self.is_remote:
            return {}
        keys, missing = [*works], list[K]()
        for number, key in enumerate(keys, start=1):
            if not is_stored(*works[key][1:]):
                missing.append(key)
            if len(missing) > 1 or (missing and self.has_started):
                return {each: self.submit(*works[each]) for each in [*missing, *keys[number:]]}
        return {}

    @functools.cached_property
    def _scheduler(self) -> str:
        import dask.config

        return self._address or dask.config.get("scheduler-address", None) or ""

    def submit(
        self,
        name: str,
        work: Callable[..., T],
        *given: Any,
        after: Iterable[Task[Any]] = (),
        converting: bool = False,
    ) -> Task[T]:
        """Add a task to the graph; see `Task`.

        Raises:
            ClusterError: there is no scheduler at the address, or a worker does not suit.
        """
        task = Task(name, work, given, self._store.root, tuple(after), converting)
        if self._client is None:
            self._start()
        self._send(task)
        self._tasks.append(task)
        return task

    def completed(self, tasks: Iterable[Task[T]]) -> Iterator[Task[T]]:
        """Yield tasks as they end, with their result or failure.

        Raises:
            ClusterError: the scheduler went away and did not return.
        """
        pending = set(tasks)
        while pending:
            from distributed import as_completed  # here: nothing pending needs no Dask

            assert self._client is not None
            by_future = {task._future: task for task in pending}
            for future in as_completed(by_future, loop=self._client.loop):
                if future.cancelled():
                    self._reconnect()
                    break
                task = by_future[future]
                task.done = True
                pending.remove(task)
                yield task

    def close(self, interrupted: bool = False) -> None:
        """End the processes of this machine, with whatever they do."""
        self._closing = True
        if not interrupted:
            self._tell_losses()
        if self._local is not None:
            for nanny in self._local.workers.values():
                nanny.auto_restart = False
                if nanny.pid:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(nanny.pid, signal.SIGKILL)  # a polite end takes seconds
        self._open.close()

    def _send(self, task: Task[Any]) -> None:
        assert self._client is not None
        packed, names_scratch = pack((task.work, task.given), task.root)
        if names_scratch and self._is_apart:  # it writes into a folder that the workers do not see
            done, _ = pack(task.work(*task.given), task.root)
            task._future = self._client.submit(bytes, done, pure=False)
            return
        resources = None
        if self._local is not None:
            resources = {"conversion" if task.converting else "work": 1}
            if task.converting:
                self._local.scale(self.jobs + -(-self.jobs // 2))
        task._future = self._client.submit(
            _do,
            self._topic,
            self._expected,
            task.root,
            self._home,
            packed,
            [each._future for each in task.after if not each.done],
            task.within,
            key=f"{task.name}-{secrets.token_hex(8)}",
            resources=resources,
            pure=False,
        )

    def _start(self) -> None:
        import dask.config

        remote = self.is_remote
        dask.config.set({"logging": {"distributed": _SILENT}})
        with progress.task("connect to the scheduler" if remote else "start the processes"):
            if remote:
                self._client = self._connect()
                self._check_workers()
            else:
                self._client = self._start_here()
        self._open.callback(self._client.close)
        self._subscribe()

    def _start_here(self) -> Client:
        import dask.config
        from distributed import Client, Nanny, Scheduler, SpecCluster
        from distributed.security import Security

        self._open.enter_context(dask.config.set(_DASK))
        self._open.enter_context(_environment(_ONE_THREAD))
        scratch = self._open.enter_context(ScratchFolder("cluster"))
        security = Security.temporary()  # other users of this machine must not reach the processes
        options = {
            "host": "127.0.0.1",
            "protocol": "tls://",
            "security": security,
            "dashboard": False,
            "dashboard_address": "127.0.0.1:0",  # Dask listens in any case; its fixed port would clash
        }

        def process(resource: str) -> dict[str, Any]:
            own = {
                "nthreads": 1,
                "memory_limit": None,
                "local_directory": str(scratch),
                "silence_logs": _SILENT,
            }
            return {"cls": Nanny, "options": {**options, **own, "resources": {resource: 1}}}

        with _interrupts_blocked():  # in the threads of the cluster and in the processes that they start
            try:
                self._local = SpecCluster(
                    scheduler={"cls": Scheduler, "options": options},
                    workers={number: process("work") for number in range(self.jobs)},
                    worker=process("conversion"),
                    security=security,
                    silence_logs=_SILENT,
                )
            except RuntimeError as problem:
                raise ClusterError(
                    "the processes for the tasks do not start",
                    f"{problem.__cause__ or problem}",
                    "Free some memory, and run a script from a file whose main part is under "
                    'if __name__ == "__main__".',
                ) from None
            self._open.callback(self._local.close)
            return Client(self._local, security=security, set_as_default=False)

    def _connect(self) -> Client:
        from distributed import Client

        class Connection(Client):
            def __del__(self) -> None:
                """Skip Dask's method, which takes 10 s and prints a traceback after a failed connection."""

        try:
            return Connection(self._scheduler, set_as_default=False)
        except Exception as problem:  # Dask has no type for an address that cannot be one
            text = str(problem).partition("\n")[0] or type(problem).__name__
            raise ClusterError(
                f"there is no Dask scheduler: {text}",
                self._scheduler,
                "Start it (dask scheduler), or give another address with --scheduler.",
            ) from None

    def _check_workers(self) -> None:
        """Refuse workers whose results would differ, or would not arrive."""
        assert self._client is not None
        try:
            self._client.wait_for_workers(1, timeout=_patience_s())
        except TimeoutError:
            raise ClusterError(
                "the scheduler has no workers",
                self._scheduler,
                f"Start some: dask worker {self._scheduler} --nworkers N --nthreads 1.",
            ) from None
        # A folder in the store that workers look for.
        beacon = str(self._open.enter_context(ScratchFolder("cluster", self._store.root)))
        self._expected = {**_facts(), "store": beacon}
        if self._home and (address := shared_store.address()):
            self._expected["shared"] = address
        try:
            all_found = self._client.run(_inspect, self._expected)
        except Exception as problem:  # Dask has no type for a function that a worker cannot load
            raise _lacks_earshot(problem) from None
        for address, found in all_found.items():
            _refuse(address, self._expected, found)
        self._is_apart = any(not found["store"] for found in all_found.values())
        others = shared_store.shared_store()
        if self._is_apart and others and (failure := others.check()):
            raise _not_shared("this machine", failure)

    def _reconnect(self) -> None:
        """Submit to a restarted scheduler what has not ended."""
        assert self._client is not None
        progress.warn("the scheduler went away; waiting for it")
        while self._client.status == "connecting":
            time.sleep(0.1)
        try:
            if self._client.status != "running":
                raise TimeoutError
            self._client.wait_for_workers(1, timeout=_patience_s())
        except TimeoutError:
            raise ClusterError(
                "the scheduler went away and did not return with a worker",
                self._scheduler,
                "Start it and its workers, and run again: finished steps are kept.",
            ) from None
        self._subscribe()
        for task in self._tasks:
            if not task.done:
                self._send(task)

    def _subscribe(self) -> None:
        assert self._client is not None
        self._client.subscribe_topic(self._topic, lambda event: progress.send(_report_of(event[1])))
        self._client.subscribe_topic("all", self._note_loss)

    def _note_loss(self, event: tuple[float, Any]) -> None:
        facts = event[1]
        action = facts.get("action")
        if self._closing or action not in ("add-worker", "remove-worker") or facts.get("expected"):
            return
        if action == "remove-worker":
            names = {task._future.key: task.name for task in self._tasks if not task.done}
            self._lost.update(names[key] for key in names.keys() & {*facts["processing-tasks"]})
        # The processes of this machine may end with this one, by one signal: then none is started again.
        if self.is_remote or action == "add-worker":
            self._tell_losses(f"worker {facts['worker']}" if self.is_remote else "a process")

    def _tell_losses(self, place: str = "a process") -> None:
        lost, self._lost = self._lost, Counter()
        if lost:
            names = (f"{name} ({count} times)" if count > 1 else name for name, count in sorted(lost.items()))
            progress.warn(f"{place} has ended and its work is done again: {', '.join(names)}")


_place: tuple[str, Callable[[], Path] | None] = "", None
_current: Cluster | None = None


@contextmanager
def scheduler(address: str, home: Callable[[], Path] | None = None) -> Iterator[None]:
    """Run the tasks of this context on the workers of a running scheduler, see `Cluster`."""
    global _place
    before, _place = _place, (address, home)
    try:
        yield
    finally:
        _place = before


@contextmanager
def opened(store: Store, jobs: int | None = None) -> Iterator[Cluster]:
    """Yield the cluster of this process; the outermost context sets its arguments and closes it."""
    global _current
    if _current is not None:
        yield _current
        return
    _current = Cluster(store, jobs, *_place)
    interrupted = False
    try:
        yield _current
    except KeyboardInterrupt:
        interrupted = True
        raise
    finally:
        cluster, _current = _current, None
        cluster.close(interrupted)


def _do(
    topic: str,
    expected: dict[str, str],
    root: Path,
    home: Callable[[], Path] | None,
    packed: bytes,
    after: list[Any],
    within: progress.Key | None,
) -> bytes:
    """Do a task's work in a worker, and report its progress to the process that submitted it."""
    from distributed import get_worker

    worker = get_worker()
    is_apart = False
    if expected:
        found = _found(expected, worker.state.nthreads)
        _refuse(worker.address, expected, found)
        is_apart = not found["store"]
    if is_apart:
        assert home is not None  # or the worker was refused
        root = home().absolute()
    _set_up()
    shared_store.forget_failure()  # of an earlier command
    with progress.sent_to(lambda report: worker.log_event(topic, json.dumps(asdict(report))), within):
        try:
            work, given = unpack(packed, root, is_apart)
            done, _ = pack(work(*given), root)
        except NotHere as lost:
            raise ClusterError(
                f"{lost} did not arrive", f"worker {worker.address}", "Run again: finished steps are kept."
            ) from None
        except DatasetError as problem:
            if not expected:
                raise
            where = f"{problem.where}, on worker {worker.address}".removeprefix(", ")
            raise DatasetError(problem.what, where, problem.remedy) from None
        except OSError as problem:
            if not expected:
                raise
            what = f"{problem.filename or 'a file'} cannot be used: {problem.strerror or problem}"
            remedy = "Mend that, and run again: finished steps are kept."
            raise ClusterError(what, f"worker {worker.address}", remedy) from None
        finally:
            if is_apart and (failure := shared_store.failure()):
                raise _not_shared(f"worker {worker.address}", failure)
    return done


@functools.cache  # once in a process
def _set_up() -> None:
    """Set threads and memory allocation for training; local processes started with the environment."""
    os.environ |= _ONE_THREAD  # for what is not imported yet
    # Tensors of a training step are freed and needed again at once: handed back to the kernel in between, as
    # glibc does by default, each page costs a fault, which was an eighth of the training time.
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):  # glibc alone has it
        for threshold in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
            mallopt(threshold, _LARGEST_KEPT_BYTES)


def _report_of(text: str) -> Report:
    message = json.loads(text)
    if "text" in message:
        return Line(message["text"], Level(message["level"]), message["once"])
    within = message["within"] and tuple(message["within"])
    return progress.Task(**{**message, "key": tuple(message["key"]), "within": within})


@functools.cache
def _facts() -> dict[str, str]:
    """Describe the code and the packages that results depend on."""
    from importlib.metadata import PackageNotFoundError, version

    root, digest = Path(__file__).parents[1], hashlib.sha256()
    for package in ("models", "harness"):
        for path in sorted((root / package).rglob("*.py")):
            digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    facts = {"Earshot": digest.hexdigest()[:12], "Python": sys.version.split()[0]}
    for package in _PACKAGES:
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "missing"
    return facts


def _found(expected: dict[str, str], threads: int) -> dict[str, str]:
    """Return the facts of this process; the store is "" if it lacks the other's beacon."""
    seen = expected["store"] if Path(expected["store"]).exists() else ""
    return {**_facts(), "store": seen, "shared": shared_store.address(), "threads": str(threads)}


def _inspect(expected: dict[str, str], dask_worker: Any) -> dict[str, str]:
    found = _found(expected, dask_worker.state.nthreads)
    if found["store"] or found["shared"] != expected.get("shared"):
        return found
    others = shared_store.shared_store()
    failure = others.check() if others else None
    return {**found, "failure": f"{failure.what}. {failure.remedy}" if failure else ""}


def _refuse(worker: str, expected: dict[str, str], found: dict[str, str]) -> None:
    """Refuse a worker by the first fact that differs.

    Raises:
        ClusterError: one does.
    """
    for name, value in expected.items():
        if name not in ("store", "shared") and found[name] != value:
            raise ClusterError(
                f"worker {worker} has another version of {name}",
                f"{found[name]} there, {value} here",
                "Install the same Earshot, with its locked packages, on every machine.",
            )
    if found["threads"] != "1":
        raise ClusterError(
            f"worker {worker} has {found['threads']} threads",
            "a task needs a process of its own",
            "Start it with --nthreads 1, and with --nworkers for several processes.",
        )
    if found["store"] == expected["store"]:
        return
    shared = expected.get("shared", "")
    if not shared:
        raise ClusterError(
            f"worker {worker} does not see the store",
            str(Path(expected["store"]).parent),
            f"Set EARSHOT_HOME to a folder that all machines share under the same path, or {VARIABLE} to one "
            "address here and there.",
        )
    if found["shared"] != shared:
        raise ClusterError(
            f"worker {worker} has another {VARIABLE}",
            f"{found['shared'] or 'none'} there, {shared} here",
            "Start it with the same address.",
        )
    if failure := found.get("failure"):
        raise ClusterError(f"worker {worker} cannot use the shared store", shared, failure)


def _not_shared(place: str, failure: RemoteFailed) -> ClusterError:
    """Return the failure of a machine that can neither see the store nor use the shared one."""
    remedy = f"{failure.remedy} Run again then: finished steps are kept."
    return ClusterError(f"{place} cannot share results: {failure.what}", shared_store.address(), remedy)


def _lacks_earshot(problem: Exception) -> ClusterError:
    return ClusterError(
        f"the scheduler or a worker cannot load Earshot: {problem}",
        remedy="Install the same Earshot, with its locked packages, on every machine.",
    )


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for processes that start meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ |= variables
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block Ctrl-C in threads and processes that start meanwhile: it reaches every process of a terminal."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _patience_s() -> float:
    import dask.config
    from dask.utils import parse_timedelta

    return parse_timedelta(dask.config.get("distributed.comm.timeouts.connect"))


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
