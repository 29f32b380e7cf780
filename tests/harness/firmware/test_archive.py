"""Arduino libraries compiled for the emulated board: once, and without sources that use pins."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import BuildFailed
from harness.firmware.arduino_library import read_library
from harness.firmware.arm_gcc import compile_image
from harness.firmware.engine import EngineSources
from harness.firmware.stage import StagedSketch
from models.store import Store

SKETCH = """\
#include "sum/sum.h"
volatile int n;
void setup() { n = sum_in_c(n, 3) + sum_in_cpp(n, 4); }
void loop() {}
"""

LIBRARY = {
    "library.properties": "name=Sums\nversion=1.0\n",
    "src/sum/sum.h": 'extern "C" int sum_in_c(int, int);\nint sum_in_cpp(int, int);\n',
    "src/sum/c.c": "int sum_in_c(int a, int class) { return a + class + sizeof(__FILE__); }\n",
    "src/sum/cpp.cpp": '#include "sum.h"\nint sum_in_cpp(int a, int b) { return a + b; }\n',
    "src/other/cpp.cpp": '#include "sum/sum.h"\nint other(int a) { return sum_in_cpp(a, 1); }\n',
    "src/pins.h": "#include <Arduino.h>\n",
    "src/pins.cpp": '#include "pins.h"\nvoid blink() { digitalWrite(13, 1); }\n',
    "extras/never.cpp": "not compiled\n",
}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def _library(folder: Path, **changes: str) -> Path:
    for path, text in (LIBRARY | changes).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def _sketch(folder: Path, library: Path, source: str = SKETCH) -> StagedSketch:
    path = folder / "earshot"
    path.mkdir(parents=True)
    (path / "earshot.ino").write_text(source)
    sources = EngineSources("sums", 0, (read_library(library),))
    return StagedSketch(path, "0" * 8, "v", "1" * 64, "tiny", sources)


def test_sources_that_use_pins_are_left_out(tmp_path):
    library = read_library(_library(tmp_path / "Sums"))
    names = [
        path.relative_to(library.source_root).as_posix() for path in library.sources_without("Arduino.h")
    ]
    assert names == ["other/cpp.cpp", "sum/c.c", "sum/cpp.cpp"]
    assert len(library.sources) == 4


def test_headers_may_include_each_other(tmp_path):
    circle = {"src/a.h": '#include "b.h"\n', "src/b.h": '#include "a.h"\n', "src/c.cpp": '#include "a.h"\n'}
    library = read_library(_library(tmp_path / "Sums", **circle))
    assert library.source_root / "c.cpp" in library.sources_without("Arduino.h")


def test_a_librarys_place_does_not_change_the_image(tmp_path, store):
    first = compile_image(_sketch(tmp_path / "a", _library(tmp_path / "here" / "Sums")), store)
    again = compile_image(_sketch(tmp_path / "b", _library(tmp_path / "there" / "Sums")), store)
    assert first.image == again.image
    fresh = compile_image(_sketch(tmp_path / "c", _library(tmp_path / "far" / "Sums")), Store(tmp_path / "s"))
    assert fresh.image.read_bytes() == first.image.read_bytes()


def test_a_changed_library_is_another_image(tmp_path, store):
    changed = {"src/sum/cpp.cpp": "int sum_in_cpp(int a, int b) { return a - b; }\n"}
    first = compile_image(_sketch(tmp_path / "a", _library(tmp_path / "Sums")), store)
    other = compile_image(_sketch(tmp_path / "b", _library(tmp_path / "Other", **changed)), store)
    assert first.image.read_bytes() != other.image.read_bytes()


def test_another_sketch_uses_the_compiled_library(tmp_path, store, monkeypatch):
    library = _library(tmp_path / "Sums")
    compile_image(_sketch(tmp_path / "a", library), store)
    monkeypatch.setattr("harness.firmware.arm_gcc.archive", lambda *_: pytest.fail("compiled again"))
    compile_image(_sketch(tmp_path / "b", library, SKETCH.replace("4", "5")), store)


def test_a_librarys_first_error_is_shown(tmp_path, store):
    library = _library(tmp_path / "Sums", **{"src/sum/c.c": "int sum_in_c(int a) { return nonsense; }\n"})
    with pytest.raises(BuildFailed, match=r"sum/c\.c:1:.*'nonsense' undeclared"):
        compile_image(_sketch(tmp_path, library), store)
