"""Staging: files of the sketch folder, the build id, and refused models."""

from __future__ import annotations

import re
import shutil

import pytest
from tiny_engine import TinyEngine, tiny_model

from harness.errors import BuildFailed, UsageError
from harness.firmware.stage import stage
from harness.layout import SKETCHES
from harness.link.events import label_of_name
from harness.recognizer import DEFAULT, Recognizer


def test_sketch_libraries_engine_and_variant_are_in_one_folder(tmp_path):
    staged = stage(tiny_model(tmp_path / "model"), TinyEngine(), tmp_path / "out")
    assert staged.path == tmp_path / "out" / "earshot"
    files = {path.relative_to(staged.path).as_posix() for path in staged.path.rglob("*") if path.is_file()}
    own = {path.name for path in (SKETCHES / "earshot").iterdir()}
    libraries = {
        f"src/{path.parent.parent.name}/{path.name}"
        for path in (SKETCHES / "libraries").glob("*/src/*")
        if path.suffix in (".h", ".cpp") and path.parent.parent.name not in ("EarshotMfcc", "EarshotLogMel")
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


def test_the_recognizers_parameters_are_in_the_sketch_and_its_build_id(tmp_path):
    model = tiny_model(tmp_path / "model")
    tuned = Recognizer("exponential", 250, thresholds={"yes": 215})
    default = stage(model, TinyEngine(), tmp_path / "default")
    staged = stage(model, TinyEngine(), tmp_path / "tuned", tuned)
    header = (staged.path / "variant.h").read_text()
    assert "kExponential = true;" in header and "kWindowMs = 250;" in header
    assert "kThresholds[kLabelCount] = {225, 225, 215, 225};" in header
    assert (staged.recognizer, default.recognizer) == (tuned, DEFAULT)
    assert staged.build_id != default.build_id
    with pytest.raises(UsageError, match="threshold for 'maybe', which is no label of the model") as refusal:
        stage(model, TinyEngine(), tmp_path / "none", Recognizer(thresholds={"maybe": 9}))
    assert "[recognizer.tiny] in the bench file. Labels: silence, unknown, yes, no." in str(refusal.value)


def test_the_same_inputs_give_the_same_bytes_and_the_hosts_ids(tmp_path):
    first, second = (
        stage(tiny_model(tmp_path / "model"), TinyEngine(), tmp_path / name) for name in ("first", "second")
    )
    for path in first.path.rglob("*.*"):
        assert path.read_bytes() == (second.path / path.relative_to(first.path)).read_bytes(), path
    header = (first.path / "variant.h").read_text()
    assert dict(re.findall(r'constexpr char (\w+)\[\] = "(.*)";', header)) == {
        "kVariantId": first.variant_id,
        "kModelSha256": first.model_sha256[:8],
        "kBuildId": first.build_id,
    }


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


@pytest.mark.parametrize(
    ("facts", "constants"),
    [
        ({}, ("kFeatureDivisor = 666", "kInputZeroPoint = -128", "kInputBytes = 1960")),
        ({"precision": "float32"}, ("kFeatureDivisor = 0", "kInputBytes = 7840")),
        ({"elements": 490}, ("kHears = false", "kInputBytes = 490")),
    ],
)
def test_the_header_describes_the_input(tmp_path, facts, constants):
    staged = stage(tiny_model(tmp_path / "model", **facts), TinyEngine(), tmp_path / "out")
    header = (staged.path / "variant.h").read_text()
    assert all(f"{constant};" in header for constant in constants)
    assert ("kHears = true;" in header) == ("elements" not in facts)


@pytest.mark.parametrize(
    "label", ['"', "a,b", "a*b", "a\\b", "ja?", "größe", "はい", "[x]", "50%", "#0", "x" * 64]
)
def test_a_label_that_a_record_cannot_carry_has_a_name_that_it_can(tmp_path, label):
    labels = ("silence", label, "_unknown_")
    header = (
        stage(tiny_model(tmp_path / "model", labels=labels), TinyEngine(), tmp_path / "out").path
        / "variant.h"
    )
    assert 'kLabels[kLabelCount] = {"silence", "#1", "_unknown_"};' in header.read_text()
    assert "kSilence = 0;" in header.read_text()
    assert [label_of_name(name, labels) for name in ("silence", "#1", "_unknown_", "#0")] == [*labels, "#0"]


def test_a_refusal_of_the_engine_names_the_users_file(tmp_path):
    class Refusing(TinyEngine):
        def generate(self, tflite, out):
            raise BuildFailed("it has no kernel", where="SHAPE (operator 0)")

    with pytest.raises(BuildFailed, match=r"\(tiny\.tflite: SHAPE \(operator 0\)\)"):
        stage(tiny_model(tmp_path / "model"), Refusing(), tmp_path / "out")


@pytest.mark.parametrize(
    ("facts", "match"),
    [
        (
            {"labels": ("silence", "yes"), "output": {"shape": [1, 12], "dtype": "float32"}},
            "12 outputs and 2 labels",
        ),
        ({"input": {"shape": [1, 1960], "dtype": "uint8"}}, "input is uint8"),
        ({"input": {"shape": [1, 1960], "dtype": "int8", "scale": 1e-6, "zero_point": 0}}, "too small"),
    ],
)
def test_a_model_that_the_sketch_cannot_serve_is_refused(tmp_path, facts, match):
    with pytest.raises((BuildFailed, UsageError), match=match):
        stage(tiny_model(tmp_path / "model", **facts), TinyEngine(), tmp_path / "out")
