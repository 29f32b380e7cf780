"""`earshot dataset` as a command."""

from __future__ import annotations

import re

import numpy as np
import pytest
import soundfile
from small_datasets import tone_dataset

from harness import cli
from harness.errors import UsageError
from harness.sound.dataset_survey import rows_of, survey
from harness.sound.recording_scan import scan_recordings
from models.data.wav import write_wav


@pytest.fixture
def odd(tmp_path):
    """A dataset with an empty file, a sound under two words, a silent, a clipped and a FLAC recording."""
    root = tone_dataset(tmp_path, speakers=20)
    name = "00000003_nohash_0.wav"
    (root / "yes" / "00000001_nohash_0.wav").write_bytes(b"")
    (root / "no" / name).write_bytes((root / "yes" / name).read_bytes())
    write_wav(root / "no" / "00000004_nohash_0.wav", np.zeros(8000, np.int16))
    write_wav(root / "other" / "00000005_nohash_0.wav", np.tile(np.int16([32_767, -32_768]), 12_000))
    sound, rate_hz = soundfile.read(root / "other" / "00000006_nohash_0.wav", dtype="int16")
    soundfile.write(root / "other" / "0000ffff_nohash_0.flac", sound // 2, rate_hz)
    return root


def test_show_prints_what_a_dataset_holds(odd, capsys):
    assert cli.main(["dataset", "show", str(odd)]) == 0
    out, err = capsys.readouterr()
    words = re.findall(r"^((?:no|other|yes) .*)$", out, re.MULTILINE)
    rows = {row[0]: row[1:] for row in (re.split(r"\s{2,}", line) for line in words)}
    assert [row[:2] for row in rows.values()] == [["19", "19"], ["21", "21"], ["18", "18"]]
    assert all(sum(map(int, row[2:5])) == int(row[0]) for row in rows.values())
    assert rows["no"][5].startswith("0.50 1.00 1.00") and rows["other"][5].endswith("1.50")
    assert [row[-2:] for row in rows.values()] == [["1", "0"], ["0", "1"], ["0", "0"]]
    assert "Background noise: 1 file, 2 s" in out
    assert "Recordings longer than 1 s: 1 (a network learns their loudest second)" in out
    assert "Files that cannot be used: 3" in out
    assert "yes/00000001_nohash_0.wav is not used: the recording cannot be read: the file has 0 bytes" in err
    assert "no/00000003_nohash_0.wav is not used: the same sound has another label as yes/00000003" in err


def test_show_names_splits_that_no_speaker_is_in(tmp_path, capsys):
    (tmp_path / "yes").mkdir()
    broken = tmp_path / "yes" / "anna_nohash_0.wav"
    broken.touch()
    assert cli.main(["dataset", "show", str(tmp_path)]) == 0
    assert "No recording can be used." in capsys.readouterr().out
    write_wav(broken, np.zeros(16_000, np.int16))
    assert cli.main(["dataset", "show", str(tmp_path)]) == 0
    empty = "Splits without a recording: training, testing. Training needs all three: record more speakers"
    assert empty in capsys.readouterr().out


def test_show_counts_speakers_of_several_sets(odd):
    assert survey(odd).speakers_of_several_splits == []
    (odd / "testing_list.txt").write_text("yes/00000007_nohash_0.wav")
    (odd / "validation_list.txt").write_text("no/00000007_nohash_0.wav")
    assert survey(odd).speakers_of_several_splits == ["00000007"]


def test_show_names_the_recordings_that_field_leaves_out(tmp_path, capsys):
    root = tone_dataset(tmp_path, speakers=3)
    click = np.zeros(16_000, np.int16)
    click[8000:8400] = 9000
    write_wav(root / "yes" / "00000001_nohash_0.wav", click)
    write_wav(root / "no" / "00000001_nohash_0.wav", click[7900:8500])
    assert cli.main(["dataset", "show", str(root)]) == 0
    out = capsys.readouterr().out
    reasons = {each.source: each.reason for each in scan_recordings(root).excluded if each.source[0] != "_"}
    told = "; ".join(f"{source}: {reasons[source]}" for source in sorted(reasons))
    assert len(reasons) == 2 and f"`field` and `play` do not play: 2 ({told})" in out
    rows = re.findall(r"^(?:no|other|yes|all words) .* (\d+) +\d+$", out, re.MULTILINE)
    assert rows == ["1", "0", "1", "2"]


def test_show_counts_lines_of_lists_that_name_no_recording(tmp_path, capsys):
    root = tone_dataset(tmp_path, speakers=3)
    (root / "testing_list.txt").write_text("yes/00000001_nohash_0.flac\n\nyes/00000009_nohash_0.wav\n")
    assert cli.main(["dataset", "show", str(root)]) == 0
    out = capsys.readouterr().out
    assert "\n1 line of testing_list.txt names no recording, such as yes/00000009_nohash_0.wav\n" in out
    assert "validation_list.txt names" not in out and "in both" not in out


def test_show_counts_recordings_in_both_lists(tmp_path, capsys):
    root = tone_dataset(tmp_path, speakers=3)
    (root / "testing_list.txt").write_text("yes/00000001_nohash_0.flac\nno/00000002_nohash_0.wav\n")
    (root / "validation_list.txt").write_text("yes/00000001_nohash_0.wav\nno/00000001_nohash_0.wav\n")
    assert cli.main(["dataset", "show", str(root)]) == 0
    lists = "validation_list.txt and testing_list.txt"
    counted = "1, such as yes/00000001_nohash_0.wav (they count as validation)"
    assert f"\nRecordings in both {lists}: {counted}\n" in capsys.readouterr().out


def test_show_and_recordings_name_the_folder_above_that_of_one_word(tmp_path, capsys):
    (tmp_path / "people").mkdir()
    root = tone_dataset(tmp_path / "people", speakers=2)
    assert cli.main(["dataset", "show", str(root / "yes")]) == 2
    assert f"give the folder above it: {root}." in capsys.readouterr().err
    with pytest.raises(UsageError, match="no word in its name") as raised:
        scan_recordings(root / "yes")
    assert f"give the folder above it: {root}." in raised.value.remedy


@pytest.mark.parametrize("names", [("00000000_nohash_0", "00000001_nohash_0"), ("andy", "anna_2")])
def test_recordings_of_one_keyword_are_not_named_by_the_start_of_their_files(tmp_path, names):
    labels, folder = ("silence", "unknown", "yes", "no"), tone_dataset(tmp_path, speakers=2) / "yes"
    for path, name in zip(sorted(folder.iterdir()), names, strict=True):
        path.rename(folder / f"{name}.wav")
    with pytest.raises(UsageError, match='this is the folder of one word, "yes"') as raised:
        scan_recordings(folder, labels)
    assert raised.value.remedy == f"Give the folder above it: {tmp_path}."
    (folder / f"{names[0]}.wav").rename(folder / "no_andy.wav")  # now the names are those of words
    assert scan_recordings(folder, labels).usable[-1].word == "no"


def test_show_joins_a_word_s_folders_as_training_does(tmp_path):
    root = tone_dataset(tmp_path, speakers=4)
    (root / "Yes").mkdir()
    for name in ("00000000_nohash_0.wav", "1.wav", "2.wav"):
        (root / "Yes" / name).write_bytes((root / "yes" / "00000000_nohash_0.wav").read_bytes())
    write_wav(root / "_background_noise_" / "short.wav", np.zeros(100, np.int16))
    found = survey(root)
    assert [(row["word"], row["recordings"], row["speakers"]) for row in rows_of(found)] == [
        ("Yes", 7, 4),
        ("no", 4, 4),
        ("other", 4, 4),
        ("all words", 15, 4),
    ]
    assert found.noise_s == [2.5]
    assert [each.reason for each in found.excluded] == ["background noise of 0.01 s is less than a second"]


def test_recordings_without_a_speaker_s_name_are_of_nobody(tmp_path):
    root = tone_dataset(tmp_path, speakers=1)
    for number in range(40):
        (root / "no" / f"{number}.wav").write_bytes((root / "no" / "00000000_nohash_0.wav").read_bytes())
    assert len({sound.split for sound in survey(root).sounds}) == 3
    assert survey(root).speakers_of_several_splits == []


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["show", "{}/nowhere"], "the dataset's folder does not exist"),
        (["show", "{}"], "the dataset has no recordings"),
        (["get", "speech-commands", "--to", "{}", "--url", "no address"], "this is no address"),
        (["get", "speech-commands", "--to", ".", "--url", "no address"], "this is no address"),
        (
            ["get", "speech-commands", "--to", "{}", "--url", "file://{}/none.tar.gz"],
            "the download broke off",
        ),
    ],
)
def test_bad_input_is_one_line(tmp_path, capsys, monkeypatch, arguments, problem):
    monkeypatch.setattr("models.data.download._PAUSE_S", 0)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["dataset", *(text.format(tmp_path) for text in arguments)]) != 0
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("earshot: ")]
    assert len(lines) == 1 and problem in lines[0]
