from __future__ import annotations

import pytest
from made_runs import FLASH, INFERENCE, write_night

from harness import cli


@pytest.fixture
def base(tmp_path):
    return write_night(tmp_path / "base", 0)


@pytest.fixture
def head(tmp_path):
    return write_night(tmp_path / "head", 1, inference_us=11_157)


def test_equal_runs_are_clean(base, tmp_path, capsys):
    assert cli.main(["compare", str(base), str(write_night(tmp_path / "head", 1))]) == 0
    assert "Nothing changed on emulated" in capsys.readouterr().out


def test_a_change_is_printed_and_sets_the_exit_code(base, head, capsys):
    assert cli.main(["compare", str(base), str(head)]) == 3
    text = capsys.readouterr().out.replace("\n", " ")
    assert f"{INFERENCE} went from 11,000 µs to 11,157 µs (+157, +1.427%)" in text


def test_a_folder_of_runs_stands_for_the_last(base, head, tmp_path, capsys):
    write_night(tmp_path / "base", 2, flash_bytes=1)
    assert cli.main(["compare", str(tmp_path / "base"), str(head / "run.json")]) == 3
    assert f"{FLASH}" in capsys.readouterr().out


def test_markdown_is_appended_to_a_file_or_printed(base, head, tmp_path, capsys):
    summary = tmp_path / "summary.md"
    summary.write_text("# Before\n")
    assert cli.main(["compare", str(base), str(head), "--markdown", str(summary)]) == 3
    assert summary.read_text().startswith("# Before\n# Earshot on the emulated board\n")
    assert r"| tiny/codegen/inference\_us/clip | changed | 11,000 µs | 11,157 µs |" in summary.read_text()
    capsys.readouterr()
    assert cli.main(["compare", str(base), str(head), "--markdown", "-"]) == 3
    assert capsys.readouterr().out.startswith("# Earshot on the emulated board\n")


def unfinished(head):
    (head / "run.json").rename(head / "run.partial.json")


def edited(head):
    (head / "run.json").write_text((head / "run.json").read_text().replace("36000", "35000"))


def missing(head):
    (head / "run.json").unlink()


@pytest.mark.parametrize(
    ("change", "message"), [(unfinished, "did not end"), (edited, "checksum"), (missing, "2026")]
)
def test_an_unusable_run_is_refused(base, head, capsys, change, message):
    change(head)
    assert cli.main(["compare", str(base), str(head)]) == 2
    assert message in capsys.readouterr().err
