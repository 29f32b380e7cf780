"""Compilation by arduino-cli: once for the same inputs, at a path of its own, one sketch at a time."""

from __future__ import annotations

import errno
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from cli_answers import COMPILE_ERROR, FLASH_OVERFLOW, RAM_OVERFLOW
from stand_in_cli import FQBN, StandInCli
from tiny_engine import TinyEngine, tiny_model

from harness.arduino_cli.cli import ArduinoCli
from harness.errors import BuildFailed, DoesNotFit
from harness.firmware.arduino_build import Target, compile_sketch, installed_core
from harness.firmware.arduino_library import ArduinoLibrary
from harness.firmware.engine import EngineSources
from harness.firmware.stage import stage
from models.store import Store

TARGET = Target(FQBN, "", "arduino:mbed_nano@4.6.0", "-O2")


@pytest.fixture
def stand_in(tmp_path):
    return StandInCli(tmp_path / "cli")


@pytest.fixture
def cli(stand_in):
    return ArduinoCli(str(stand_in.command))


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def staged(tmp_path):
    return stage(tiny_model(tmp_path / "model"), TinyEngine(), tmp_path / "stage")


def other_sketch(tmp_path):
    return stage(tiny_model(tmp_path / "other", id="other"), TinyEngine(), tmp_path / "other-stage")


def test_image_and_sizes_come_from_the_answer(stand_in, cli, store, staged):
    stand_in.compiles(text=200_001, data=60_002)
    firmware = compile_sketch(staged, cli, TARGET, store)
    assert (firmware.flash_bytes, firmware.ram_bytes) == (200_001, 60_002)
    assert firmware.sections == {"text": 200_001, "data": 60_002}
    assert firmware.image.with_suffix(".bin").exists() and firmware.image.suffix == ".elf"
    assert (firmware.variant_id, firmware.build_id) == (staged.variant_id, staged.build_id)
    assert firmware.optimization == "-O2"
    assert "arduino:mbed_nano 4.6.0" in firmware.toolchain


def test_the_same_sketch_is_compiled_once_with_the_optimization_flags(stand_in, cli, store, staged):
    first = compile_sketch(staged, cli, TARGET, store)
    (call,) = stand_in.calls("compile")
    stand_in.compiles(text=1, data=1)
    assert compile_sketch(staged, cli, TARGET, store) == first
    assert stand_in.calls("compile") == []
    assert {"compiler.cpp.extra_flags=-O2", "compiler.c.extra_flags=-O2"} <= set(call)
    assert "--build-path" not in call, "with one, no core is taken from the cache"


@pytest.mark.parametrize("change", ["sketch", "core", "arduino-cli", "flags"])
def test_a_change_is_compiled_again(change, tmp_path, stand_in, cli, store, staged):
    first = compile_sketch(staged, cli, TARGET, store)
    target = TARGET
    if change == "sketch":
        staged = other_sketch(tmp_path)
    elif change == "core":
        stand_in.has_core("4.5.0")
    elif change == "arduino-cli":
        stand_in.has_version("1.6.0")
        cli = ArduinoCli(str(stand_in.command))
    else:
        target = replace(TARGET, optimization="-Os")
    assert compile_sketch(staged, cli, target, store).image != first.image
    assert len(stand_in.calls("compile")) == 2


def test_each_sketch_is_compiled_at_a_path_of_its_own_that_stays(tmp_path, stand_in, cli, store, staged):
    """arduino-cli names its build folder by the sketch's path: two sketches at one path would collide."""
    for one in (staged, other_sketch(tmp_path)):
        compile_sketch(one, cli, TARGET, store)
    first, second = (Path(call[-2]) for call in stand_in.calls("compile"))
    assert first != second
    for path in (first, second):
        assert path.name == "earshot" and (path / "earshot.ino").exists(), "folder and .ino of one name"
        assert path.is_relative_to(store.root)


