"""A staged sketch follows arduino-cli's rules of a sketch folder.

Source: arduino-cli 1.x, internal/arduino/sketch/sketch.go, internal/arduino/globals/globals.go and
internal/arduino/builder/sketch.go; the sketch specification in its documentation.
"""

from __future__ import annotations

import re

import pytest
from host_library import EMULATED_FLAGS, MBED_FLAGS, compile_for_board
from small_models import classifier
from tiny_engine import TinyEngine, tiny_model

from harness.firmware.engine import get_engine
from harness.firmware.stage import stage

COPIED = {".h", ".c", ".hpp", ".hh", ".cpp", ".cxx", ".cc", ".S", ".adoc", ".md", ".json", ".tpp", ".ipp"}
COMPILED = {".c", ".cpp", ".cxx", ".cc", ".S"}
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


@pytest.fixture(scope="module", params=["codegen", "tiny"])
def sketch(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "tiny":
        return stage(tiny_model(folder / "model"), TinyEngine(), folder / "out").path
    model = tiny_model(folder / "model", elements=40, labels=("silence", "unknown", "yes", "no"))
    classifier(model.path / "model.tflite")
    return stage(model, get_engine("codegen"), folder / "out").path


def files(sketch):
    return sorted(path for path in sketch.rglob("*") if path.is_file())


def test_names_and_places_follow_the_rules(sketch):
    assert [path for path in files(sketch) if path.suffix in (".ino", ".pde")] == [
        sketch / f"{sketch.name}.ino"
    ]
    names = {path.name for path in (sketch, *sketch.rglob("*"))}
    assert all(map(NAME.fullmatch, names)), names
    lowered = [str(path.relative_to(sketch)).lower() for path in files(sketch)]
    assert len(lowered) == len(set(lowered)), "a file system may not tell upper from lower case"
    # What arduino-cli makes of the .ino, a default profile that makes it ignore --libraries, skipped folders.
    special = {f"{sketch.name}.ino.cpp", "sketch.yaml", "sketch.yml", "build", "build.options.json", "data"}
    assert not names & special
    assert {path.suffix for path in files(sketch)} - {".ino"} <= COPIED, "others are not copied"
    for path in files(sketch):
        if path.suffix in COMPILED:
            assert path.parent == sketch or path.is_relative_to(sketch / "src"), path


def test_every_include_is_relative_to_its_own_file(sketch):
    """The sketch's folder is not on the include path."""
    for path in files(sketch):
        for name in INCLUDE.findall(path.read_text()):
            assert (path.parent / name).exists(), f"{path.relative_to(sketch)} includes {name}"


def test_it_compiles_in_arduino_clis_arrangement(sketch, tmp_path):
    """arduino-cli copies the files with a #line each, the .ino as C++, and passes no -I of the sketch."""
    copy = tmp_path / "build" / "sketch"
    for path in files(sketch):
        target = copy / path.relative_to(sketch)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".ino":
            target = target.with_name(f"{path.name}.cpp")
        target.write_text(f'#line 1 "{path}"\n{path.read_text()}')
    sources = [path for path in files(copy) if path.suffix in COMPILED]
    compile_for_board(*EMULATED_FLAGS, *MBED_FLAGS, "-O2", "-fsyntax-only", *sources)
