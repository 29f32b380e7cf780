"""Boards by name: kinds are modules, entries stand in the bench file."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from host_library import STORE
from small_models import classifier
from tiny_engine import TinyEngine, tiny_model

import harness.boards
from harness import cli
from harness.bench_file import Bench, BoardEntry, read_bench
from harness.boards.emulated import EmulatedBoard
from harness.boards.registry import board_kinds, board_of, engine_name, find_entry
from harness.errors import UsageError
from harness.records.reading import read_record
from models.data.wav import write_wav
from models.errors import ConfigError

TOASTER = '''
"""A second kind of board."""

from dataclasses import replace

from harness.boards.emulated import EmulatedBoard


class Toaster(EmulatedBoard):
    name = "toaster"
    summary = "an emulated board in another box"
    marker = "hardware"

    def __init__(self, slots):
        super().__init__()
        self.slots = slots

    @classmethod
    def from_bench(cls, entry, bench):
        return cls(entry.revision)

    def describe(self):
        return replace(super().describe(), name=self.name, uid="toaster-7", title=f"Toaster {self.slots}")
'''


@pytest.fixture
def toaster(tmp_path, monkeypatch):
    """Add one file to the boards."""
    folder = tmp_path / "boards"
    folder.mkdir()
    (folder / "toaster.py").write_text(TOASTER)
    monkeypatch.setattr(harness.boards, "__path__", [*harness.boards.__path__, str(folder)])
    yield
    sys.modules.pop("harness.boards.toaster", None)


@pytest.fixture
def bench_file(tmp_path):
    def write(text: str) -> Path:
        file = tmp_path / "bench.toml"
        file.write_text(text)
        return file

    return write


def test_the_kinds_are_the_modules_that_define_a_board():
    kinds = board_kinds()
    assert {"emulated", "nano33ble", "linux"} <= set(kinds)
    assert all(kind.name == name for name, kind in kinds.items())
    assert {kind.marker for kind in kinds.values() if kind.runs_firmware} == {"hardware", "emulated"}


def test_a_new_kind_of_board_is_one_file_and_one_entry(toaster, bench_file, tmp_path, monkeypatch, capsys):
    """Nothing else is edited, from the command line to the record."""
    monkeypatch.setenv("EARSHOT_HOME", str(STORE.root))
    recordings = tmp_path / "words"
    recordings.mkdir()
    write_wav(
        recordings / "yes_1.wav", np.random.default_rng(0).integers(-9000, 9000, 16_000).astype(np.int16)
    )
    bench = bench_file('recordings = "words"\n[board.kitchen]\nkind = "toaster"\nrevision = "with two slots"')
    model = classifier(tmp_path / "small.tflite")
    choice = ["--bench", str(bench), "--board", "kitchen", "--output", str(tmp_path / "runs")]
    arguments = ["run", *choice, "--model", str(model), "--labels", "silence,unknown,yes,no"]
    assert cli.main(arguments) == 0, capsys.readouterr().err
    (file,) = (tmp_path / "runs" / "toaster").glob("*/run.json")
    record = read_record(file)
    assert (record.board.uid, record.board.title) == ("toaster-7", "Toaster with two slots")
    assert record.variants[0].stage_us["inference"] and not record.variants[0].faults


def test_a_kind_without_an_entry_is_a_board():
    assert isinstance(board_of(find_entry("emulated", Bench()), Bench()), EmulatedBoard)


def test_a_kind_means_the_only_entry_of_that_kind():
    only = BoardEntry("left", kind="emulated", revision="2")
    assert find_entry("emulated", Bench(boards=(only,))) == only


def test_a_kind_with_two_entries_is_refused_with_their_names():
    bench = Bench(boards=(BoardEntry("left", kind="emulated"), BoardEntry("right", kind="emulated")))
    with pytest.raises(UsageError, match="left, right"):
        find_entry("emulated", bench)


def test_an_unknown_name_is_refused_with_entries_and_kinds():
    with pytest.raises(UsageError, match=r"'toaster'.*left, .*emulated"):
        find_entry("toaster", Bench(boards=(BoardEntry("left", kind="emulated"),)))


def test_an_entry_of_an_unknown_kind_is_refused_with_its_line(bench_file):
    bench = read_bench(bench_file('\n[board.left]\nkind = "fridge"'))
    with pytest.raises(ConfigError, match=r"line 3, board\.left\.kind.*emulated"):
        find_entry("left", bench)


def test_a_given_port_overrides_that_of_the_entry():
    bench = Bench(boards=(BoardEntry("left", kind="nano33ble", port="/dev/a"),))
    assert find_entry("left", bench).port == "/dev/a"
    assert find_entry("left", bench, "/dev/b").port == "/dev/b"


def test_a_given_optimization_overrides_that_of_the_entry(tmp_path):
    bench = Bench(boards=(BoardEntry("left", kind="emulated", optimization="O2"),))
    entries = [
        find_entry("left", bench),
        find_entry("left", bench, optimization="O3"),
        find_entry("emulated", Bench()),
    ]
    assert [entry.optimization for entry in entries] == ["O2", "O3", ""]
    built = board_of(entries[1], bench).build(tiny_model(tmp_path), TinyEngine())
    assert built.optimization == "-O3"


def test_the_emulated_board_takes_no_port():
    with pytest.raises(UsageError, match="--port"):
        board_of(find_entry("emulated", Bench(), "/dev/a"), Bench())


@pytest.mark.parametrize("given", [{"port": "/dev/x"}, {"clock": "cycles"}, {"optimization": "O2"}])
def test_a_board_without_firmware_takes_no_option_of_firmware(given):
    (option,) = given
    with pytest.raises(UsageError, match=f"--{option} is about"):
        find_entry("linux", Bench(), **given)


def test_the_engine_is_the_given_one_or_the_entrys_or_the_kinds():
    plain, chosen = BoardEntry("a", kind="emulated"), BoardEntry("b", kind="emulated", engine="tflm")
    assert [engine_name(plain), engine_name(chosen), engine_name(chosen, "codegen")] == [
        "codegen",
        "tflm",
        "codegen",
    ]


def test_board_with_firmware_has_no_host(bench_file):
    bench = read_bench(bench_file('[board.desk]\nkind = "nano33ble"\nhost = "pi@kws-pi"\n'))
    with pytest.raises(ConfigError, match=r"nano33ble is not reached by ssh .*line 3, board\.desk\.host"):
        find_entry("desk", bench)


def test_host_that_ssh_would_take_for_an_option_is_refused(bench_file):
    with pytest.raises(ConfigError, match=r"board\.pi\.host"):
        read_bench(bench_file('[board.pi]\nkind = "linux"\nhost = "-oProxyCommand=true"\n'))
