"""Artifacts shared by URL: published whole, taken whole, and no failure of a bucket loses any."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from reported import problems
from s3_server import FAULTS, S3, SLOW_DOWN, running, use

from models import cluster, progress, shared_store
from models.store import Store

NAME = "earshot/artifacts/step/"


@pytest.fixture(scope="module")
def server():
    with running() as found:
        yield found


@pytest.fixture
def s3(server, monkeypatch) -> S3:
    monkeypatch.setenv("EARSHOT_STORE", server.url)
    shared_store._store_at.cache_clear()
    return use(server, monkeypatch)


@pytest.fixture(params=["bucket", "folder"])
def shared(request, monkeypatch, tmp_path) -> str:
    """Share a bucket, or a folder; return its address."""
    if request.param == "bucket":
        return request.getfixturevalue("s3").url
    folder = tmp_path / "shared"
    folder.mkdir()
    monkeypatch.setenv("EARSHOT_STORE", str(folder))
    shared_store._store_at.cache_clear()
    return str(folder)


def new_command() -> None:
    """Forget that the shared store failed, as the next command does."""
    shared_store._store_at.cache_clear()


def write(text: str):
    def make(folder: Path) -> None:
        (folder / "inner").mkdir()
        (folder / "inner" / "out.txt").write_text(text)

    return make


def built(store: Store, text: str, number: int = 0) -> str:
    return (store.build("step", {"x": number}, write(text)) / "inner" / "out.txt").read_text()


@pytest.fixture
def lines():
    """The problems that a command shows."""
    with problems() as found:
        yield found


def test_a_second_machine_takes_what_the_first_published(tmp_path, shared):
    assert built(Store(tmp_path / "a"), "first") == "first"
    assert built(Store(tmp_path / "b"), "second") == "first"


def test_has_takes_an_artifact(tmp_path, shared):
    built(Store(tmp_path / "a"), "first")
    there = Store(tmp_path / "b")
    path = there.path_of("step", {"x": 0})
    assert there.has(path) and (path / "inner" / "out.txt").read_text() == "first"
    assert not there.has(there.path_of("step", {"x": 1}))


def test_the_artifact_that_was_published_first_counts_for_both(tmp_path, shared):
    """Two machines compute one artifact at a time; training is not the same on every processor."""

    def make(folder: Path) -> None:
        built(Store(tmp_path / "a"), "first")
        write("second")(folder)

    path = Store(tmp_path / "b").build("step", {"x": 0}, make)
    assert (path / "inner" / "out.txt").read_text() == "first"


def test_an_artifact_from_before_the_shared_store_is_published(tmp_path, shared, monkeypatch):
    with monkeypatch.context() as without:
        without.delenv("EARSHOT_STORE")
        built(Store(tmp_path / "a"), "first")
    built(Store(tmp_path / "a"), "again")
    assert built(Store(tmp_path / "b"), "second") == "first"


def test_what_is_local_is_not_shared(tmp_path, shared):
    Store(tmp_path / "a").build("step", {"x": 0}, write("first"), shared=False)
    assert built(Store(tmp_path / "b"), "second") == "second"


def test_a_published_artifact_costs_no_request(tmp_path, s3):
    built(Store(tmp_path), "first")
    s3.requests.clear()
    assert built(Store(tmp_path), "again") == "first"
    assert s3.requests == []


def test_503s_are_retried(tmp_path, s3, lines):
    answers = {method: [SLOW_DOWN, SLOW_DOWN] for method in ("GET", "PUT")}
    s3.fault = lambda method, path: answers[method].pop() if answers[method] else None
    built(Store(tmp_path / "a"), "first")
    assert lines == [] and not any(answers.values())
    assert built(Store(tmp_path / "b"), "second") == "first"


def test_a_bucket_that_stays_down_is_named_once_and_nothing_is_lost(tmp_path, s3, lines):
    s3.fault = lambda method, path: SLOW_DOWN
    assert [built(Store(tmp_path / "a"), "first", number) for number in range(3)] == ["first"] * 3
    assert lines == [
        f"the server is overloaded (EARSHOT_STORE={s3.url}). Try again later. This command goes on with the "
        "store of this machine; the next one publishes what it computes."
    ]
    s3.fault = lambda method, path: None
    new_command()
    assert [built(Store(tmp_path / "a"), "again", number) for number in range(3)] == ["first"] * 3
    assert [built(Store(tmp_path / "b"), "second", number) for number in range(3)] == ["first"] * 3


@pytest.mark.parametrize("size", [0, 20, 5000])
def test_half_an_object_is_computed_anew_and_replaced(tmp_path, s3, lines, size):
    built(Store(tmp_path / "a"), "first")
    (name,) = s3.names()
    s3.put(name, s3.content(name)[:size])
    assert built(Store(tmp_path / "b"), "second") == "second"
    assert lines == [f"{s3.url}/{name.removeprefix('earshot/')} is cut off or damaged; it is computed anew"]
    assert built(Store(tmp_path / "c"), "third") == "second"


def test_an_artifact_under_the_name_of_another_is_refused(tmp_path, s3, lines):
    built(Store(tmp_path / "a"), "first", 0)
    (name,) = s3.names()
    other = NAME + Store(tmp_path).path_of("step", {"x": 1}).name + ".tar"
    s3.put(other, s3.content(name))
    assert built(Store(tmp_path / "b"), "second", 1) == "second"
    assert lines[0].endswith("is the artifact of other inputs; it is computed anew")


def test_an_answer_that_breaks_off_is_read_again(tmp_path, s3, lines):
    built(Store(tmp_path / "a"), "first")
    faults = ["half"]
    s3.fault = lambda method, path: faults.pop() if faults and method == "GET" else None
    assert built(Store(tmp_path / "b"), "second") == "first"
    assert lines == [] and not faults


def test_answers_that_always_break_off_are_never_used(tmp_path, s3, lines):
    built(Store(tmp_path / "a"), "first")
    s3.fault = lambda method, path: "half"
    assert built(Store(tmp_path / "b"), "second") == "second"
    assert len(lines) == 1 and lines[0].startswith("the connection broke off")


@pytest.mark.parametrize(("fault", "sentence"), FAULTS)
def test_a_store_that_cannot_be_used_is_one_line(tmp_path, s3, lines, monkeypatch, fault, sentence):
    fault(s3, monkeypatch)
    assert [built(Store(tmp_path), "first", number) for number in range(2)] == ["first"] * 2
    (line,) = lines
    assert line.startswith(f"{sentence} (EARSHOT_STORE={s3.url}). ")


def test_a_shared_folder_that_is_not_mounted_is_not_created(tmp_path, monkeypatch, lines):
    monkeypatch.setenv("EARSHOT_STORE", str(tmp_path / "mount"))
    assert built(Store(tmp_path / "a"), "first") == "first"
    assert lines[0].startswith("there is no such folder")
    assert not (tmp_path / "mount").exists()


def test_a_failure_that_a_worker_reports_is_shown_once_too():
    line = progress.Line("the bucket is gone", progress.Level.QUIET, once=True)
    assert cluster._report_of(json.dumps(asdict(line))) == line


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("s4://bucket", "nothing opens s4://"),
        ("dropbox://folder", "package dropboxdrivefs. Install it: pip install dropboxdrivefs."),
    ],
)
def test_an_address_that_nothing_opens_ends_every_command(address, sentence):
    command = [sys.executable, "-m", "harness.cli", "variants"]
    done = subprocess.run(
        command, env={**os.environ, "EARSHOT_STORE": address}, capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert sentence in done.stderr.replace(f" ({address})", "")


@pytest.mark.parametrize("address", ["", "s3://bucket/earshot"])
def test_commands_without_a_file_to_share_do_not_import_fsspec(tmp_path, monkeypatch, address):
    monkeypatch.setenv("EARSHOT_STORE", address)
    program = f"""
import sys
from pathlib import Path
from models.store import Store
store = Store(Path({str(tmp_path)!r}))
path = store.path_of("step", {{}})
path.mkdir(parents=True)
path.with_suffix(".published").write_text({address!r})
assert store.build("step", {{}}, exit) == path and store.has(path)
assert not {{"fsspec", "s3fs"}} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", program], check=True)
