from __future__ import annotations

import numpy as np
import pytest
import soundfile
from plan_words import write_manifest

from harness.errors import UsageError
from harness.sound.recordings import read_recordings
from models.data.wav import write_wav
from models.errors import DatasetError

LABELS = ("silence", "unknown", "yes", "no")
COLUMNS = b"path,label,word,source,license,sha256\n"


def add(folder, *names: str) -> None:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_wav(path, np.full(160, number, dtype=np.int16))


def found(folder, labels=LABELS) -> list[tuple[str, str, str]]:
    return [(each.source, each.word, each.label) for each in read_recordings(folder, labels).recordings]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            ["yes/b.wav", "yes/a.wav", "marvin/a.WAV", "silence/1.wav"],
            [
                ("marvin/a.WAV", "marvin", "unknown"),
                ("silence/1.wav", "silence", "silence"),
                ("yes/a.wav", "yes", "yes"),
                ("yes/b.wav", "yes", "yes"),
            ],
        ),
        (
            ["no_kitchen_2.wav", "Yes.wav", "tree_1.wav"],
            [
                ("Yes.wav", "Yes", "yes"),
                ("no_kitchen_2.wav", "no", "no"),
                ("tree_1.wav", "tree", "unknown"),
            ],
        ),
    ],
)
def test_the_word_is_the_folder_or_the_start_of_the_name(tmp_path, files, expected):
    add(tmp_path, *files)
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "._1.wav").write_text("not a sound")
    assert found(tmp_path) == expected


def test_labels_are_written_as_the_model_writes_them(tmp_path):
    add(tmp_path, "yes_1.wav", "Stop_1.wav", "no_1.wav", "silence_1.wav")
    labels = [label for *_, label in found(tmp_path, ["Yes", "Stop", "_silence_", "_unknown_"])]
    assert labels == ["Stop", "_unknown_", "_silence_", "Yes"]


def test_conversions_are_noted(tmp_path):
    soundfile.write(tmp_path / "yes_1.wav", np.zeros((800, 2)), 8000, subtype="PCM_16")
    read = read_recordings(tmp_path, LABELS)
    assert read.notes == ("yes_1.wav: mean of 2 channels, resampled from 8,000 Hz",)
    assert len(read.recordings[0].samples) == 1600


def test_a_broken_file_is_named(tmp_path):
    add(tmp_path, "yes/1.wav")
    (tmp_path / "yes" / "2.wav").write_text("no sound")
    with pytest.raises(DatasetError, match=r"yes/2\.wav"):
        read_recordings(tmp_path, LABELS)


def test_an_empty_or_missing_folder_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no recordings") as caught:
        read_recordings(tmp_path, LABELS)
    assert "yes/1.wav" in caught.value.remedy
    with pytest.raises(UsageError, match="nowhere"):
        read_recordings(tmp_path / "nowhere", LABELS)


def test_a_manifest_gives_the_order_and_the_words_but_no_labels(tmp_path):
    add(tmp_path, "a.wav", "b.wav", "ignored.wav")
    write_manifest(tmp_path, ("b.wav", "tree"), ("a.wav", "yes"), label="no")
    assert found(tmp_path) == [("b.wav", "tree", "unknown"), ("a.wav", "yes", "yes")]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"sha256": "0" * 64}, r"another sha256.*a\.wav"),
        ({"path": "gone.wav"}, r"No such file.*gone\.wav"),
        ({"sha256": ""}, "incomplete row"),
        ({"word": ""}, r"names no word for a recording.*a\.wav"),
    ],
)
def test_a_file_that_differs_from_the_manifest_is_named(tmp_path, changes, problem):
    add(tmp_path, "a.wav")
    write_manifest(tmp_path, ("a.wav", "yes"), **changes)
    with pytest.raises(UsageError, match=problem):
        read_recordings(tmp_path, LABELS)


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00", COLUMNS + b"a.wav\n", COLUMNS],
    ids=["no text", "an incomplete row", "no rows"],
)
def test_a_broken_manifest_is_named(tmp_path, content):
    (tmp_path / "manifest.csv").write_bytes(content)
    with pytest.raises(UsageError, match=r"manifest\.csv"):
        read_recordings(tmp_path, LABELS)
