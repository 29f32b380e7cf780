"""`earshot field`: from a user's own words to a table in one command, and its refusals."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from harness import cli
from harness.sound.playback_plan import write_plan
from models.data.wav import write_wav

LABELS = "silence,unknown,yes,no"


@pytest.fixture
def small(store, model_file) -> list[str]:
    """The options that choose a model of random weights."""
    return ["--model", str(model_file), "--labels", LABELS]


def record_in(output: Path) -> tuple[Path, dict]:
    (folder,) = output.glob("emulated/*Z-*")
    return folder, json.loads((folder / "field.json").read_text())


def test_own_words_become_a_table_whose_plan_and_threshold_can_be_used_again(
    my_words, small, tmp_path, capsys
):
    first, second = tmp_path / "first", tmp_path / "second"
    words = ["--recordings", str(my_words), "--repeat", "2", "--seed", "7"]
    assert cli.main(["field", *small, *words, "--output", str(first)]) == 0
    folder, one = record_in(first)
    (row,) = one["variants"]
    assert {word["source"] for word in row["stimuli"]} == {"dog/mario.wav", "no/linda.wav", "yes/gene.wav"}
    assert len(row["stimuli"]) == 6
    assert {word["label"] for word in row["stimuli"]} == {"yes", "no", "unknown"}
    page = (folder / "field.html").read_text()
    assert "yes/gene.wav" in page and "as recorded" in page
    captured = capsys.readouterr()
    assert "Report: " in captured.out
    assert "listen …" in captured.err
    assert (first / "latest").resolve() == folder

    plan = ["--plan", str(folder / "plan.json")]
    assert cli.main(["field", *small, *plan, "--output", str(second)]) == 0
    assert record_in(second)[1]["variants"][0]["stimuli"] == row["stimuli"]

    capsys.readouterr()
    assert cli.main(["field", "--read", str(folder), "--threshold", "90"]) == 0
    assert "segment" not in capsys.readouterr().err
    assert record_in(first)[1]["threshold"] == 90


def test_sweep_is_one_command_and_each_row_has_its_condition(my_words, small, tmp_path):
    sweep = ["--snr", "20,5", "--distance", "1,3", "--rt60", "0.3"]
    words = ["--recordings", str(my_words), "--output", str(tmp_path)]
    assert cli.main(["field", *small, *sweep, *words]) == 0
    _, record = record_in(tmp_path)
    names = ["1 m, 20 dB", "1 m, 5 dB", "3 m, 20 dB", "3 m, 5 dB"]
    assert [each["name"] for each in record["conditions"]] == names
    row = record["variants"][0]
    assert sorted({word["condition"] for word in row["stimuli"]}) == names
    for segment in row["segments"]:
        assert segment["snr_db"] == pytest.approx(float(segment["condition"].split()[2]), abs=0.5)


def test_unusable_recordings_are_listed_in_the_record(my_words, small, tmp_path):
    folder = tmp_path / "mixed"
    shutil.copytree(my_words, folder)
    write_wav(folder / "yes" / "silent.wav", np.zeros(16_000, np.int16))
    write_wav(folder / "no" / "short.wav", np.full(800, 900, np.int16))
    (folder / "no" / "broken.wav").write_bytes(b"RIFF....")
    output = tmp_path / "field"
    assert cli.main(["field", *small, "--recordings", str(folder), "--output", str(output)]) == 0
    where, record = record_in(output)
    excluded = {each["source"]: each["reason"] for each in record["excluded"]}
    assert excluded.keys() == {"yes/silent.wav", "no/short.wav", "no/broken.wav"}
    page = (where / "field.html").read_text()
    assert all(source in page for source in excluded)
    assert len(record["variants"][0]["stimuli"]) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rt60", "0.4"], "--rt60 needs --distance"),
        (["--noise", "pink"], "--noise needs --snr"),
        (["--snr", "10", "--noise", "nowhere.wav"], "nowhere.wav"),
        (["--recordings", "nowhere"], "nowhere"),
        (["--keyword-free", "nowhere"], "nowhere"),
        (["--keyword-free", "-1"], "keyword-free"),
        (["--repeat", "0"], "0 times"),
        (["--gap", "0.2"], "too short"),
        (["--plan", "nowhere.json"], "nowhere.json"),
        (["--split", "validation"], "--split needs --recordings"),
        (["--plan", "a.json", "--snr", "10"], "--plan cannot be combined with --snr"),
        (["--read", "nowhere"], "nowhere"),
    ],
)
def test_invalid_options_are_refused_before_anything_is_done(options, message, small, tmp_path, capsys):
    output = tmp_path / "field"
    assert cli.main(["field", *small, *options, "--output", str(output)]) == 2
    assert message in capsys.readouterr().err
    assert not output.exists()


def test_plan_with_a_missing_file_is_refused(plan, small, my_words, tmp_path, capsys):
    moved = tmp_path / "words"
    shutil.copytree(my_words, moved)
    (moved / "no" / "linda.wav").unlink()
    write_plan(plan, tmp_path / "plan.json")
    contents = json.loads((tmp_path / "plan.json").read_text())
    contents["folder"] = str(moved)
    (tmp_path / "plan.json").write_text(json.dumps(contents))
    output = tmp_path / "field"
    assert cli.main(["field", *small, "--plan", str(tmp_path / "plan.json"), "--output", str(output)]) == 2
    error = capsys.readouterr().err
    assert "no/linda.wav" in error and "Restore it" in error
    assert not output.exists()


@pytest.mark.parametrize("options", [["--threshold", "256"], ["--snr", "loud"]])
def test_malformed_options_are_refused_by_the_parser(options, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["field", *options])
    assert ended.value.code == 2
    assert options[0] in capsys.readouterr().err
