"""Compilation for the emulated board: reproducible images, sizes, and refusals."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from host_library import symbols_of
from tiny_engine import TinyEngine, tiny_model

from harness.errors import BuildFailed, DoesNotFit
from harness.firmware.arduino_library import read_library
from harness.firmware.arduino_platform import CORE
from harness.firmware.arm_gcc import build_image, compile_image, find_compiler
from harness.firmware.elf import FLASH_LIMIT_BYTES, RAM_LIMIT_BYTES
from harness.firmware.engine import EngineSources
from harness.firmware.firmware import Firmware
from harness.firmware.stage import StagedSketch, stage
from harness.firmware.toolchain import run_tool
from harness.recognizer import DEFAULT
from models.store import Store

NOTHING = "void setup() {}\nvoid loop() {}\n"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("store"))


def staged_sketch(folder: Path, source: str = NOTHING, library: Path | None = None) -> StagedSketch:
    """Write a staged sketch of one file, which may need an Arduino library."""
    path = folder / "earshot"
    path.mkdir(parents=True)
    (path / "earshot.ino").write_text(source)
    libraries = (read_library(library),) if library else ()
    return StagedSketch(
        path, "0" * 8, "a-variant", "1" * 64, "tiny", EngineSources("sums", 12, libraries), DEFAULT
    )


@pytest.fixture
def compiled(tmp_path, store):
    """Return a function that compiles a sketch in a folder of its own."""

    def compile_sketch(*arguments, **keywords) -> Firmware:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        return compile_image(staged_sketch(folder, *arguments), store, **keywords)

    return compile_sketch


def test_the_real_sketch_compiles_without_a_warning_and_without_a_heap(tmp_path):
    staged = stage(tiny_model(tmp_path / "model"), TinyEngine(), tmp_path / "stage")
    image = tmp_path / "image.elf"
    build_image(find_compiler(), staged.path, ["-O2", "-Wall", "-Wextra", "-Werror"], image)
    heap = {"malloc", "_malloc_r", "free", "_free_r", "_sbrk", "_Znwj", "realloc"}
    assert not heap & set(symbols_of(image))


def test_the_same_sketch_in_another_place_is_the_same_image(tmp_path):
    source = "const char* volatile file = __FILE__;\nvoid setup() {}\nvoid loop() {}\n"
    images = []
    for place in ("here", "over/there"):
        staged = staged_sketch(tmp_path / place, source)
        library = staged.path / "src" / "Library"
        library.mkdir(parents=True)
        (library / "part.cpp").write_text("const char* volatile part = __FILE__;\n")
        images.append(compile_image(staged, Store(tmp_path / place / "store")).image.read_bytes())
    assert images[0] == images[1]
    assert str(tmp_path).encode() not in images[0]


def test_an_image_is_compiled_once(tmp_path, store, monkeypatch):
    staged = staged_sketch(tmp_path)
    first = compile_image(staged, store)
    assert (first.variant_id, first.engine, first.kernels) == ("a-variant", "tiny", "sums")
    assert (first.build_id, first.model_sha256, first.arena_bytes) == ("0" * 8, "1" * 64, 12)
    assert first.toolchain.startswith("arm-none-eabi-g++ ")
    monkeypatch.setattr("harness.firmware.arm_gcc.run_tool", lambda *_: pytest.fail("compiled again"))
    assert compile_image(staged, store) == first


def test_core_and_libraries_of_the_sketch_are_compiled_once(tmp_path, monkeypatch):
    compiled, store = [], Store(tmp_path / "store")

    def run(tool, arguments, folder):
        compiled.extend(Path(one).name for one in arguments if str(one).endswith((".ino", ".cpp")))
        run_tool(tool, arguments, folder)

    monkeypatch.setattr("harness.firmware.arm_gcc.run_tool", run)
    for place, library in (("first", 1), ("second", 1), ("third", 2)):
        staged = staged_sketch(tmp_path / place, f"// {place}\n{NOTHING}")
        (staged.path / "src" / "Library").mkdir(parents=True)
        (staged.path / "src" / "Library" / "part.cpp").write_text(f"int part = {library};\n")
        compile_image(staged, store)
    assert compiled.count("start.cpp") == 1
    assert (compiled.count("part.cpp"), compiled.count("earshot.ino")) == (2, 3)


def test_libraries_of_the_sketch_need_nothing_above_them(tmp_path):
    """Their objects are kept by the content of `src` and the core."""
    staged = stage(tiny_model(tmp_path / "model"), TinyEngine(), tmp_path / "stage")
    sources = sorted((staged.path / "src").rglob("*.cpp"))
    assert sources
    command = [find_compiler().path, "-MM", f"-I{CORE}", *map(str, sources)]
    needed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    above = [Path(word).resolve() for word in needed.replace("\\\n", "").split() if not word.endswith(":")]
    places = (staged.path / "src").resolve(), CORE.resolve()
    assert [path for path in above if not any(path.is_relative_to(place) for place in places)] == []


def test_another_optimization_is_another_image(compiled):
    loop = "volatile int n;\nvoid setup() { for (int i = 0; i < 9; ++i) n = n + i; }\nvoid loop() {}\n"
    assert compiled(loop, optimization="-Os").flash_bytes < compiled(loop, optimization="-O3").flash_bytes


def test_sizes_are_those_of_the_sketch_alone(compiled):
    nothing = compiled()
    something = compiled(
        "extern const char table[1000] = {1};\nchar buffer[2000];\nvolatile int counter = 5;\n"
        "void setup() { volatile char sink = table[counter] + buffer[counter]; }\nvoid loop() {}\n"
    )
    assert nothing.flash_bytes < 100 and nothing.ram_bytes < 100
    assert something.sections[".rodata"] == 1000
    assert something.sections[".bss"] == 2000
    assert something.ram_bytes == 2000 + something.sections[".data"]
    assert something.flash_bytes == something.sections[".text"] + 1000 + something.sections[".data"]


@pytest.mark.parametrize(
    ("section", "available", "declaration"),
    [
        ("flash", FLASH_LIMIT_BYTES, "extern const char big[{}] = {{1}};"),
        ("ram", RAM_LIMIT_BYTES, "char big[{}];"),
    ],
)
@pytest.mark.parametrize("beyond", [10_000, 4_000_000])
def test_an_image_larger_than_the_board_does_not_fit(compiled, section, available, declaration, beyond):
    big = declaration.format(available + beyond)
    with pytest.raises(DoesNotFit) as caught:
        compiled(f"{big}\nvolatile int n;\nvoid setup() {{ n = big[n]; }}\nvoid loop() {{}}\n")
    assert (caught.value.section, caught.value.available_bytes) == (section, available)
    assert 0 <= caught.value.needed_bytes - (available + beyond) < 500


@pytest.mark.parametrize(
    ("source", "match"),
    [
        ("#include <stdlib.h>\nvoid* volatile p;\nvoid setup() { p = malloc(9); }\n", "uses the heap"),
        ("void* volatile p;\nvoid setup() { p = new int(3); }\n", "uses the heap"),
        ("void setup() { Serial.println(String(3) + 4); }\n", "uses the heap"),
        ("void setup() {\n  nonsense(); }\n", r"earshot\.ino:2:.*'nonsense' was not declared"),
        ("void elsewhere();\nvoid setup() { elsewhere(); }\n", "undefined reference to `elsewhere"),
    ],
)
def test_an_error_in_a_sketch_is_shown(compiled, source, match):
    with pytest.raises(BuildFailed, match=match):
        compiled(f"{source}void loop() {{}}\n")


def test_the_core_takes_no_memory_of_the_sketch(compiled):
    """The core calls no library function: those belong to the sketch, and their cycles count."""
    firmware = compiled("#include <PDM.h>\nvoid setup() { PDM.begin(1, 16000); }\nvoid loop() { yield(); }")
    assert set(firmware.sections) == {".text"}
    assert firmware.flash_bytes < 60


def test_without_the_compiler_the_package_is_named(compiled, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BuildFailed, match="apt-get install gcc-arm-none-eabi"):
        compiled()


def test_a_compiler_for_another_processor_is_refused(tmp_path, compiled, monkeypatch):
    (tmp_path / "arm-none-eabi-g++").write_bytes(b"\x7fELF for another one\0")
    (tmp_path / "arm-none-eabi-g++").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildFailed, match=r"does not run \(Exec format error\).*apt-get install"):
        compiled()


@pytest.mark.parametrize("lacking", ["-nostdinc++", "--specs=nowhere.specs"])
def test_without_the_library_its_package_is_named(tmp_path, lacking):
    (tmp_path / "sketch.cpp").write_text("#include <cstdint>\n")
    with pytest.raises(BuildFailed, match=r"(?s)has no C or C\+\+ library.*apt-get install .*libnewlib"):
        run_tool(find_compiler(), [lacking, "-c", "sketch.cpp"], tmp_path)


def test_a_full_disk_is_a_failed_build(compiled, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "somewhere")

    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    monkeypatch.setattr("harness.firmware.arm_gcc.run_tool", full)
    with pytest.raises(BuildFailed, match="disk is full"):
        compiled(f"// not in the store yet\n{NOTHING}")


# Arduino libraries: compiled once, and without sources that use pins

SUMS = """\
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


