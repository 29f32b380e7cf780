"""`earshot compare`: from records to a table and an exit code."""

from __future__ import annotations

import pytest
from gated_records import FLASH, INFERENCE, write_night

from harness import cli


@pytest.fixture
def base(tmp_path):
    return write_night(tmp_path / "base", 0)


@pytest.fixture
def head(tmp_path):
    return write_night(tmp_path / "head", 1, inference_us=11_157)


def test_the_same_is_clean(base, tmp_path, capsys):
    assert cli.main(["compare", str(base), str(write_night(tmp_path / "head", 1))]) == 0
    assert "Nothing changed on emulated" in capsys.readouterr().out


def test_a_change_is_named_and_told_by_the_exit_code(base, head, capsys):
    assert cli.main(["compare", str(base), str(head)]) == 3
    assert f"{INFERENCE} went from 11,000 µs to 11,157 µs (+157, +1.427%)" in capsys.readouterr().out.replace(
        "\n", " "
    )


def test_a_folder_of_nights_stands_for_its_last(base, head, tmp_path, capsys):
    write_night(tmp_path / "base", 2, flash_bytes=1)
    assert cli.main(["compare", str(tmp_path / "base"), str(head / "run.json")]) == 3
    assert f"{FLASH}" in capsys.readouterr().out


def test_markdown_is_added_to_what_a_file_has(base, head, tmp_path):
    summary = tmp_path / "summary.md"
    summary.write_text("# Before\n")
    assert cli.main(["compare", str(base), str(head), "--markdown", str(summary)]) == 3
    assert summary.read_text().startswith("# Before\n# Earshot on the emulated board\n")
    assert r"| tiny/codegen/inference\_us/clip | changed | 11,000 µs | 11,157 µs |" in summary.read_text()


def test_markdown_is_printed_in_place_of_the_text(base, head, capsys):
    assert cli.main(["compare", str(base), str(head), "--markdown", "-"]) == 3
    assert capsys.readouterr().out.startswith("# Earshot on the emulated board\n")


def test_a_night_that_did_not_end_is_refused(base, head, capsys):
    (head / "run.json").rename(head / "run.partial.json")
    assert cli.main(["compare", str(base), str(head)]) == 2
    assert "this run did not end" in capsys.readouterr().err


def test_a_record_that_was_edited_is_refused(base, head, capsys):
    record = head / "run.json"
    record.write_text(record.read_text().replace("36000", "35000"))
    assert cli.main(["compare", str(base), str(head)]) == 2
    assert "checksum" in capsys.readouterr().err


def test_a_real_board_is_refused(base, tmp_path, capsys):
    head = write_night(tmp_path / "head", 1, board="desk")
    assert cli.main(["compare", str(base), str(head)]) == 2
    assert "desk is a real board" in capsys.readouterr().err


def test_a_folder_without_nights_is_refused(base, tmp_path, capsys):
    assert cli.main(["compare", str(base), str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err
