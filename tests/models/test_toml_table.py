"""A TOML file becomes a dataclass; what is wrong in it is named with file, line, key and what is allowed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ConfigError
from models.toml_table import Allowed, TableName, TomlFile, matching

LIMIT = 9


@dataclass(frozen=True)
class Desk:
    name: Annotated[str, TableName]
    color: Literal["red", "green"] = "red"
    tags: Annotated[tuple[str, ...], matching("[a-z]+", "a to z")] = ()


@dataclass(frozen=True)
class Room:
    height_m: float


@dataclass(frozen=True)
class House:
    title: str
    floors: Annotated[int, Allowed(lambda count: 1 <= count <= LIMIT, "1 to 9")] = 2
    open: bool = False
    plan: Path | None = None
    slope: float | None = None
    room: Room | None = None
    hall: Room = field(default_factory=lambda: Room(3.0))
    desk: dict[str, Desk] = field(default_factory=dict)


@pytest.fixture
def house(tmp_path):
    def read(text: str) -> House:
        file = tmp_path / "house.toml"
        file.write_text(text)
        return TomlFile(file).read(House)

    return read


def test_what_is_not_said_has_its_default(house):
    assert house('title = "A"') == House("A")


def test_every_kind_of_field_is_read(house, tmp_path):
    text = """
    title = "A"
    floors = 3
    open = true
    plan = "plans/a.svg"
    slope = 1

    [room]
    height_m = 2.5
    [hall]
    height_m = 4
    [desk.left]
    color = "green"
    tags = ["old", "oak"]
    [desk.right]
    """
    desks = {"left": Desk("left", "green", ("old", "oak")), "right": Desk("right")}
    assert house(text) == House("A", 3, True, tmp_path / "plans/a.svg", 1.0, Room(2.5), Room(4.0), desks)


def test_a_whole_number_serves_for_a_float(house):
    assert isinstance(house('title = "A"\nslope = 1').slope, float)


@pytest.mark.parametrize(
    ("text", "place", "helps"),
    [
        ("", "house.toml, title", "str"),
        ('\ntitel = "A"', "house.toml, line 2, titel", "title, floors"),
        ("title = 3", "line 1, title", "str"),
        ('title = "A"\nfloors = "2"', "line 2, floors", "int"),
        ('title = "A"\nfloors = true', "line 2, floors", "int"),
        ('title = "A"\nfloors = 2.0', "line 2, floors", "int"),
        ('title = "A"\nfloors = 10', "line 2, floors", "1 to 9"),
        ('title = "A"\nopen = 1', "line 2, open", "true or false"),
        ('title = "A"\nslope = nan', "line 2, slope", "finite"),
        ('title = "A"\nplan = 7', "line 2, plan", "path"),
        ('title = "A"\n# hall\nroom = 2', "line 3, room", "[room]"),
        ('title = "A"\n\n[[room]]\nheight_m = 2', "line 3, room", "[room]"),
        ('title = "A"\n\n[room]\n', "line 3, room.height_m", "float"),
        ('title = "A"\n[room]\nheight_m = 2\nlength_m = 3', "line 4, room.length_m", "height_m"),
        ('title = "A"\n[desk]\ncolor = "red"', "line 3, desk.color", "[desk.color]"),
        ('title = "A"\n[desk.left]\ncolor = "blue"', "line 3, desk.left.color", "red or green"),
        ('title = "A"\n[desk.left]\ncolor = 3', "line 3, desk.left.color", '"red" or "green"'),
        ('title = "A"\n[desk.left]\nname = "x"', "line 3, desk.left.name", "color, tags"),
        ('title = "A"\n[desk.left]\ntags = "old"', "line 3, desk.left.tags", '["one", "two"]'),
        ('title = "A"\n[desk.left]\n\ntags = [\n  "old",\n  "OAK",\n]', "line 4, desk.left.tags", "a to z"),
        ('title = "A"\ntitle = "B"\n', "house.toml, line 2", "overwrite"),
        ('title = "A"\nfloors =\nopen = true', "house.toml, line 2", "Invalid value"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place_and_what_is_allowed(house, text, place, helps):
    with pytest.raises(ConfigError) as raised:
        house(text)
    assert place in f"{raised.value.where}"
    assert helps in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        TomlFile(tmp_path / "nowhere.toml")


def test_a_file_of_another_encoding_is_named(tmp_path):
    (tmp_path / "odd.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"odd\.toml"):
        TomlFile(tmp_path / "odd.toml")


STATEMENTS = st.sampled_from(
    ["", "# room", 'note = """\n[desk]\nlost = 1\n"""', "list = [\n 1,\n\n 2 ]", "[other]", "a.b = 1"]
)


@given(st.lists(STATEMENTS, unique=True), st.lists(STATEMENTS, unique=True))
def test_the_line_of_a_key_is_where_its_statement_begins(tmp_path_factory, before, after):
    file = tmp_path_factory.getbasetemp() / "lines.toml"
    above = "\n".join([*before, "[desk.left]"])
    below = [statement for statement in after if statement not in before]
    file.write_text("\n".join([above, "lost = 1", *below]))
    toml = TomlFile(file)
    assert toml.line_of(("desk", "left", "lost")) == above.count("\n") + 2
    assert toml.line_of(("desk", "left")) == above.count("\n") + 1
    assert toml.line_of(("desk", "right")) is None
