"""Studies as TOML files: points, series, plots and refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import ConfigError
from models.studies import load_study, study_names

STUDY = """
id = "bits-{method}-{bits}-{seed}"
title = "{bits} bit"
network = "tinyconv"
precision = "float32"
seed = [1, 2]

[study]
title = "Bits"
question = "Are more bits better?"
x = "bits"
series = ["method", "symmetric"]
reference = "aware, asymmetric"
plots = ["accuracy over bits", "mse over parameters"]

[quantization]
method = ["aware", "post-training"]
symmetric = false
bits = [2, 4]
"""


def written(folder: Path, text: str) -> Path:
    (folder / "bits.toml").write_text(text)
    return folder


def test_every_point_is_a_variant(tmp_path):
    study = load_study("bits", written(tmp_path, STUDY))
    assert (study.name, study.heading.title, study.x) == ("bits", "Bits", "quantization.bits")
    assert study.plots == (("accuracy", "bits"), ("mse", "parameters"))
    assert len(study.variants) == 8
    assert {study.x_of(item) for item in study.variants} == {2, 4}
    assert {study.series_of(item) for item in study.variants} == {
        "aware, asymmetric",
        "post-training, asymmetric",
    }


def test_points_of_one_training_have_the_same_description(tmp_path):
    study = load_study("bits", written(tmp_path, STUDY))
    assert {study.training_of(item) for item in study.variants} == {""}
    text = STUDY + "\n[training]\nl1 = [0, 0.001]\n"
    study = load_study("bits", written(tmp_path, text.replace("{seed}", "{l1}-{seed}")))
    assert {study.training_of(item) for item in study.variants} == {"l1 = 0", "l1 = 0.001"}


@pytest.mark.parametrize(
    ("old", "new", "key", "allowed"),
    [
        ('x = "bits"', 'x = "bit"', "study.x", "bits"),
        ('"symmetric"]', '"color"]', "study.series", "method"),
        ('title = "Bits"', "", "study.title", "text"),
        ('question = "Are more bits better?"', 'question = " "', "study.question", "some text"),
        ('"aware, asymmetric"', '"aware"', "study.reference", "post-training, asymmetric"),
        ("mse over parameters", "mse by parameters", "study.plots", "A over B"),
        ("mse over parameters", "mse over threshold", "study.plots", "operations"),
        ("[quantization]", "[training]", "training.method", "dropout"),
        ("[study]", "[stuudy]", "study.title", "text"),
        ("bits = [2, 4]", "bits = [2, 40]", "quantization.bits", "2, 3, 4"),
        ('x = "bits"', 'x = "bits"\non_linux = true', "study.on_linux", "ONNX cannot hold"),
        (
            'bits-{method}-{bits}-{seed}"\ntitle = "{bits} bit"\nnetwork = "tinyconv"',
            'bits-{network}-{method}-{bits}-{seed}"\ntitle = ""\nnetwork = ["tinyconv", "mobilenet"]',
            "network",
            "Give one text",
        ),
    ],
)
def test_a_refusal_names_file_key_and_allowed_values(tmp_path, old, new, key, allowed):
    with pytest.raises(ConfigError) as raised:
        load_study("bits", written(tmp_path, STUDY.replace(old, new)))
    message = str(raised.value)
    assert f"{key})" in message and "bits.toml" in message and allowed in message


def test_shipped_studies_have_three_seeds_at_every_point():
    for study in map(load_study, study_names()):
        if study.name == "mobilenet":
            continue  # like the published one, it trains each network once
        points: dict[tuple, set[int]] = {}
        for item in study.variants:
            points.setdefault((study.x_of(item), study.series_of(item)), set()).add(item.seed)
        assert all(len(seeds) >= 3 for seeds in points.values()), study.name
