from __future__ import annotations

from pathlib import Path

import pytest

from models import networks
from models.errors import ConfigError
from models.decoding import TomlFile
from models.variants import CONFIGS, NETWORKS, Variant, family_of, load_family, load_variants

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


PRUNED = '[pruning]\nkind = "weights"\nthreshold = 0.5\n[training]'
QUANTIZED = '[quantization]\nmethod = "aware"\nbits = 8\n[training]'
MINIFLOAT = '[quantization]\nmethod = "aware"\nnumber = "minifloat"\nbits = 5\n[training]'
FAMILY = WHOLE.replace('id = "some"', 'id = "some-{threshold}"').replace(
    "[training]", PRUNED.replace("0.5", "[0.125, 0.5]")
)


def written(folder: Path, text: str, name: str = "some.toml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def read_one(file: Path) -> Variant:
    """The only variant of a file; raises what is wrong with it."""
    (variant,), refused = family_of(TomlFile(file))
    assert not refused
    return variant


def refusal(file: Path) -> str:
    with pytest.raises(ConfigError) as raised:
        read_one(file)
    return str(raised.value)


def test_shipped_variants_are_valid_and_sorted():
    ids = [variant.id for variant in load_variants()]
    assert ids == sorted(ids) and {"tinyconv-float32", "tinyconv-int8", "ds-cnn-int8"} <= set(ids)


def test_the_shipped_family_has_enough_for_the_boards():
    assert sum(variant.deployable for variant in load_variants()) >= 24


@pytest.mark.parametrize("network", NETWORKS)
def test_shipped_variants_of_a_network_share_one_training(network):
    variants = [variant for variant in load_variants() if variant.network == network]
    first = variants[0]
    assert all((item.seed, item.training) == (first.seed, first.training) for item in variants)


def test_shipped_files_tell_their_command():
    for file in CONFIGS.glob("*.toml"):
        command = file.read_text().splitlines()[0]
        assert command.startswith("# earshot ")
        assert load_variants(pattern=command.split("--variants ")[1].strip("'"))


def test_every_named_network_exists():
    assert all(hasattr(networks, name) for name in NETWORKS.values())


def test_what_is_not_said_has_a_default(tmp_path):
    variant = read_one(written(tmp_path, WHOLE.replace("learning_rate = 0.01", "").replace("seed = 7", "")))
    assert (variant.seed, variant.training.epochs, variant.training.learning_rate) == (1, 3, 0.001)


def test_whole_number_serves_for_a_float(tmp_path):
    variant = read_one(written(tmp_path, WHOLE.replace("learning_rate = 0.01", "weight_decay = 0")))
    assert isinstance(variant.training.weight_decay, float)


def test_pattern_chooses_by_id(tmp_path):
    written(tmp_path, WHOLE)
    written(tmp_path, "not even TOML", "other.toml")
    assert [variant.id for variant in load_variants(tmp_path, "so*")] == ["some"]


def test_pattern_without_match_tells_what_there_is(tmp_path):
    written(tmp_path, WHOLE)
    with pytest.raises(ConfigError, match=r"'x\*'.*There are the families: some"):
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
        ('id = "some"', 'id = "other"', "id", "'some', the file's name, and more"),
        ('title = "Some"', "", "title", "str"),
        ("[training]", "[[training]]", "training", "[training]"),
        ("epochs = 3", "l1 = -1e-4", "training.l1", "0 to below 1"),
        ("[training]", PRUNED.replace("0.5", "1.0"), "pruning.threshold", "above 0, below 1"),
        ("[training]", PRUNED.replace("0.5", "0"), "pruning.threshold", "above 0, below 1"),
        ("[training]", PRUNED.replace("0.5", "[]"), "pruning.threshold", "Give a value"),
        ("[training]", PRUNED.replace("weights", "layers"), "pruning.kind", "weights or channels"),
        ("[training]", PRUNED.replace("threshold", "treshold"), "pruning.treshold", "threshold"),
        ("[training]", QUANTIZED.replace("8", "9"), "quantization.bits", "2, 3, 4, 5, 6, 7, 8"),
        ("[training]", QUANTIZED.replace("8", "1"), "quantization.bits", "2, 3, 4, 5, 6, 7, 8"),
        ("[training]", MINIFLOAT, "quantization.bits", "3, 4, 6, 8, of the number 'minifloat'"),
        ("[training]", QUANTIZED.replace("8", '"8"'), "quantization.bits", "int"),
        ("[training]", QUANTIZED.replace("8", "4"), "precision", "float32"),
        ("[training]", QUANTIZED.replace("aware", "post-training"), "precision", "float32"),
        ("[training]", QUANTIZED.replace("= 8", "= 8\nsymmetric = false"), "quantization.symmetric", "true"),
        (
            "[training]",
            QUANTIZED.replace("= 8", "= 8\nper_channel = false"),
            "quantization.per_channel",
            "true",
        ),
        ('id = "some"', 'id = "some-{bits}"', "id", "{network}"),
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


def test_a_list_stands_for_a_variant_each(tmp_path):
    written(tmp_path, FAMILY)
    variants = load_variants(tmp_path)
    assert [(item.id, item.pruning.threshold) for item in variants] == [
        ("some-12.5", 0.125),
        ("some-50", 0.5),
    ]


def test_pattern_chooses_members_of_a_family(tmp_path):
    written(tmp_path, FAMILY)
    assert [item.id for item in load_variants(tmp_path, "some-5*")] == ["some-50"]


def test_a_member_that_is_wrong_leaves_the_others(tmp_path):
    written(tmp_path, FAMILY.replace("0.125", "1.5"))
    (variant,), (refused,) = load_family(tmp_path)
    assert (variant.id, refused.id) == ("some-50", "some-150")
    assert "some.toml, line 10, pruning.threshold" in str(refused.failure)


def test_a_file_that_is_wrong_as_a_whole_is_told_once(tmp_path):
    written(tmp_path, FAMILY.replace("seed", "sed"))
    written(tmp_path, WHOLE.replace('"some"', '"other"'), "other.toml")
    (variant,), (refused,) = load_family(tmp_path)
    assert (variant.id, refused.id) == ("other", "some")
    with pytest.raises(ConfigError, match="unknown key"):
        load_variants(tmp_path)


def test_a_wrong_file_that_cannot_match_is_no_matter(tmp_path):
    written(tmp_path, FAMILY.replace("seed", "sed"))
    written(tmp_path, WHOLE.replace('"some"', '"other"'), "other.toml")
    assert len(load_variants(tmp_path, "other*")) == 1
    with pytest.raises(ConfigError, match="unknown key"):
        load_variants(tmp_path, "some-12.5")


def test_members_of_one_id_are_refused_with_what_the_id_lacks(tmp_path):
    file = written(tmp_path, FAMILY.replace("some-{threshold}", "some"))
    assert "line 2, id" in refusal(file) and "{threshold}" in refusal(file)


def test_two_files_with_one_id_are_refused(tmp_path):
    written(tmp_path, WHOLE.replace('"some"', '"some-more"'))
    written(tmp_path, WHOLE.replace('"some"', '"some-more"'), "some-more.toml")
    with pytest.raises(ConfigError, match="two files have a variant 'some-more'"):
        load_variants(tmp_path)


@pytest.mark.parametrize(
    ("settings", "deployable"),
    [
        ("", True),
        (PRUNED.removesuffix("[training]"), True),
        (QUANTIZED.removesuffix("[training]"), True),
    ],
)
def test_what_runs_on_boards_is_deployable(tmp_path, settings, deployable):
    assert read_one(written(tmp_path, WHOLE + settings)).deployable is deployable


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_what_no_board_runs_is_not_deployable(tmp_path, bits):
    text = WHOLE.replace('"int8"', '"float32"') + QUANTIZED.removesuffix("[training]").replace("8", str(bits))
    assert not read_one(written(tmp_path, text)).deployable
