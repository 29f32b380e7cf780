"""Git LFS pointers and web pages in place of files that were not fetched, and pipes in place of files."""

from __future__ import annotations

import os

import pytest

from harness.records.field_record import read_field
from harness.records.reading import read_record
from harness.sound.playback_plan import read_plan
from harness.sound.recordings import MANIFEST, entries_of, manifest_rows
from harness.sound.sound_files import check_file
from models.data.wav import read_wav
from models.decoding import TomlFile
from models.errors import UserFacingError
from models.tflite import read_tflite

POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 53936\n"


@pytest.mark.parametrize(
    "read",
    [read_tflite, read_wav, manifest_rows, lambda path: check_file(path, "1" * 64), TomlFile, read_record],
    ids=["model", "sound", "manifest", "file of a plan", "TOML", "record"],
)
def test_a_pointer_or_a_web_page_is_told_from_a_damaged_file(tmp_path, read):
    path = tmp_path / "file"
    path.write_text(POINTER)
    with pytest.raises(UserFacingError, match=r"LFS pointer: fetch the file with `git lfs pull` \(.*/file\)"):
        read(path)
    path.write_text("\n<!DOCTYPE html>\n<html><title>GitHub</title></html>\n")
    with pytest.raises(UserFacingError, match=r"this is a web page: download the file itself.* \(.*/file\)"):
        read(path)


def test_a_pointer_in_a_manifest_is_told_from_an_edited_recording(tmp_path):
    (tmp_path / "yes.wav").write_text(POINTER)
    columns = "path,label,word,source,license,sha256"
    (tmp_path / MANIFEST).write_text(f"{columns}\nyes.wav,yes,yes,,,{'1' * 64}\n")
    with pytest.raises(UserFacingError, match=r"yes\.wav: this is a Git LFS pointer"):
        entries_of(tmp_path, ("yes",))


@pytest.mark.parametrize(
    "read",
    [
        *(read_tflite, manifest_rows, TomlFile, read_record, read_field, read_plan),
        lambda path: check_file(path, "1" * 64),
    ],
)
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, read):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(UserFacingError, match="it is a pipe or a device, not a file"):
        read(path)