def _library(folder: Path, **changes: str) -> Path:
    for path, text in (LIBRARY | changes).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def test_sources_that_use_pins_are_left_out(tmp_path):
    circle = {"src/a.h": '#include "b.h"\n', "src/b.h": '#include "a.h"\n', "src/c.cpp": '#include "a.h"\n'}
    library = read_library(_library(tmp_path / "Sums", **circle))
    paths = library.sources_without("Arduino.h")
    names = [path.relative_to(library.source_root).as_posix() for path in paths]
    assert names == ["c.cpp", "other/cpp.cpp", "sum/c.c", "sum/cpp.cpp"]
    assert len(library.sources) == 5


def test_a_library_is_compiled_once_wherever_it_is(tmp_path, compiled, monkeypatch):
    first = compiled(SUMS, _library(tmp_path / "here" / "Sums"))
    fresh = compile_image(
        staged_sketch(tmp_path / "c", SUMS, _library(tmp_path / "far" / "Sums")), Store(tmp_path / "s")
    )
    assert fresh.image.read_bytes() == first.image.read_bytes()
    changed = {"src/sum/cpp.cpp": "int sum_in_cpp(int a, int b) { return a - b; }\n"}
    other = compiled(SUMS, _library(tmp_path / "Other", **changed))
    assert other.image.read_bytes() != first.image.read_bytes()
    monkeypatch.setattr("harness.firmware.arm_gcc.archive", lambda *_: pytest.fail("compiled again"))
    assert compiled(SUMS, _library(tmp_path / "there" / "Sums")).image == first.image
    compiled(SUMS.replace("4", "5"), tmp_path / "here" / "Sums")


def test_a_librarys_first_error_is_shown(tmp_path, compiled):
    library = _library(tmp_path / "Sums", **{"src/sum/c.c": "int sum_in_c(int a) { return nonsense; }\n"})
    with pytest.raises(BuildFailed, match=r"sum/c\.c:1:.*'nonsense' undeclared"):
        compiled(SUMS, library)
