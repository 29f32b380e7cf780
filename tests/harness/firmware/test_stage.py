"""Staging: files of the sketch folder, the build id, and refused models."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from tiny_engine import TinyEngine, tiny_model

from harness.errors import BuildFailed, UsageError
from harness.firmware.stage import stage
from harness.layout import SKETCHES


def _header(folder: Path) -> str:
    return (folder / "variant.h").read_text()


def test_sketch_libraries_engine_and_variant_are_in_one_folder(tmp_path):
    staged = stage(tiny_model(tmp_path / "model"), TinyEngine(), tmp_path / "out")
    assert staged.path == tmp_path / "out" / "earshot"
    files = {path.relative_to(staged.path).as_posix() for path in staged.path.rglob("*") if path.is_file()}
    own = {path.name for path in (SKETCHES / "earshot").iterdir()}
    libraries = {
        f"src/{path.parent.parent.name}/{path.name}"
        for path in (SKETCHES / "libraries").glob("*/src/*")
        if path.suffix in (".h", ".cpp")
    }
    assert files == own | libraries | {"variant.h", "engine.cpp"}


def test_only_the_front_end_of_the_model_is_staged(tmp_path, monkeypatch):
    libraries = tmp_path / "libraries"
    shutil.copytree(SKETCHES / "libraries", libraries / "libraries")
    shutil.copytree(SKETCHES / "earshot", libraries / "earshot")
    loud = libraries / "libraries" / "LoudnessFrontEnd" / "src"
    loud.mkdir(parents=True)
    (loud / "front_end.h").write_text("// loudness")
    monkeypatch.setattr("harness.firmware.stage.SKETCHES", libraries)
    model = tiny_model(tmp_path / "model", front_end_library="LoudnessFrontEnd")
    staged = stage(model, TinyEngine(), tmp_path / "out").path / "src"
    assert [path.name for path in (staged / "EarshotFrontEnd").iterdir()] == ["front_end.h"]
    assert (staged / "EarshotFrontEnd" / "front_end.h").read_text() == "// loudness"
    assert not (staged / "LoudnessFrontEnd").exists()
    absent = tiny_model(tmp_path / "absent", front_end_library="MelFrontEnd")
    with pytest.raises(BuildFailed, match="no library MelFrontEnd"):
        stage(absent, TinyEngine(), tmp_path / "other")


def test_the_sketch_reports_the_hosts_ids(tmp_path):
    staged = stage(tiny_model(tmp_path / "model"), TinyEngine(), tmp_path / "out")
    constants = dict(re.findall(r'constexpr char (\w+)\[\] = "(.*)";', _header(staged.path)))
    assert constants == {
        "kVariantId": staged.variant_id,
        "kModelSha256": staged.model_sha256[:8],
        "kBuildId": staged.build_id,
    }


def test_the_same_inputs_give_the_same_bytes(tmp_path):
    first, second = (
        stage(tiny_model(tmp_path / "model"), TinyEngine(), tmp_path / name).path
        for name in ("first", "second")
    )
    for path in first.rglob("*.*"):
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes(), path


@pytest.mark.parametrize(
    ("facts", "options"),
    [
        ({"labels": ("silence", "unknown", "no", "yes")}, {}),
        ({"id": "other"}, {}),
        ({"precision": "float32"}, {}),
        ({}, {"begins": False}),
    ],
    ids=["labels", "id", "precision", "engine's sources"],
)
def test_the_build_id_depends_on(tmp_path, facts, options):
    plain = stage(tiny_model(tmp_path / "plain"), TinyEngine(), tmp_path / "a")
    other = stage(tiny_model(tmp_path / "other", **facts), TinyEngine(**options), tmp_path / "b")
    assert re.fullmatch("[0-9a-f]{8}", plain.build_id)
    assert plain.build_id != other.build_id


def test_an_int8_model_has_divisor_and_zero_point(tmp_path):
    header = _header(stage(tiny_model(tmp_path / "model"), TinyEngine(), tmp_path / "out").path)
    assert "kFeatureDivisor = 666;" in header
    assert "kInputZeroPoint = -128;" in header
    assert "kInputBytes = 1960;" in header
    assert "kTakesMicroFeatures = true;" in header


def test_a_float_model_takes_float_features(tmp_path):
    model = tiny_model(tmp_path / "model", precision="float32")
    header = _header(stage(model, TinyEngine(), tmp_path / "out").path)
    assert "kFeatureDivisor = 0;" in header
    assert "kInputBytes = 7840;" in header
    assert "kTakesMicroFeatures = true;" in header


def test_a_model_with_another_input_is_staged_for_command_mode(tmp_path):
    header = _header(stage(tiny_model(tmp_path / "model", elements=490), TinyEngine(), tmp_path / "out").path)
    assert "kTakesMicroFeatures = false;" in header
    assert "kInputBytes = 490;" in header


@pytest.mark.parametrize("label", ['"', "a,b", "a*b", "a\nb", "a\\b", "ja?", "", "é", "[x]", "50%", "x" * 64])
def test_a_label_that_a_record_cannot_carry_is_refused(tmp_path, label):
    model = tiny_model(tmp_path / "model", labels=("silence", label))
    with pytest.raises(UsageError, match="cannot be sent in a record"):
        stage(model, TinyEngine(), tmp_path / "out")


def test_labels_and_outputs_must_agree_in_number(tmp_path):
    model = tiny_model(
        tmp_path / "model", labels=("silence", "yes"), output={"shape": [1, 12], "dtype": "float32"}
    )
    with pytest.raises(UsageError, match="12 outputs and 2 labels"):
        stage(model, TinyEngine(), tmp_path / "out")


def test_an_unknown_element_type_is_refused(tmp_path):
    model = tiny_model(tmp_path / "model", input={"shape": [1, 1960], "dtype": "uint8"})
    with pytest.raises(BuildFailed, match="input is uint8"):
        stage(model, TinyEngine(), tmp_path / "out")


def test_a_refused_model_leaves_no_folder(tmp_path):
    model = tiny_model(tmp_path / "model", labels=("silence", "a,b"))
    with pytest.raises(UsageError):
        stage(model, TinyEngine(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_input_scale_without_a_divisor_is_refused(tmp_path):
    tensor = {"shape": [1, 1960], "dtype": "int8", "scale": 1e-6, "zero_point": 0}
    with pytest.raises(BuildFailed, match="too small"):
        stage(tiny_model(tmp_path / "model", input=tensor), TinyEngine(), tmp_path / "out")
