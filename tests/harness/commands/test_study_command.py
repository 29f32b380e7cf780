"""`earshot study` as a command."""

from __future__ import annotations

import pytest

from harness import cli
from models.studies import STUDIES


def test_studies_are_listed_with_their_questions(capsys):
    assert cli.main(["study", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(file.stem for file in STUDIES.glob("*.toml"))
    assert all("points" in line and line.endswith("?") for line in lines)


def test_only_the_named_ones_are_listed(capsys):
    assert cli.main(["study", "bits", "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_an_unknown_study_is_a_usage_error(capsys):
    assert cli.main(["study", "bytes"]) == 2
    error = capsys.readouterr().err
    assert "'bytes'" in error and "channels-ds-cnn" in error


def test_a_missing_dataset_is_named(capsys, tmp_path):
    assert cli.main(["study", "bits", "--dataset", str(tmp_path / "nothing")]) == 2
    assert "nothing" in capsys.readouterr().err


@pytest.mark.parametrize("jobs", ["0", "-1", "two"])
def test_jobs_must_be_positive(jobs, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["study", "--jobs", jobs])
    assert ended.value.code == 2
    assert "--jobs" in capsys.readouterr().err
