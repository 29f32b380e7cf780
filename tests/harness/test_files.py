from __future__ import annotations

import pytest

from harness.files import write_atomic


def test_what_was_written_is_there_and_nothing_else(tmp_path):
    path = tmp_path / "a" / "b" / "record.json"
    write_atomic("größer\n", path)
    assert path.read_bytes() == "größer\n".encode()
    assert [*path.parent.iterdir()] == [path]


def test_a_file_that_is_there_is_replaced(tmp_path):
    path = tmp_path / "record.json"
    path.write_text("a longer old one")
    write_atomic("new", path)
    assert path.read_text() == "new"


def test_of_a_write_that_fails_nothing_remains(tmp_path):
    path = tmp_path / "record.json"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_atomic("half of it" * 10_000 + "\ud800", path)
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]
