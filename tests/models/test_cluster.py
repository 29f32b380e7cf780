"""Tasks on processes of this machine and on the workers of a running scheduler."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import dask
import distributed  # noqa: F401, has the defaults of dask.config
import pytest
from reported import reported

from models import cluster, progress
from models.errors import ClusterError, DatasetError, ModelError
from models.store import Store


def note(store: Store, name: str, wait_for: str = "") -> int:
    """Build an artifact that counts its builders; wait for a file of the store's root if it names one."""

    def make(folder: Path) -> None:
        with (store.root / f"{name}.attempts").open("a") as attempts:
            attempts.write(f"{os.getpid()}\n")
        while wait_for and not (store.root / wait_for).exists():
            time.sleep(0.01)
        (folder / "half").write_text(name)

    progress.log(f"{name} …")
    store.build("note", {"name": name}, make)
    return os.getpid()


def attempts(store: Store, name: str) -> list[int]:
    file = store.root / f"{name}.attempts"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def refuse() -> None:
    raise DatasetError("there is nothing", "here", "Bring something.")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def variables() -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def test_tasks_run_in_other_processes_after_those_they_need(store):
    with reported() as lines, cluster.opened(store, 2) as tasks:
        first = tasks.submit("first", note, store, "first")
        second = tasks.submit("second", note, store, "second", after=[first])
        ended = [task.name for task in tasks.completed([second, first])]
        assert os.getpid() not in {first.result(), second.result()}
        threads = tasks.submit("threads", variables).result()
    assert ended == ["first", "second"]
    assert [line for line in lines if line in ("first …", "second …")] == ["first …", "second …"]
    assert set(threads.values()) == {"1"} and "OPENBLAS_NUM_THREADS" not in os.environ


def test_the_failure_of_a_task_is_that_of_those_after_it(store):
    with cluster.opened(store, 1) as tasks:
        broken = tasks.submit("broken", refuse)
        after = tasks.submit("after", note, store, "never", after=[broken])
        with pytest.raises(DatasetError, match=r"nothing \(here\)"):
            after.result()
    assert attempts(store, "never") == []


def test_the_task_of_a_killed_process_is_done_again_and_no_other(store):
    with reported() as lines, cluster.opened(store, 2) as tasks:
        done = tasks.submit("done", note, store, "done")
        done.result()
        long = tasks.submit("long", note, store, "long", "go")
        while not attempts(store, "long"):
            time.sleep(0.01)
        os.kill(attempts(store, "long")[0], signal.SIGKILL)
        while len(attempts(store, "long")) < 2:
            time.sleep(0.01)
        (store.root / "go").touch()
        assert long.result() == attempts(store, "long")[1]
    assert "a process has ended and its work is done again: long" in lines
    assert len(attempts(store, "done")) == 1


def test_a_task_that_kills_every_process_fails_with_a_remedy(store):
    with cluster.opened(store, 1) as tasks:
        task = tasks.submit("die", die)
        with pytest.raises(ModelError, match=r"killed.*\(die\)\. Free some memory"):
            task.result()


def test_a_missing_scheduler_is_named(store):
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        cluster.scheduler("tcp://127.0.0.1:1"),
        cluster.opened(store) as tasks,
        pytest.raises(ClusterError, match="no Dask scheduler"),
    ):
        tasks.submit("first", note, store, "first")
