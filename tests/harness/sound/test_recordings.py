from __future__ import annotations

import os

import pytest
from plan_words import put, write_manifest
from shared_data import shared_data

from harness.errors import UsageError
from harness.sound.recording_scan import read_recordings
from harness.sound.recordings import add_to_manifest, label_of

LABELS = ("silence", "unknown", "yes", "no")
COLUMNS = b"path,label,word,source,license,sha256\n"


def add(folder, *names: str) -> None:
    for number, name in enumerate(names):
        put(folder, name, level=3000.0 + number)


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
            [("Yes.wav", "yes", "yes"), ("no_kitchen_2.wav", "no", "no"), ("tree_1.wav", "tree", "unknown")],
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
        ({"sha256": "0" * 64}, "a.wav: its sha256 differs from the one in the manifest"),
        ({"path": "gone.wav"}, "gone.wav: it cannot be read: No such file"),
        ({"path": "/a.wav"}, "/a.wav: its path in the manifest is not relative"),
        ({"path": "a\0.wav"}, "embedded null byte"),
        ({"sha256": ""}, "incomplete row"),
        ({"word": ""}, "a.wav: no word in the manifest"),
    ],
)
def test_a_row_that_does_not_match_its_file_is_left_out_with_the_reason(tmp_path, changes, problem):
    add(tmp_path, "a.wav", "b.wav")
    write_manifest(tmp_path, ("a.wav", "yes"), **changes)
    bad_row = (tmp_path / "manifest.csv").read_text().splitlines()[1]
    write_manifest(tmp_path, ("b.wav", "yes"))
    with (tmp_path / "manifest.csv").open("a") as stream:
        stream.write(bad_row + "\n")
    read = read_recordings(tmp_path, LABELS)
    assert [each.source for each in read.recordings] == ["b.wav"]
    assert problem in "; ".join(f"{each.source}: {each.reason}" for each in read.scan.excluded)


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00", COLUMNS + b"a.wav\n", COLUMNS],
    ids=["no text", "an incomplete row", "no rows"],
)
def test_a_broken_manifest_is_named(tmp_path, content):
    (tmp_path / "manifest.csv").write_bytes(content)
    with pytest.raises(UsageError, match=r"manifest\.csv"):
        read_recordings(tmp_path, LABELS)


@pytest.mark.parametrize(
    "name",
    [
        "yes.wav", "YES.WAV", "Yes.Wave", "yes (1).wav", "yes-2.wav", "yes3.wav", "yes 04.wav", "yes.5.wav",
        "yes~1.wav", "yes_1(2).wav", "yes - Copy.wav", "yes - Kopie (2).wav", "yes copy 3.wav", "Ｙｅｓ.wav",
        "Copy of yes.wav", "yes - 副本.wav", "yes٣.wav", "01_yes.wav", "2024-03-01 yes 2.wav", "1. yes.wav",
        "_yes_.wav", "yes!.wav",
        "Yes/1.wav", "YES/1.WAV", "yes (1)/a.wav", "yes 2/a.wav", "_yes/a.wav", "yes copy/a.wav",
    ],
)  # fmt: skip
def test_case_separators_numbers_and_copies_do_not_decide(tmp_path, name):
    add(tmp_path, "tree.wav", name)
    read = read_recordings(tmp_path, LABELS)
    assert [each.label for each in read.recordings if each.source == name] == ["yes"]
    assert not any("yes" in note.casefold() for note in read.scan.notes)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("turn_on", "turn_on_3.wav"),
        ("turn_on", "Turn On (2).wav"),
        ("turn_on", "turn-on/1.wav"),
        ("Turn On", "turnOn_2.wav"),
        ("channel5", "channel5_2.wav"),
        ("channel5", "channel5.wav"),
        ("1", "1_2.wav"),
        ("größe", "gro\u0308ße_1.wav"),
        ("größe", "GRÖSSE/1.wav"),
        ("はい", "はい (1).wav"),
        ("yes!", "yes!_1.wav"),
        ("हाँ", "हाँ_2.wav"),
        ("copy", "copy_1.wav"),
    ],
)
def test_a_label_may_have_several_words_digits_accents_and_punctuation(tmp_path, label, name):
    add(tmp_path, "tree/1.wav", name)
    assert (name, label) in [(source, found) for source, _, found in found(tmp_path, [*LABELS[:2], label])]


def test_labels_that_differ_in_punctuation_only_are_told_apart():
    assert [label_of(word, ["yes", "yes!"]) for word in ("yes", "yes!")] == ["yes", "yes!"]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("yesterday_1.wav", "yesterday"),
        ("anna_yes_1.wav", "anna"),
        ("november/1.wav", "november"),
        ("no speech/1.wav", "no speech"),
    ],
)
def test_another_word_in_whose_name_a_label_is_found_is_noted(tmp_path, name, word):
    add(tmp_path, "tree.wav", name)
    read = read_recordings(tmp_path, LABELS)
    label = "no" if "no" in word else "yes"
    assert [each.label for each in read.recordings if each.source == name] == ["unknown"]
    assert read.scan.notes == (f'{name}, taken as "{word}": its name has "{label}" in it',)


