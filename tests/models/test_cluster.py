"""Tasks on processes of this machine and on the workers of a running scheduler."""

from __future__ import annotations

import gc
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import dask
import distributed  # noqa: F401, has the defaults of dask.config
import pytest
from cluster_site import ONE, Site, hiding
from cluster_tasks import attempts, count, die, note, refuse, variables
from reported import reported

from models import cluster, progress
from models.errors import ClusterError, DatasetError, ModelError
from models.progress import Report, sent_to
from models.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def test_a_run_without_tasks_does_not_import_dask(tmp_path):
    script = (
        "import sys; from pathlib import Path; from models import cluster; from models.store import Store\n"
        "with cluster.opened(Store(Path(sys.argv[1]))) as tasks: list(tasks.completed([]))\n"
        "sys.exit('distributed' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script, tmp_path]).returncode == 0


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


def test_the_task_that_submitted_others_shows_their_amounts(store, monkeypatch):
    monkeypatch.setattr(progress, "_INTERVAL_S", 0.0)
    shown = []
    is_complete = threading.Event()

    def receive(report: Report) -> None:
        if isinstance(report, progress.Task) and report.name == "listen":
            shown.append(report.done)
            if report.done == 30:
                is_complete.set()

    with cluster.opened(store, 1) as tasks, sent_to(receive), progress.task("listen", 60, "s") as advance:
        tasks.submit("count", count, 30, "s").result()
        assert is_complete.wait(600), shown
        advance(30)
    assert shown[-1] == 30


def test_clusters_of_two_runs_at_a_time_do_not_ask_for_the_same_port(store, recwarn):
    running = [cluster.Cluster(store, 1, "") for _ in range(2)]
    try:
        assert [each.submit("time", time.time).result() > 0 for each in running] == [True, True]
    finally:
        for each in reversed(running):  # the environment gets back what each found
            each.close()
    assert [str(warning.message) for warning in recwarn if "in use" in str(warning.message)] == []


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


def test_processes_that_end_with_an_interrupted_one_are_no_loss(store):
    with reported() as lines, pytest.raises(KeyboardInterrupt), cluster.opened(store, 2) as tasks:
        tasks.submit("long", note, store, "long", "go")
        while not attempts(store, "long"):
            time.sleep(0.01)
        for nanny in tasks._local.workers.values():
            nanny.auto_restart = False
        os.kill(attempts(store, "long")[0], signal.SIGKILL)
        while len(attempts(store, "long")) < 2:
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert not [line for line in lines if "done again" in line]


def test_a_task_that_kills_its_processes_fails_with_a_remedy(store):
    once = dask.config.set({"distributed.scheduler.allowed-failures": 0})
    with once, cluster.opened(store, 1) as tasks:
        task = tasks.submit("die", die)
        with pytest.raises(ModelError, match=r"killed.*\(die\)\. Free some memory"):
            task.result()


@pytest.mark.parametrize(
    "address",
    ["tcp://127.0.0.1:1", "tcp//127.0.0.1:1", "head", "tcp://127.0.0.1:x", "tls://127.0.0.1:1", "s3://x"],
)
def test_a_missing_scheduler_is_named(store, address, capfd):
    gc.collect()  # what earlier tests left may say something, too
    capfd.readouterr()
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "100ms"}),
        cluster.scheduler(address),
        cluster.opened(store) as tasks,
        pytest.raises(ClusterError, match=rf"no Dask scheduler: .+ \({address}\)\. Start it"),
    ):
        tasks.submit("first", note, store, "first")
    gc.collect()
    assert capfd.readouterr().err == ""


def test_processes_that_do_not_start_are_one_sentence(store):
    script = (
        "import sys; from pathlib import Path; from models import cluster; from models.store import Store\n"
        "from models.errors import ClusterError\n"
        "with cluster.opened(Store(Path(sys.argv[1])), 1) as tasks:\n"
        "    try: tasks.submit('first', print)\n"
        "    except ClusterError as failure: print(failure)\n"
    )
    command = [sys.executable, "-", store.root]  # its processes look for the file of the main module
    done = subprocess.run(command, input=script, capture_output=True, text=True)
    assert re.fullmatch(r"cluster: the processes for the tasks do not start \(.+\)\. Free.*\n", done.stdout)


@pytest.fixture
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"))
    site.start_scheduler()
    yield site
    site.stop()


