from __future__ import annotations

from pathlib import Path

import pytest

from models import networks
from models.errors import ConfigError
from models.variants import CONFIGS, NETWORKS, load_variants, read_variant

WHOLE = """
id = "some"
title = "Some"
network = "tinyconv"
precision = "int8"
seed = 7

[training]
epochs = 3
learning_rate = 0.01
"""


def written(folder: Path, text: str, name: str = "some.toml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def refusal(file: Path) -> str:
    with pytest.raises(ConfigError) as raised:
        read_variant(file)
    return str(raised.value)


def test_shipped_variants_are_valid_and_sorted():
    assert [variant.id for variant in load_variants()] == ["tinyconv-float32", "tinyconv-int8"]


def test_shipped_precisions_share_one_training():
    first, second = load_variants(pattern="tinyconv-*")
    assert (first.network, first.seed, first.training) == (second.network, second.seed, second.training)


def test_shipped_files_tell_the_command_and_what_to_expect():
    for file in CONFIGS.glob("*.toml"):
        head = [line for line in file.read_text().splitlines() if line.startswith("#")]
        assert f"earshot train --variants {file.stem}" in head[0]
        assert any("accuracy" in line for line in head)


def test_every_named_network_exists():
    assert all(hasattr(networks, name) for name in NETWORKS.values())


def test_what_is_not_said_has_a_default(tmp_path):
    variant = read_variant(
        written(tmp_path, WHOLE.replace("learning_rate = 0.01", "").replace("seed = 7", ""))
    )
    assert (variant.seed, variant.training.epochs, variant.training.learning_rate) == (1, 3, 0.001)


def test_whole_number_serves_for_a_float(tmp_path):
    variant = read_variant(written(tmp_path, WHOLE.replace("learning_rate = 0.01", "weight_decay = 0")))
    assert isinstance(variant.training.weight_decay, float)


def test_pattern_chooses_by_id(tmp_path):
    written(tmp_path, WHOLE)
    written(tmp_path, "not even TOML", "other.toml")
    assert [variant.id for variant in load_variants(tmp_path, "so*")] == ["some"]


def test_pattern_without_match_tells_what_there_is(tmp_path):
    written(tmp_path, WHOLE)
    with pytest.raises(ConfigError, match=r"'x\*'.*There are: some"):
        load_variants(tmp_path, "x*")


@pytest.mark.parametrize(
    ("old", "new", "key", "allowed"),
    [
        ("seed = 7", "sed = 7", "sed", "seed"),
        ("epochs = 3", "epoch = 3", "training.epoch", "epochs"),
        ("seed = 7", 'seed = "7"', "seed", "int"),
        ("seed = 7", "seed = true", "seed", "int"),
        ("seed = 7", "seed = -1", "seed", "2^32"),
        ("epochs = 3", "epochs = 3.5", "training.epochs", "int"),
        ("epochs = 3", "epochs = 0", "training.epochs", "1 or more"),
        ("epochs = 3", "dropout = 1.0", "training.dropout", "below 1"),
        ("epochs = 3", "batch_size = 0", "training.batch_size", "1 or more"),
        ("epochs = 3", "weight_decay = -0.1", "training.weight_decay", "0 to below 1"),
        ("learning_rate = 0.01", "learning_rate = nan", "training.learning_rate", "above 0"),
        ('"tinyconv"', '"resnet"', "network", "tinyconv"),
        ('"int8"', '"int4"', "precision", "float32 or int8"),
        ('id = "some"', 'id = "other"', "id", "'some'"),
        ('title = "Some"', "", "title", "str"),
        ("[training]", "[[training]]", "training", "[training]"),
    ],
)
def test_what_is_wrong_is_named_with_file_key_and_allowed_values(tmp_path, old, new, key, allowed):
    message = refusal(written(tmp_path, WHOLE.replace(old, new)))
    assert "some.toml" in message and f", {key})" in message and allowed in message


@pytest.mark.parametrize("content", [b"id = ", b"\xff\xfe"])
def test_file_that_is_no_toml_is_named(tmp_path, content):
    file = tmp_path / "some.toml"
    file.write_bytes(content)
    assert "some.toml" in refusal(file)
