"""Variants and families of them, from TOML files."""

from __future__ import annotations

from pathlib import Path

import pytest

from models import networks
from models.decoding import TomlFile
from models.errors import ConfigError
from models.families import format_value, members, varying
from models.variants import IMAGE_NETWORKS, NETWORKS, Variant, family_of, load_family

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
    (variant,), refused = family_of(TomlFile(file))
    assert not refused
    return variant


def refusal(file: Path) -> str:
    with pytest.raises(ConfigError) as raised:
        read_one(file)
    return str(raised.value)


def family(folder: Path, text: str) -> TomlFile:
    return TomlFile(written(folder, text, "family.toml"))


@pytest.mark.parametrize("network", sorted(set(NETWORKS) - set(IMAGE_NETWORKS)))
def test_shipped_variants_of_a_network_share_one_training(network):
    assert hasattr(networks, NETWORKS[network])
    default = Variant("", "", network, "int8").words
    variants = [item for item in load_family()[0] if (item.network, item.words) == (network, default)]
    assert f"{network}-int8" in [item.id for item in variants]
    assert all((item.seed, item.training) == (variants[0].seed, variants[0].training) for item in variants)


def test_a_network_of_images_is_refused_for_boards(tmp_path):
    written(tmp_path, 'id = "some"\ntitle = ""\nnetwork = "mobilenet"\nprecision = "float32"\n')
    variants, (refused,) = load_family(tmp_path)
    assert not variants
    message = str(refused.failure)
    assert "no board can run mobilenet: it takes images" in message and "earshot study" in message


def test_a_network_of_images_has_floats(tmp_path):
    file = written(tmp_path, 'id = "some"\ntitle = ""\nnetwork = "mobilenet"\nprecision = "int8"\n')
    assert "precision" in refusal(file) and "float32 of a network that takes images" in refusal(file)


def test_a_new_file_is_a_new_variant(tmp_path):
    written(tmp_path, WHOLE.replace("learning_rate = 0.01", "weight_decay = 0").replace("seed = 7", ""))
    written(tmp_path, "not even TOML", "other.toml")
    (variant,), _ = load_family(tmp_path, "so*")
    assert (variant.id, variant.seed, variant.front_end) == ("some", 1, "micro")
    assert (variant.training.epochs, variant.training.learning_rate) == (3, 0.001)
    assert isinstance(variant.training.weight_decay, float)


@pytest.mark.parametrize(
    ("old", "new", "key", "allowed"),
    [
        ("seed = 7", "sed = 7", "sed", "seed"),
        ("epochs = 3", "epoch = 3", "training.epoch", "epochs"),
        ("epochs = 3", "epochs = 0", "training.epochs", "at least 1"),
        ('"tinyconv"', '"resnet"', "network", "tinyconv"),
        ("seed = 7", 'front_end = "mel"', "front_end", "micro"),
        ('id = "some"', 'id = "other"', "id", "'some', the file's name, and more"),
        ("[training]", PRUNED.replace("0.5", "1.0"), "pruning.threshold", "above 0, below 1"),
        ("[training]", PRUNED.replace("0.5", "[]"), "pruning.threshold", "Give one value"),
        ("[training]", QUANTIZED.replace("8", "9"), "quantization.bits", "2, 3, 4, 5, 6, 7, 8"),
        ("[training]", MINIFLOAT, "quantization.bits", "3, 4, 6, 8 of the number 'minifloat'"),
        ("[training]", QUANTIZED.replace("8", "4"), "precision", "float32"),
        ("[training]", QUANTIZED.replace("aware", "post-training"), "precision", "float32"),
        ("[training]", QUANTIZED.replace("= 8", "= 8\nsymmetric = false"), "quantization.symmetric", "true"),
        ('id = "some"', 'id = "some-{bits}"', "id", "{network}"),
    ],
)
def test_an_error_names_file_key_and_allowed_values(tmp_path, old, new, key, allowed):
    message = refusal(written(tmp_path, WHOLE.replace(old, new)))
    assert "some.toml" in message and f", {key})" in message and allowed in message


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        ("yes", "2 to 35 words"),
        (",".join(f"word{number}" for number in range(36)), "2 to 35 words"),
        ("yes,,no", "words of letters or digits"),
        ("yes,../no", "words of letters or digits"),
        ("yes,Yes", "differ from each other"),
        ("yes,Unknown", "from unknown"),
    ],
)
def test_a_wrong_vocabulary_is_refused(tmp_path, words, allowed):
    message = refusal(written(tmp_path, WHOLE.replace("seed", f'words = "{words}"\nseed')))
    assert "line 6, words" in message and allowed in message


