"""Which TensorFlow Lite Micro is taken: of the variable, the first installed, the pinned one; or why none."""

from __future__ import annotations

from pathlib import Path

import pytest
from tflm_library import library_outline

from harness.errors import BuildFailed
from harness.firmware.tflm.choice import NAMES, choose_library


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
    monkeypatch.delenv("EARSHOT_TFLM", raising=False)


def _installed(folder: Path, *libraries: str) -> list[Path]:
    """Folders with a library.properties each, for "name@version"."""
    folders = []
    for library in libraries:
        path = folder / library.replace("@", "-")
        path.mkdir(parents=True)
        name, version = library.split("@")
        (path / "library.properties").write_text(f"name={name}\nversion={version}\n")
        folders.append(path)
    return folders


@pytest.mark.parametrize("name", [*NAMES, "Chirale_TensorFLowLite"])
def test_each_known_library_is_found_among_others(tmp_path, name):
    folders = _installed(tmp_path, "Servo@1.2.1", f"{name}@2.0.0", "Adafruit GFX Library@1.11")
    library = choose_library(folders)
    assert (library.name, library.version, library.folder) == (name, "2.0.0", folders[1])


def test_which_of_several_is_taken_does_not_depend_on_their_order(tmp_path):
    folders = _installed(tmp_path, *(f"{name}@1.0" for name in NAMES))
    assert choose_library(folders) == choose_library(folders[::-1])
    assert choose_library(folders).name == NAMES[0]


def test_a_pinned_library_is_taken_before_others(tmp_path):
    folders = _installed(tmp_path, f"{NAMES[0]}@1.0", f"{NAMES[2]}@1.2.4-Alpha")
    assert choose_library(folders, ("ArduinoBLE@1.3", f"{NAMES[2]}@1.2.4-Alpha")).folder == folders[1]


def test_pins_of_other_libraries_do_not_matter(tmp_path):
    folders = _installed(tmp_path, f"{NAMES[0]}@1.0")
    assert choose_library(folders, ("ArduinoBLE@1.3",)).folder == folders[0]


def test_another_version_than_the_pinned_one_is_refused(tmp_path):
    folders = _installed(tmp_path, f"{NAMES[1]}@1.9.0")
    with pytest.raises(BuildFailed, match=rf"{NAMES[1]}@1\.9\.0, not as pinned.*Install {NAMES[1]}@2\.0\.0"):
        choose_library(folders, (f"{NAMES[1]}@2.0.0",))


def test_the_variable_comes_first(tmp_path, monkeypatch):
    folders = _installed(tmp_path, f"{NAMES[0]}@1.0")
    monkeypatch.setenv("EARSHOT_TFLM", str(library_outline(tmp_path / "mine", "My_TFLM", "3.1")))
    assert str(choose_library(folders)) == "My_TFLM@3.1"


def test_the_variable_does_not_overrule_a_pin(tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_TFLM", str(library_outline(tmp_path, NAMES[0], "2.4.0")))
    with pytest.raises(BuildFailed, match="not as pinned"):
        choose_library((), (f"{NAMES[0]}@2.5.0",))


def test_a_variable_that_points_nowhere_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_TFLM", str(tmp_path))
    with pytest.raises(BuildFailed, match=r"no library\.properties where EARSHOT_TFLM points"):
        choose_library(())


def test_without_any_the_remedy_names_one(tmp_path):
    with pytest.raises(BuildFailed, match=r"not installed.*arduino-cli lib install.*EARSHOT_TFLM"):
        choose_library([*_installed(tmp_path, "Servo@1.2.1"), tmp_path / "gone"])


@pytest.mark.parametrize("version", ["", "1,2", "1.0\\n", "x" * 16])
def test_a_version_that_a_record_cannot_carry_is_refused(tmp_path, version):
    with pytest.raises(BuildFailed, match="a library's version is"):
        choose_library([library_outline(tmp_path, version=version)])