@pytest.mark.slow
def test_the_scheduler_of_dasks_configuration_runs_the_tasks(store, site):
    worker = site.start_worker(*ONE)
    with (
        dask.config.set({"scheduler-address": site.address}),
        reported() as lines,
        cluster.opened(store) as tasks,
    ):
        task = tasks.submit("first", note, store, "first")
        assert [each.result() for each in tasks.completed([task])] == [worker.pid]
        assert tasks.submit("threads", variables).result()["OMP_NUM_THREADS"] == "1"
    assert "first …" in lines and not list(store.root.glob("earshot-*"))


def changed_copy(folder: Path) -> str:
    """Copy Earshot with a change; return the PYTHONPATH of the copy."""
    root = Path(cluster.__file__).parents[1]
    for package in ("models", "harness"):
        # Other processes write bytecode meanwhile.
        shutil.copytree(root / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "harness" / "marks.py").write_text("")
    return os.pathsep.join([str(folder), *sys.path])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["threads", "version", "missing", "store"])
def test_a_worker_whose_results_would_differ_is_refused(store, site, tmp_path_factory, kind):
    folder = tmp_path_factory.mktemp("other")
    if kind == "threads":
        site.start_worker("--nthreads", "2")
    elif kind == "version":
        site.start_worker(*ONE, path=changed_copy(folder))
    elif kind == "missing":
        (folder / "models").mkdir()
        (folder / "models" / "__init__.py").touch()  # in place of an Earshot that is installed
        (folder / "models" / "cluster.py").write_text('raise ImportError("there is none")')
        site.start_worker(*ONE, path=str(folder))
    else:
        site.start_worker(*ONE, prefix=hiding(store.root))
    message = {
        "threads": r"has 2 threads .*--nthreads 1",
        "version": r"has another version of Earshot \(\w+ there, \w+ here\)\. Install the same",
        "missing": "cannot load Earshot: .*there is none",
        "store": "does not see the store .*EARSHOT_HOME",
    }[kind]
    with (
        cluster.scheduler(site.address),
        cluster.opened(store) as tasks,
        pytest.raises(ClusterError, match=message),
    ):
        tasks.submit("first", note, store, "first")


@pytest.mark.slow
def test_a_worker_that_joins_later_is_checked_too(store, site):
    worker = site.start_worker(*ONE)
    with cluster.scheduler(site.address), cluster.opened(store) as tasks:
        first = tasks.submit("first", note, store, "first", "go")
        while not attempts(store, "first"):
            time.sleep(0.01)
        site.start_worker("--nthreads", "2")
        second = tasks.submit("second", note, store, "second")
        with pytest.raises(ClusterError, match="has 2 threads"):
            next(tasks.completed([second])).result()
        (store.root / "go").touch()
        assert next(tasks.completed([first])).result() == worker.pid


@pytest.mark.slow
def test_a_restarted_scheduler_gets_what_has_not_ended(store, site):
    site.start_worker(*ONE)
    with reported() as lines, cluster.scheduler(site.address), cluster.opened(store) as tasks:
        done = tasks.submit("done", note, store, "done")
        assert [each.name for each in tasks.completed([done])] == ["done"]
        long = tasks.submit("long", note, store, "long", "go", after=[done])
        last = tasks.submit("last", note, store, "last", after=[long])
        while not attempts(store, "long"):
            time.sleep(0.01)
        site.stop()
        site.start_scheduler()
        worker = site.start_worker(*ONE)
        (store.root / "go").touch()
        assert {each.result() for each in tasks.completed([last])} == {worker.pid}
    assert "the scheduler went away; waiting for it" in lines
    assert [len(attempts(store, name)) for name in ("done", "long", "last")] == [1, 2, 1]


@pytest.mark.slow
def test_the_task_of_a_worker_that_leaves_is_done_by_another(store, site):
    leaving = site.start_worker(*ONE)
    with cluster.scheduler(site.address), cluster.opened(store) as tasks:
        long = tasks.submit("long", note, store, "long", "go")
        while not attempts(store, "long"):
            time.sleep(0.01)
        other = site.start_worker(*ONE)
        leaving.terminate()
        while len(attempts(store, "long")) < 2:
            time.sleep(0.01)
        (store.root / "go").touch()
        assert [each.result() for each in tasks.completed([long])] == [other.pid]