def test_one_sketch_compiles_at_a_time(tmp_path, stand_in, store, staged):
    """The stand-in crashes when two of its compilations overlap."""
    stand_in.compiles(seconds=0.2)
    sketches = [staged, other_sketch(tmp_path)]
    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(compile_sketch, one, ArduinoCli(str(stand_in.command)), TARGET, store)
            for one in sketches
        ]
        assert [job.result().variant_id for job in jobs] == [one.variant_id for one in sketches]


@pytest.mark.parametrize(
    ("answer", "section", "available"), [(FLASH_OVERFLOW, "flash", 983_040), (RAM_OVERFLOW, "ram", 262_144)]
)
def test_an_image_larger_than_the_board_is_refused_and_compiled_again_next_time(
    answer, section, available, stand_in, cli, store, staged
):
    stand_in.steps("compile", {"stdout": answer, "status": 1})
    for _ in range(2):
        with pytest.raises(DoesNotFit) as caught:
            compile_sketch(staged, cli, TARGET, store)
        assert (caught.value.section, caught.value.available_bytes) == (section, available)
        assert caught.value.needed_bytes > available
        assert caught.value.where == staged.variant_id
    stand_in.compiles()
    assert compile_sketch(staged, cli, TARGET, store).flash_bytes == 123_456


def with_library(staged, folder, name="PDM", version="1.0"):
    library = ArduinoLibrary(name, version, folder / "libraries" / name)
    return replace(staged, sources=EngineSources("sums", 0, (library,)))


def test_the_folders_of_the_staged_libraries_are_passed(tmp_path, stand_in, cli, store, staged):
    compile_sketch(with_library(staged, tmp_path), cli, TARGET, store)  # the answer has PDM 1.0
    (call,) = stand_in.calls("compile")
    assert call[call.index("--libraries") + 1] == str(tmp_path / "libraries")


def test_another_library_with_the_same_header_is_refused(tmp_path, cli, store, staged):
    other = with_library(staged, tmp_path, "Chirale_TensorFlowLite", "2.0.0")
    with pytest.raises(BuildFailed, match=r"did not compile with Chirale_TensorFlowLite@2\.0\.0.*PDM@1\.0"):
        compile_sketch(other, cli, TARGET, store)


def test_a_failed_compilation_stores_no_image(stand_in, cli, store, staged):
    stand_in.steps("compile", {"stdout": COMPILE_ERROR, "status": 1})
    with pytest.raises(BuildFailed) as caught:
        compile_sketch(staged, cli, TARGET, store)
    assert not isinstance(caught.value, DoesNotFit)
    assert list((store.root / "arduino").glob("*/")) == []


@pytest.mark.parametrize(
    ("installed", "core", "match"),
    [
        ("", "", r"not installed.* core install arduino:mbed_nano@4\.6\.0$"),
        ("", "arduino:mbed_nano@4.5.0", r"not installed.* core install arduino:mbed_nano@4\.5\.0$"),
        (
            "4.6.0",
            "arduino:mbed_nano@4.5.0",
            r"version 4\.6\.0, .* 4\.5\.0.*core install arduino:mbed_nano@4\.5\.0",
        ),
        ("4.6.0", "arduino:avr@1.8.6", r"core arduino:avr@1.8.6.*core = \"arduino:mbed_nano@4.6.0\""),
    ],
)
def test_another_core_is_refused_before_compilation(stand_in, cli, store, staged, installed, core, match):
    stand_in.has_core(installed)
    with pytest.raises(BuildFailed, match=match):
        compile_sketch(staged, cli, replace(TARGET, core=core), store)
    assert stand_in.calls("compile") == []


def test_any_core_version_is_taken_without_a_pin(stand_in, cli):
    stand_in.has_core("4.2.1")
    assert installed_core(cli, TARGET).version == "4.2.1"


def test_a_full_disk_is_a_failed_build(cli, store, staged, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "somewhere")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(BuildFailed, match="the disk is full"):
        compile_sketch(staged, cli, TARGET, store)