def test_a_list_describes_one_variant_per_value(tmp_path):
    written(tmp_path, FAMILY)
    variants, _ = load_family(tmp_path)
    assert {item.id: item.pruning.threshold for item in variants} == {"some-12.5": 0.125, "some-50": 0.5}
    assert [item.id for item in load_family(tmp_path, "some-5*")[0]] == ["some-50"]
    with pytest.raises(ConfigError, match=r"'x\*'.*Existing families: some"):
        load_family(tmp_path, "some-50, x*")
    both, _ = load_family(tmp_path, "some-50, some-12*,some-5*")
    assert [item.id for item in both] == ["some-12.5", "some-50"]


def test_a_wrong_member_leaves_the_others(tmp_path):
    written(tmp_path, FAMILY.replace("0.125", "1.5"))
    (variant,), (refused,) = load_family(tmp_path)
    assert (variant.id, refused.id) == ("some-50", "some-150")
    assert "some.toml, line 10, pruning.threshold" in str(refused.failure)


def test_a_wrong_file_is_refused_once_if_it_may_match(tmp_path):
    written(tmp_path, FAMILY.replace("seed", "sed"))
    written(tmp_path, WHOLE.replace('"some"', '"other"'), "other.toml")
    (variant,), (refused,) = load_family(tmp_path)
    assert (variant.id, refused.id) == ("other", "some")
    assert [len(found) for found in load_family(tmp_path, "other*")] == [1, 0]
    (refused,) = load_family(tmp_path, "some-12.5")[1]
    assert "unknown key" in str(refused.failure)


def test_equal_ids_are_refused(tmp_path):
    file = written(tmp_path, FAMILY.replace("some-{threshold}", "some"))
    assert "line 2, id" in refusal(file) and "{threshold}" in refusal(file)
    written(tmp_path, WHOLE.replace('"some"', '"some-more"'))
    written(tmp_path, WHOLE.replace('"some"', '"some-more"'), "some-more.toml")
    (twice,) = (item for item in load_family(tmp_path)[1] if item.id == "some-more")
    assert "two files have a variant 'some-more'" in str(twice.failure)


def test_lists_multiply_and_the_last_varies_fastest(tmp_path):
    found = members(family(tmp_path, 'id = "{a}{b}"\na = [1, 2]\n[table]\nb = ["x", "y"]\nc = [3]\n'))
    assert [item.tables for item in found] == [
        {"id": f"{a}{b}", "a": a, "table": {"b": b, "c": 3}} for a in (1, 2) for b in ("x", "y")
    ]


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("threshold", 0.125, "12.5"),
        ("l1", 1e-4, "0.0001"),
        ("criterion", "linf", "linf"),
        ("symmetric", False, "asymmetric"),
        ("per_channel", True, "per-channel"),
    ],
)
def test_values_in_names(key, value, text):
    assert format_value(key, value) == text


def test_a_key_of_two_tables_is_named_in_full(tmp_path):
    text = 'id = "{one.a}-{two.a}"\n[one]\na = [1, 2]\n[two]\na = 3\n'
    assert [item.tables["id"] for item in members(family(tmp_path, text))] == ["1-3", "2-3"]
    assert varying(family(tmp_path, text)) == ["one.a"]


def test_a_family_too_large_to_list_is_refused(tmp_path):
    lists = "".join(f"k{number} = {list(range(100))}\n" for number in range(9))
    with pytest.raises(ConfigError, match=r"1,000,000,000,000,000,000 variants .*line 1, k0"):
        members(family(tmp_path, lists))


@pytest.mark.parametrize("name", ["{b}", "{}", "{id}", "{table.a}"])
def test_an_unknown_name_in_a_template_is_refused(tmp_path, name):
    with pytest.raises(ConfigError, match=r"line 1, id\). Allowed: \{a\}"):
        members(family(tmp_path, f'id = "{name}"\n[table]\na = 1\n'))
