from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import ConfigError
from models.studies import STUDIES, Networks, load_studies, load_study

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
plots = ["accuracy over bits", "mse over parameters"]

[study.claims.more]
text = "aware, 4 bits are as good as float32"
this = ["method = aware", "bits = 4"]
that = ["trained"]
margin = -0.02

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
    assert (study.name, study.title, study.x) == ("bits", "Bits", "quantization.bits")
    assert len(study.variants) == 8
    assert {study.x_of(item) for item in study.variants} == {2, 4}
    assert {study.series_of(item) for item in study.variants} == {
        "aware, asymmetric",
        "post-training, asymmetric",
    }


def test_a_claim_says_which_networks_it_is_about(tmp_path):
    (claim,) = load_study("bits", written(tmp_path, STUDY)).claims
    assert claim.this == Networks({"method": ("aware",), "bits": ("4",)}, "after")
    assert claim.that == Networks({}, "trained")
    assert claim.margin == -0.02


def test_a_claim_may_be_about_several_values(tmp_path):
    study = load_study("bits", written(tmp_path, STUDY.replace('"bits = 4"', '"bits = 2 4", "before"')))
    assert study.claims[0].this == Networks({"method": ("aware",), "bits": ("2", "4")}, "before")


def test_plots_are_a_measure_over_a_size(tmp_path):
    study = load_study("bits", written(tmp_path, STUDY))
    assert study.plots == (("accuracy", "bits"), ("mse", "parameters"))


def test_variants_of_one_training_are_told_by_what_varies_in_it(tmp_path):
    study = load_study("bits", written(tmp_path, STUDY))
    assert {study.training_of(item)["seed"] for item in study.variants} == {"1", "2"}
    assert all(list(study.training_of(item)) == ["seed"] for item in study.variants)
    assert study.values_of(study.variants[0]) == {"seed": "1", "method": "aware", "bits": "2"}


def test_a_number_in_a_series_is_named(tmp_path):
    study = load_study("bits", written(tmp_path, STUDY.replace('"method", "symmetric"', '"seed"')))
    assert {study.series_of(item) for item in study.variants} == {"seed = 1", "seed = 2"}


@pytest.mark.parametrize(
    ("old", "new", "key", "allowed"),
    [
        ('x = "bits"', 'x = "bit"', "study.x", "bits"),
        ('"symmetric"]', '"color"]', "study.series", "method"),
        ('title = "Bits"', "", "study.title", "text"),
        ('question = "Are more bits better?"', 'question = " "', "study.question", "some text"),
        ("mse over parameters", "mse by parameters", "study.plots", "A over B"),
        ("mse over parameters", "mse over threshold", "study.plots", "operations"),
        ('"method = aware"', '"methods = aware"', "study.claims.more.this", "method"),
        ('"method = aware"', '"method = awar"', "study.claims.more.this", "aware, post-training"),
        ('"trained"', '"trained", "before"', "study.claims.more.that", "trained, before"),
        ("margin = -0.02", "margin = 2", "study.claims.more.margin", "below 1"),
        ("[quantization]", "[training]", "training.method", "dropout"),
        ("[study]", "[stuudy]", "study.title", "text"),
        ("bits = [2, 4]", "bits = [2, 40]", "quantization.bits", "2, 3, 4"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, old, new, key, allowed):
    with pytest.raises(ConfigError) as raised:
        load_study("bits", written(tmp_path, STUDY.replace(old, new)))
    message = str(raised.value)
    assert f"{key})" in message and "bits.toml" in message and allowed in message


def test_networks_that_nothing_is_done_to_are_no_study(tmp_path):
    text = """
        id = "seed-{seed}"
        title = "TinyConv"
        network = "tinyconv"
        precision = "float32"
        seed = [1, 2]
        [study]
        title = "Seeds"
        question = "Do seeds matter?"
        x = "seed"
    """
    (tmp_path / "seed.toml").write_text(text)
    with pytest.raises(ConfigError, match="pruned or quantized"):
        load_study("seed", tmp_path)


def test_an_unknown_study_tells_which_there_are(tmp_path):
    with pytest.raises(ConfigError, match="There are: bits"):
        load_study("bit", written(tmp_path, STUDY))


def test_shipped_studies_have_three_seeds_at_every_point():
    for study in load_studies():
        points: dict[tuple, set[int]] = {}
        for item in study.variants:
            points.setdefault((study.x_of(item), study.series_of(item)), set()).add(item.seed)
        assert all(len(seeds) >= 3 for seeds in points.values()), study.name


def test_shipped_files_tell_their_command():
    for file in STUDIES.glob("*.toml"):
        assert file.read_text().startswith(f"# earshot study {file.stem}\n")
