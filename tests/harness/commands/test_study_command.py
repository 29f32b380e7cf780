"""`earshot study` as a command."""

from __future__ import annotations

import shutil

from harness import cli, layout
from models.studies import STUDIES, load_study, study_names


def test_studies_are_listed_with_their_questions(capsys):
    assert cli.main(["study", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(file.stem for file in STUDIES.glob("*.toml"))
    assert all("points" in line and line.endswith("?") for line in lines)
    assert cli.main(["study", "bits", "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_broken_study_leaves_the_others(capsys, tmp_path, monkeypatch):
    shutil.copy(STUDIES / "bits.toml", tmp_path)
    (tmp_path / "broken.toml").write_text("[study")
    monkeypatch.setattr(study_names, "__defaults__", (tmp_path,))
    monkeypatch.setattr(load_study, "__defaults__", (tmp_path,))
    assert cli.main(["study", "--list"]) == 5
    shown = capsys.readouterr()
    assert shown.out.startswith("bits ") and "broken.toml, line 1" in shown.err


def test_an_unknown_study_is_a_usage_error(capsys):
    assert cli.main(["study", "bytes"]) == 2
    error = capsys.readouterr().err
    assert "'bytes'" in error and "channels-ds-cnn" in error


def test_a_missing_dataset_is_named(capsys, tmp_path):
    assert cli.main(["study", "bits", "--dataset", str(tmp_path / "nothing")]) == 2
    assert "nothing" in capsys.readouterr().err


def test_a_dataset_that_suits_no_study_leaves_none_out_in_silence(capsys, tmp_path):
    (tmp_path / "data_batch_1").touch()
    assert cli.main(["study", "mobilenet", "--dataset", str(tmp_path)]) == 2
    assert "data_batch_2 is missing" in capsys.readouterr().err


def test_studies_that_a_dataset_does_not_suit_are_named(capsys, tmp_path):
    assert cli.main(["study", "--dataset", str(tmp_path), "--output", str(tmp_path / "out")]) == 5
    lines = capsys.readouterr().err.splitlines()
    assert len([line for line in lines if "dataset: " in line]) == len(study_names())
    assert any("mobilenet" in line and "there is no CIFAR-10" in line for line in lines)


def test_a_board_that_is_no_linux_computer_is_refused(capsys):
    assert cli.main(["study", "mobilenet", "--board", "emulated"]) == 2
    assert "the board emulated is not a Linux computer" in capsys.readouterr().err


def test_a_meter_that_is_not_there_ends_the_study_before_it_trains(capsys, tmp_path, monkeypatch):
    bench = tmp_path / "bench.toml"
    bench.write_text('[meter]\nkind = "hwmon"\ndevice = "no such sensor"\n')
    monkeypatch.setattr(layout, "store_root", lambda: tmp_path / "store")
    assert cli.main(["study", "mobilenet", "--bench", str(bench)]) == 4
    assert "no such sensor" in capsys.readouterr().err
    assert not (tmp_path / "store" / "train").exists()
