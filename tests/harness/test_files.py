from __future__ import annotations

import pytest

from harness.files import file_name, point_link, write_atomic


@pytest.mark.parametrize("content", ["größer\n", "größer\n".encode()])
def test_write_creates_the_file_and_its_folders_only(tmp_path, content):
    path = tmp_path / "a" / "b" / "record.json"
    write_atomic(content, path)
    assert path.read_bytes() == "größer\n".encode()
    assert [*path.parent.iterdir()] == [path]


def test_write_replaces_a_longer_file(tmp_path):
    path = tmp_path / "record.json"
    path.write_text("a longer old one")
    write_atomic("new", path)
    assert path.read_text() == "new"


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "record.json"
    path.write_text("old")
    monkeypatch.setattr("os.fsync", lambda handle: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_atomic("half of it", path)
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


def test_link_moves_to_the_new_target(tmp_path):
    for name in ("first", "second"):
        (tmp_path / "board" / name).mkdir(parents=True)
        point_link(tmp_path / "latest", tmp_path / "board" / name)
        assert (tmp_path / "latest").readlink().as_posix() == f"board/{name}"


@pytest.mark.parametrize("name", ["desk", "nano33ble", "tinyconv-int8", "Desk_2.left", "küche", "はい"])
def test_a_plain_name_is_its_files_name(name):
    assert file_name(name) == name


NAMES = [
    "",
    ".",
    "..",
    "../x",
    "/x",
    "a/b",
    "a-b",
    "a b",
    "a\\b",
    "a\0b",
    "a\nb",
    "CON",
    "con.txt",
    "lpt1",
    "x.",
    "-x",
]
NAMES += [".x", "x" * 300, "x" * 301, "ü" * 200, "ü", "u\u0308", "\U00020000" * 99, "\udcff", "~", "*", "C:x"]


def test_any_name_becomes_a_files_name_of_its_own(tmp_path):
    names = [file_name(name) for name in NAMES]
    for name in names:
        (tmp_path / f"{name}.toml").write_text("")
        write_atomic("", tmp_path / f"{name}.toml")
    assert {path.stem for path in tmp_path.iterdir()} == set(names) and len(set(names)) == len(NAMES)
    assert not [name for name in names if name.startswith((".", "-")) or name.lower() in ("con", "lpt1")]
