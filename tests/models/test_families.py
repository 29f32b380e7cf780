from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import ConfigError
from models.families import format_value, members, varying
from models.decoding import TomlFile


def family(folder: Path, text: str) -> TomlFile:
    file = folder / "family.toml"
    file.write_text(text)
    return TomlFile(file)


def test_lists_multiply_and_the_last_varies_fastest(tmp_path):
    found = members(family(tmp_path, 'id = "{a}{b}"\na = [1, 2]\n[table]\nb = ["x", "y"]\nc = 3\n'))
    assert [item.tables for item in found] == [
        {"id": f"{a}{b}", "a": a, "table": {"b": b, "c": 3}} for a in (1, 2) for b in ("x", "y")
    ]


def test_without_a_list_there_is_one_member(tmp_path):
    (only,) = members(family(tmp_path, 'id = "a"\n[table]\nb = 1\n'))
    assert only.tables == {"id": "a", "table": {"b": 1}}


def test_a_list_of_one_is_its_value(tmp_path):
    (only,) = members(family(tmp_path, "a = [7]\n"))
    assert only.tables == {"a": 7}


def test_messages_of_a_member_name_the_line_of_the_file(tmp_path):
    member = members(family(tmp_path, "a = [1, 2]\n[table]\nb = [3, 4]\n"))[1]
    assert "family.toml, line 3, table.b" in str(member.refusal("wrong", ("table", "b"), "Mend it."))


def test_an_empty_list_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="line 1, a"):
        members(family(tmp_path, "a = []\n"))


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("threshold", 0.125, "12.5"),
        ("threshold", 0.9, "90"),
        ("threshold", 0.29, "29"),
        ("l1", 1e-4, "0.0001"),
        ("l1", 0.0, "0"),
        ("bits", 4, "4"),
        ("criterion", "linf", "linf"),
        ("symmetric", False, "asymmetric"),
        ("per_channel", True, "per-channel"),
    ],
)
def test_values_in_names(key, value, text):
    assert format_value(key, value) == text


def test_a_key_that_two_tables_have_is_named_in_full(tmp_path):
    text = 'id = "{one.a}-{two.a}"\n[one]\na = [1, 2]\n[two]\na = 3\n'
    assert [item.tables["id"] for item in members(family(tmp_path, text))] == ["1-3", "2-3"]
    assert varying(family(tmp_path, text)) == ["one.a"]


@pytest.mark.parametrize("name", ["{b}", "{}", "{id}", "{table.a}"])
def test_a_name_that_is_no_key_is_refused_with_those_there_are(tmp_path, name):
    with pytest.raises(ConfigError, match=r"line 1, id\). Allowed are: \{a\}"):
        members(family(tmp_path, f'id = "{name}"\n[table]\na = 1\n'))
