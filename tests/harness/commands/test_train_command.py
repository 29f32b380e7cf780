"""`earshot train` as a command, with files that are no variants beside one that is."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from small_models import classifier

from harness import cli
from harness.runs import selection
from harness.runs.selection import Selection
from models import parallel
from models.parallel import Outcome
from models.pipeline import external
from models.store import Store
from models.variants import CONFIGS, load_family

BROKEN = {
    "my-syntax": b"id = [",
    "my-utf16": "id = 'my'".encode("utf-16"),
    "my-deep": b"id = " + b"[" * 5000,
    "my-typo": b"id = 'my-typo'\ntitel = 'x'",
}


@pytest.fixture
def configs(tmp_path, monkeypatch):
    """A folder with the variant tinyconv-int8, which stands for a small model, and with broken ones."""
    model = external(classifier(tmp_path / "tinyconv.tflite"), list("abcd"), Store(tmp_path / "home"))
    accuracy = {"testing": [{"label": "yes", "correct": 1030, "total": 2060}]}
    models = [replace(model, accuracy=accuracy), replace(model, title="four-bits", deployable=False)]
    (variant,) = load_family(CONFIGS, "tinyconv-int8")[0]
    prepared = [Outcome(variant, model) for model in models]
    monkeypatch.setattr(parallel, "prepare_all", lambda variants, *_, **__: prepared if variants else [])
    folder = tmp_path / "configs"
    folder.mkdir()
    shutil.copy(CONFIGS / "tinyconv-int8.toml", folder)
    for name, content in BROKEN.items():
        (folder / f"{name}.toml").write_bytes(content)
    (folder / "my-folder.toml").mkdir()
    monkeypatch.setattr(selection, "CONFIGS", folder)
    return folder


def test_files_that_are_no_variants_leave_the_others(configs, capsys):
    assert cli.main(["train", "--variants", "*", "--dataset", str(configs)]) == 5
    shown = capsys.readouterr()
    title, accuracy, file, *of_no_board = shown.out.splitlines()
    assert (title, accuracy) == ("tinyconv", "  testing     50.0\N{NO-BREAK SPACE}%  (1,030 of 2,060 clips)")
    assert Path(file.strip()).read_bytes() == (configs.parent / "tinyconv.tflite").read_bytes()
    assert of_no_board == ["four-bits", "  no .tflite: no board can run it"]
    assert [name for name in (*BROKEN, "my-folder") if f"{name}.toml" not in shown.err] == []


def test_without_a_valid_variant_the_first_failure_is_the_commands(configs, capsys):
    assert cli.main(["train", "--variants", "my-t*"]) == 2
    assert "my-typo.toml, line 2, titel" in capsys.readouterr().err


def test_tests_of_the_bench_run_for_every_valid_variant(configs):
    ids = Selection(pattern="*").ids()
    assert ids == ["tinyconv-int8", *sorted((*BROKEN, "my-folder"))]
