"""Workers with a store of their own, which EARSHOT_STORE connects with that of the command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cluster_site import ONE, Site, hiding
from cluster_tasks import derive, derive_damaged, fill, lack, write
from reported import problems
from s3_server import SLOW_DOWN, read_only, running, use

from harness.layout import store_root
from models import cluster, shared_store
from models.errors import ClusterError, DatasetError
from models.store import Store

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A shared folder that EARSHOT_STORE names."""
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setenv("EARSHOT_STORE", str(shared))
    shared_store.forget_failure()
    return shared


@pytest.fixture
def bucket(monkeypatch):
    with running() as server:
        monkeypatch.setenv("EARSHOT_STORE", server.url)
        shared_store.forget_failure()
        yield use(server, monkeypatch)


@pytest.fixture
def store(tmp_path) -> Store:
    root = tmp_path / "here"
    root.mkdir()
    return Store(root)


@pytest.fixture
def site(tmp_path, store):
    """A scheduler."""
    place = tmp_path / "site"
    place.mkdir()
    site = Site(place)
    site.start_scheduler()
    yield site
    site.stop()


def start_apart(site: Site, store: Store, tmp_path: Path, **variables: str) -> Path:
    """Start a worker that does not see the store; return its own."""
    home = tmp_path / "there"
    site.start_worker(*ONE, prefix=hiding(store.root), EARSHOT_HOME=str(home), **variables)
    return home


def run_one(site: Site, store: Store, work=derive) -> tuple[Path, int]:
    source = store.build("source", {}, write)
    with cluster.scheduler(site.address, store_root), cluster.opened(store) as tasks:
        task = tasks.submit("derive", work, store, source)
        (ended,) = tasks.completed([task])
        return ended.result()


@pytest.mark.parametrize("shared", ["folder", "bucket"])
def test_a_worker_takes_and_publishes_artifacts_by_the_shared_store(request, site, store, tmp_path, shared):
    request.getfixturevalue(shared)
    home = start_apart(site, store, tmp_path)
    found, process = run_one(site, store)
    assert (found / "out.txt").read_text() == "text derived"
    assert found.is_relative_to(store.root) and process != os.getpid()
    assert {path.name for path in home.glob("*/") if path.is_dir()} == {"source", "derived"}


def test_half_a_result_is_made_here_and_replaced(site, store, tmp_path, folder):
    start_apart(site, store, tmp_path)
    with problems() as lines:
        found, process = run_one(site, store, derive_damaged)
    assert (found / "out.txt").read_text() == "text derived" and process == os.getpid()
    (line,) = lines
    assert "is cut off or damaged; it is computed anew" in line
    assert Store(tmp_path / "third").has(tmp_path / "third" / "derived" / found.name)


def test_a_task_that_writes_into_an_unfinished_artifact_runs_here(site, store, tmp_path, folder):
    start_apart(site, store, tmp_path)
    processes = []

    def make(target: Path) -> None:
        task = tasks.submit("fill", fill, target)
        processes.extend(each.result() for each in tasks.completed([task]))

    with cluster.scheduler(site.address, store_root), cluster.opened(store) as tasks:
        built = store.build("filled", {}, make)
    assert (built / "out.txt").read_text() == "whole" and processes == [os.getpid()]


def test_a_worker_that_cannot_publish_is_named(site, store, tmp_path, bucket, monkeypatch):
    start_apart(site, store, tmp_path)
    source = store.build("source", {}, write)
    read_only(bucket, monkeypatch)
    message = r"worker tcp://.* cannot share results: access is denied \(s3://benches/earshot\)\. Ask for"
    with (
        cluster.scheduler(site.address, store_root),
        cluster.opened(store) as tasks,
        pytest.raises(ClusterError, match=message),
    ):
        tasks.submit("derive", derive, store, source).result()
    bucket.fault = lambda method, path: None
    assert run_one(site, store)[1] != os.getpid()  # the same worker publishes what it kept


def test_a_bucket_that_is_down_ends_the_command_before_its_tasks(site, store, tmp_path, bucket):
    start_apart(site, store, tmp_path)
    bucket.fault = lambda method, path: SLOW_DOWN
    with pytest.raises(ClusterError, match=r"the server is overloaded.* Try again later\."):
        run_one(site, store)


def test_a_worker_whose_own_store_cannot_be_written_is_named(site, store, folder):
    site.start_worker(*ONE, prefix=hiding(store.root), EARSHOT_HOME="/dev/null/store")
    message = r"/dev/null/store.* cannot be used: Not a directory \(worker tcp://\S+\)\. Mend"
    with pytest.raises(ClusterError, match=message):
        run_one(site, store)


def test_a_dataset_that_a_worker_lacks_is_named_with_the_worker(site, store, tmp_path, folder):
    start_apart(site, store, tmp_path)
    with pytest.raises(DatasetError, match=r"there is none \(/data, on worker tcp://\S+\)\. Copy it\."):
        run_one(site, store, lack)


@pytest.mark.parametrize(
    "address, message",
    [
        ("", r"has another EARSHOT_STORE \(none there, .*shared here\)"),
        ("/nowhere", r"has another EARSHOT_STORE \(/nowhere there"),
    ],
)
def test_a_worker_of_another_shared_store_is_refused(site, store, tmp_path, folder, address, message):
    start_apart(site, store, tmp_path, EARSHOT_STORE=address)
    with pytest.raises(ClusterError, match=message):
        run_one(site, store)