def test_a_label_at_the_start_of_a_longer_name_is_noted_once_for_all_files(tmp_path):
    add(tmp_path, "no_kitchen_1.wav", "no_kitchen_2.wav", "no_3.wav")
    read = read_recordings(tmp_path, LABELS)
    assert [each.label for each in read.recordings] == ["no"] * 3
    assert read.scan.notes == (
        'no_kitchen_1.wav and 1 more, taken as "no": its word is the start of its name',
    )


def test_every_file_that_is_not_used_has_a_reason(tmp_path):
    add(tmp_path, "yes/1.wav", "deep/er/1.wav", "yes/.hidden.wav", "12.wav", "0a7c2a8d_nohash_0.wav")
    put(tmp_path, "yes/silent.wav", level=0.0)
    for name in ("yes/1.m4a", "yes/take", "yes/broken.wav", "yes/pointer.wav"):
        (tmp_path / name).write_text("no sound")
    os.mkfifo(tmp_path / "yes" / "pipe.wav")
    (tmp_path / "yes" / "gone.wav").symlink_to(tmp_path / "nowhere")
    (tmp_path / os.fsdecode(b"yes/gr\xf6sse.wav")).write_bytes((tmp_path / "yes/1.wav").read_bytes())
    left = ("yes/._1.wav", ".DS_Store", "yes/.DS_Store", "README.md", "yes/Thumbs.db", ".git/1.wav")
    for name in left:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("not a recording")
    read = read_recordings(tmp_path, LABELS)
    assert [each.source for each in read.recordings] == ["yes/1.wav"]
    assert {each.source: each.reason.partition(":")[0] for each in read.scan.excluded} == {
        "0a7c2a8d_nohash_0.wav": "no word in its name; rename it, for example to yes_0a7c2a8d_nohash_0.wav",
        "12.wav": "no word in its name; rename it, for example to yes_12.wav",
        "deep/er/1.wav": "no word",
        "yes/.hidden.wav": "hidden",
        "yes/1.m4a": "not a format that is read",
        "yes/broken.wav": "the recording cannot be read",
        "yes/gone.wav": "the recording cannot be read",
        "yes/gr\\udcf6sse.wav": "its name is not UTF-8",
        "yes/pipe.wav": "the recording cannot be read",
        "yes/pointer.wav": "the recording cannot be read",
        "yes/silent.wav": "silent",
        "yes/take": "not a format that is read",
    }


SPREADSHEETS = {
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "semicolons": lambda text: text.replace(",", ";").encode(),
    "tabs": lambda text: text.replace(",", "\t").encode(),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "CR": lambda text: text.replace("\n", "\r").encode(),
    "UTF-16": lambda text: text.replace(",", "\t").encode("utf-16"),
    "UTF-16, big end first": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "quotes": lambda text: text.replace("größe", '"größe"').encode(),
    "empty rows and cells": lambda text: "".join(f"{row},,\n" for row in [*text.split(), ",,,,,"]).encode(),
    "capitals and spaces": lambda text: text.replace("path", "Path ").replace(",größe", ", größe").encode(),
    "backslashes": lambda text: text.replace("a/1", "a\\1").encode(),
    "other columns": lambda text: (
        text.replace("license", "licence").replace("label,", "recorded by,").encode()
    ),
    "other order": lambda text: "\n".join(",".join(row.split(",")[::-1]) for row in text.split()).encode(),
}


@pytest.mark.parametrize("program", SPREADSHEETS)
def test_a_manifest_is_read_as_a_spreadsheet_saves_it(tmp_path, program):
    add(tmp_path, "a/1.wav")
    write_manifest(tmp_path, ("a/1.wav", "größe"))
    manifest = tmp_path / "manifest.csv"
    manifest.write_bytes(SPREADSHEETS[program](manifest.read_text().replace("\r", "")))
    assert found(tmp_path, ["größe"]) == [("a/1.wav", "größe", "größe")]
    add(tmp_path, "a/2.wav")
    assert add_to_manifest(tmp_path, tmp_path / "a" / "2.wav", "größe", "me")
    assert len(found(tmp_path, ["größe"])) == 2
    if program == "other columns":
        assert "recorded by" in manifest.read_text()


def test_a_manifest_in_another_encoding_is_refused_with_the_remedy(tmp_path):
    add(tmp_path, "a.wav")
    write_manifest(tmp_path, ("a.wav", "groesse"))
    manifest = tmp_path / "manifest.csv"
    manifest.write_bytes(manifest.read_bytes().replace(b"oe", b"\xf6"))
    with pytest.raises(UsageError, match=r"not UTF-8.*manifest\.csv.*Save it as CSV in UTF-8"):
        read_recordings(tmp_path, LABELS)


def test_folders_of_other_people_are_read():
    manifest = shared_data("reports/manifest_bom/manifest.csv")
    assert found(manifest.parent) == [("yes/gene.wav", "yes", "yes")]
    flat = shared_data("reports/flat_names/no_1.wav").parent
    assert [label for *_, label in found(flat)] == ["no", "yes", "yes", "yes"]


def test_sound_files_of_other_people_are_read_or_left_out():
    folder = shared_data("reports/wav/truncated.wav").parent
    scan = read_recordings(folder, LABELS).scan
    assert [each.source for each in scan.excluded] == ["truncated.wav"]
    assert {each.source: each.samples for each in scan.usable} == dict.fromkeys(
        ["g721.wav", "gsm_8k.wav", "stereo_inverted.wav", "zero_data_len.wav"], 16_000
    )
