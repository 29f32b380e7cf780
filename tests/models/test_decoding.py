from __future__ import annotations

import itertools
import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decoding import Meta, TomlFile, decode_json, matching
from models.errors import ConfigError


@dataclass(frozen=True)
class Desk:
    color: Literal["red", "green"] = "red"
    tags: tuple[Annotated[str, matching("[a-z]+", "a to z")], ...] = ()


@dataclass(frozen=True)
class Room:
    height_m: float


@dataclass(frozen=True)
class House:
    title: str
    floors: Annotated[int, Meta(ge=1, le=9)] = 2
    open: bool = False
    plan: Path | None = None
    slope: float | None = None
    room: Room | None = None
    rooms: list[Room] = field(default_factory=list)
    desk: dict[str, Desk] = field(default_factory=dict)
    number: int | float | str | None = None

    def __post_init__(self) -> None:
        if self.title == "ruin":
            raise ValueError("a ruin has no floors")


def test_every_type_of_field_is_read():
    text = """
    title = "A"
    floors = 3
    open = true
    plan = "plans/a.svg"
    slope = 1
    number = 7

    [room]
    height_m = 2.5
    [desk.left]
    color = "green"
    tags = ["old", "oak"]
    [desk.right]
    [[rooms]]
    height_m = 1
    """
    desks = {"left": Desk("green", ("old", "oak")), "right": Desk()}
    house = House("A", 3, True, Path("home/plans/a.svg"), 1.0, Room(2.5), [Room(1.0)], desks, 7)
    read = TomlFile(Path("home/house.toml"), text).read(House)
    assert read == house
    assert isinstance(read.slope, float)


@pytest.mark.parametrize(
    ("text", "place", "helps"),
    [
        ("", "house.toml, title", "a text"),
        ('\ntitel = "A"', "house.toml, line 2, titel", "title, floors"),
        ('title = "A"\nfloors = true', "line 2, floors", "a whole number"),
        ('title = "A"\nfloors = 10', "line 2, floors", "at least 1, at most 9"),
        ('title = "A"\nslope = nan', "line 2, slope", "finite"),
        ('title = "A"\nplan = ""', "line 2, plan", "a path"),
        ('title = "A"\nnumber = []', "line 2, number", "a whole number or a finite number or a text"),
        ('title = "A"\n# hall\nroom = 2', "line 3, room", "[room]"),
        ('title = "A"\n\n[room]\n', "line 3, room.height_m", "a finite number"),
        ('title = "A"\n[room]\nheight_m = 2\nlength_m = 3', "line 4, room.length_m", "height_m"),
        ('title = "A"\n[[rooms]]\nheight_m = 2\n[[rooms]]', "line 4, rooms[1].height_m", "a finite number"),
        ('title = "A"\n[desk]\ncolor = "red"', "line 3, desk.color", "[desk.color]"),
        ('title = "A"\n[desk.left]\ncolor = "blue"', "line 3, desk.left.color", '"red" or "green"'),
        ('title = "A"\n[desk.left]\nshape = "x"', "line 3, desk.left.shape", "color, tags"),
        ('title = "A"\n[desk.left]\n\ntags = [\n "old",\n "OAK",\n]', "line 4, desk.left.tags[1]", "a to z"),
        ('title = "A"\ntitle = "B"\n', "house.toml, line 2", "overwrite"),
        ('title = "A"\nfloors =\nopen = true', "house.toml, line 2", "Invalid value"),
        ('title = "ruin"', "house.toml", "a ruin has no floors"),
    ],
)  # fmt: skip
def test_an_error_names_place_and_allowed_values(text, place, helps):
    with pytest.raises(ConfigError) as raised:
        TomlFile(Path("house.toml"), text).read(House)
    assert place in raised.value.where
    assert helps in str(raised.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", "house.json"),
        ("[]", "house.json"),
        ('{"title": "A", "desk": {"left": {"colour": "red"}}}', "house.json, desk.left.colour"),
        ('{"title": "A", "rooms": [{"height_m": 1}, {"height_m": null}]}', "house.json, rooms[1].height_m"),
    ],
)
def test_an_error_in_json_names_file_and_key(text, place):
    with pytest.raises(ConfigError) as raised:
        decode_json(text, House, "house.json")
    assert raised.value.where == place


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["title", "floors", "room", "rooms", "desk", "number", "other"]), JSON)
)
def test_any_json_decodes_or_is_refused_with_its_file(data):
    try:
        decode_json(json.dumps(data), House, "house.json")
    except ConfigError as refusal:
        assert refusal.where.startswith("house.json") and refusal.remedy


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    file = tmp_path / "odd.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"odd\.toml"):
        TomlFile(file)


