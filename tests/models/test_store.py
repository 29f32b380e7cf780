"""The artifact store: nothing half written, nothing built twice, nothing stale."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
from filelock import FileLock

from models import store as artifacts
from models.progress import Task, sent_to
from models.store import Store


def _write(text: str):
    return lambda folder: (folder / "out.txt").write_text(text)


def test_an_existing_artifact_is_not_built_again(tmp_path):
    store = Store(tmp_path)
    first = store.build("step", {"x": 1}, _write("first"))
    second = store.build("step", {"x": 1}, _write("second"))
    assert first == second
    assert (second / "out.txt").read_text() == "first"


def test_artifacts_of_a_relative_folder_have_absolute_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Store(Path("home")).build("step", {}, _write("first")).parent == tmp_path / "home" / "step"


@pytest.mark.parametrize("inputs", [{"x": 2}, {"x": 1, "y": 0}, {"y": 1}, {"x": [1]}])
def test_other_inputs_are_another_artifact(tmp_path, inputs):
    store = Store(tmp_path)
    assert store.path_of("step", {"x": 1}) != store.path_of("step", inputs)


def test_the_content_of_a_file_is_an_input_and_its_path_is_not(tmp_path):
    store = Store(tmp_path / "store")
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "in.bin").write_bytes(b"same")
    paths = {store.path_of("step", {"file": tmp_path / folder / "in.bin"}) for folder in ("a", "b")}
    assert len(paths) == 1
    (tmp_path / "a" / "in.bin").write_bytes(b"other")
    assert store.path_of("step", {"file": tmp_path / "a" / "in.bin"}) not in paths


def test_the_code_of_the_step_is_an_input(tmp_path):
    store, code = Store(tmp_path / "store"), tmp_path / "step.py"
    code.write_text("x = 1")
    before = store.path_of("step", {}, code=[artifacts, code])
    code.write_text("x = 2")
    assert store.path_of("step", {}, code=[artifacts, code]) != before


def test_a_step_that_fails_leaves_nothing(tmp_path):
    store = Store(tmp_path)

    def fail(folder: Path) -> None:
        (folder / "half.txt").write_text("half")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        store.build("step", {}, fail)
    assert not list(tmp_path.rglob("half.txt"))
    assert store.build("step", {}, _write("whole")).is_dir()


def _build_slowly(root: Path, log: Path) -> None:
    def make(folder: Path) -> None:
        with log.open("a") as stream:
            stream.write("built\n")
        time.sleep(0.3)

    Store(root).build("step", {}, make)


def test_processes_that_want_the_same_artifact_build_it_once(tmp_path):
    log = tmp_path / "log"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_build_slowly, args=(tmp_path / "store", log)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert log.read_text() == "built\n"


def test_a_step_that_waits_for_another_process_says_so(tmp_path):
    final = Store(tmp_path).path_of("step", {})
    final.parent.mkdir(parents=True)
    lock = FileLock(final.with_suffix(".lock"))
    reports: list[str] = []

    def receive(report) -> None:
        if isinstance(report, Task) and "wait" in report.name and not report.ended:
            reports.append(report.name)
            lock.release()  # once the wait is reported

    with lock, sent_to(receive):
        Store(tmp_path).build("step", {}, _write("whole"), title="train")
    assert reports == ["wait for another process: train"]


def _die_while_building(root: Path) -> None:
    def make(folder: Path) -> None:
        (folder / "out.txt").write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)

    Store(root).build("step", {}, make)


@pytest.mark.parametrize("step", ["step", "other step"])
def test_leftovers_of_a_killed_builder_are_removed_by_any_other(tmp_path, step):
    process = multiprocessing.get_context("fork").Process(target=_die_while_building, args=(tmp_path,))
    process.start()
    process.join()
    folder = Store(tmp_path).build(step, {"x": 2}, _write("whole"))
    assert list(tmp_path.rglob("out.txt")) == [folder / "out.txt"]


def test_the_folder_of_a_running_builder_stays(tmp_path):
    def make(folder: Path) -> None:
        artifacts._sweep.cache_clear()  # as in another process
        Store(tmp_path).build("step", {"x": 2}, _write("second"))
        (folder / "out.txt").write_text("first")

    assert (Store(tmp_path).build("step", {"x": 1}, make) / "out.txt").read_text() == "first"