@pytest.mark.parametrize("content", ["\ufefftitle = 'größe'", "title = 'größe'\r\nfloors = 2\r\n"])
def test_a_byte_order_mark_and_line_ends_of_windows_are_read(tmp_path, content):
    file = tmp_path / "house.toml"
    file.write_bytes(content.encode())
    assert TomlFile(file).read(House) == House("größe")
    text = json.dumps({"title": "größe"})
    assert decode_json(text.encode("utf-8-sig"), House, "house.json") == House("größe")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("title = 'größe'".encode("utf-16"), "is UTF-16"),
        ("floors = 1\ntitle = 'größe'".encode("latin-1"), "is not UTF-8 in line 2"),
        (b"number = " + b"9" * 5000, "too many digits"),
        (b"title = 'A'\nnumber = 0x" + b"f" * 5000, "too many digits (house.toml, line 2, number)"),
        (b"floors = -9223372036854775809", "too many digits (house.toml, line 1, floors)"),
        (b"number = " + b"[" * 5000, "levels of nesting"),
        (b"number = " + b"[" * 60 + b"]" * 60, "levels of nesting (house.toml)"),
        (b"a." * 5000 + b"b = 1", "levels of nesting (house.toml)"),
        (b"title = 'A'\nplan = '~nobody-here/x'", "no home folder"),
        (b'title = "A"\nplan = "a\\u0000b"', "house.toml, line 2, plan"),
        (b"title = '" + b"A" * 1_000_001 + b"'", "Allowed: a text shorter"),
        (b'"a\\nb" = 1', r"unknown key (house.toml, line 1, 'a\nb')"),
    ],
    ids=itertools.count(),
)
def test_what_exceeds_a_limit_is_refused_in_one_line(tmp_path, monkeypatch, content, reason):
    monkeypatch.chdir(tmp_path)
    Path("house.toml").write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        TomlFile(Path("house.toml")).read(House)
    assert reason in str(raised.value) and "\n" not in str(raised.value) and len(str(raised.value)) < 250


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 100_000, "levels of nesting"),
        ('{"title": "A", "number": ' + "[" * 60 + "]" * 60 + "}", "levels of nesting (house.json)"),
        ('{"number": ' + "9" * 5000 + "}", "too many digits"),
        ('{"title": "A", "number": ' + "9" * 20 + "}", "too many digits (house.json, number)"),
        ('{"title": "\\ud800"}', "house.json, title"),
        ('{"title": "A", "plan": "a\\u0000b"}', "house.json, plan"),
        ('{"title": "A", "title": "B"}', "twice (house.json, title)"),
        ('{"title": "A", "slope": NaN}', "house.json, slope"),
        ('{"title": "A", "plan": "~nobody-here/x"}', "no home folder"),
    ],
    ids=itertools.count(),
)
def test_json_beyond_a_limit_is_refused_in_one_line(text, reason):
    with pytest.raises(ConfigError) as raised:
        decode_json(text, House, "house.json")
    assert reason in str(raised.value) and len(str(raised.value)) < 250


def test_the_lines_of_all_keys_take_as_many_parses_as_there_are_statements(tmp_path, monkeypatch):
    text = "".join(f"[desk.d{number}]\ntags = [\n 'a',\n]\n" for number in range(500))
    toml, parsed = TomlFile(tmp_path / "house.toml", text), []
    parse = tomllib.loads
    monkeypatch.setattr(tomllib, "loads", lambda statement: parsed.append(statement) or parse(statement))
    assert [toml.line_of(("desk", f"d{number}", "tags")) for number in (0, 499)] == [2, 1998]
    assert sum(map(len, parsed)) <= len(text)


STATEMENTS = st.sampled_from(
    [
        "",
        "# room",
        'note = """\n[desk]\nlost = 1\n"""',
        "list = [\n 1,\n\n 2 ]",
        "[other]",
        "a.b = 1",
        "[[more]]",
        "m = ''''it's\n]'''''",
        'q = ["""x"""", "]",\n1]',
        "t = { a = [\n] } # ]",
        r's = "[\""',
    ]
)


@given(st.lists(STATEMENTS, unique=True), st.lists(STATEMENTS, unique=True))
def test_the_line_of_a_key_is_where_its_statement_begins(before, after):
    above = "\n".join([*before, "[desk.left]"])
    below = [statement for statement in after if statement not in before]
    toml = TomlFile(Path("lines.toml"), "\n".join([above, "lost = 1", *below]))
    assert toml.line_of(("desk", "left", "lost")) == above.count("\n") + 2
    assert toml.line_of(("desk", "left")) == above.count("\n") + 1
    assert toml.line_of(("desk", "right")) is None
