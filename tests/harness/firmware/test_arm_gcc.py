"""Compilation for the emulated board: reproducible images, sizes, and refusals."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from tiny_engine import TinyEngine, tiny_model

from harness.errors import BuildFailed, DoesNotFit
from harness.firmware.arm_gcc import build_image, compile_image, find_compiler
from harness.firmware.elf import FLASH_LIMIT_BYTES, RAM_LIMIT_BYTES
from harness.firmware.engine import EngineSources
from harness.firmware.stage import StagedSketch, stage
from models.store import Store

NOTHING = "void setup() {}\nvoid loop() {}\n"


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@dataclass
class Sketches:
    """A writer of staged sketches of one file."""

    folder: Path

    def __call__(self, source: str, name: str = "earshot") -> StagedSketch:
        path = self.folder / name
        path.mkdir(parents=True)
        (path / "earshot.ino").write_text(source)
        return StagedSketch(
            path, "0" * 8, "a-variant", "1" * 64, "tiny", EngineSources(kernels="sums", arena_bytes=12)
        )


@pytest.fixture
def sketch(tmp_path):
    return Sketches(tmp_path / "sketches")


def test_the_real_sketch_compiles_without_a_warning_and_without_a_heap(tmp_path):
    staged = stage(tiny_model(tmp_path / "model"), TinyEngine(), tmp_path / "stage")
    image = tmp_path / "image.elf"
    build_image(find_compiler(), staged.path, ["-O2", "-Wall", "-Wextra", "-Werror"], image)
    symbols = subprocess.run(
        ["arm-none-eabi-nm", image], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"malloc", "_malloc_r", "free", "_free_r", "_sbrk", "_Znwj", "realloc"} & set(symbols)


def test_the_same_sketch_in_another_place_is_the_same_image(tmp_path):
    source = "const char* volatile file = __FILE__;\nvoid setup() {}\nvoid loop() {}\n"
    images = []
    for place in ("here", "over/there"):
        staged = Sketches(tmp_path / place)(source)
        library = staged.path / "src" / "Library"
        library.mkdir(parents=True)
        (library / "part.cpp").write_text("const char* volatile part = __FILE__;\n")
        images.append(compile_image(staged, Store(tmp_path / place / "store")).image.read_bytes())
    assert images[0] == images[1]
    assert str(tmp_path).encode() not in images[0]


def test_an_image_is_compiled_once(sketch, store, monkeypatch):
    staged = sketch(NOTHING)
    first = compile_image(staged, store)
    monkeypatch.setattr("harness.firmware.arm_gcc.run_tool", lambda *_: pytest.fail("compiled again"))
    assert compile_image(staged, store) == first


def test_another_optimization_is_another_image(sketch, store):
    staged = sketch(
        "volatile int n;\nvoid setup() { for (int i = 0; i < 9; ++i) n = n + i; }\nvoid loop() {}\n"
    )
    small, fast = compile_image(staged, store, "-Os"), compile_image(staged, store, "-O3")
    assert small.image != fast.image
    assert (small.optimization, fast.optimization) == ("-Os", "-O3")
    assert small.flash_bytes < fast.flash_bytes


def test_sizes_are_those_of_the_sketch_alone(sketch, store):
    nothing = compile_image(sketch(NOTHING, "nothing"), store)
    uses = "volatile char sink = table[counter] + buffer[counter];"
    something = compile_image(
        sketch(
            "extern const char table[1000] = {1};\nchar buffer[2000];\nvolatile int counter = 5;\n"
            f"void setup() {{ {uses} }}\nvoid loop() {{}}\n",
            "something",
        ),
        store,
    )
    assert nothing.flash_bytes < 100 and nothing.ram_bytes < 100
    assert something.sections[".rodata"] == 1000
    assert something.sections[".bss"] == 2000
    assert something.ram_bytes == 2000 + something.sections[".data"]
    assert something.flash_bytes == something.sections[".text"] + 1000 + something.sections[".data"]


def test_firmware_has_the_sketchs_ids(sketch, store):
    firmware = compile_image(sketch(NOTHING), store)
    assert (firmware.variant_id, firmware.engine, firmware.kernels) == ("a-variant", "tiny", "sums")
    assert (firmware.build_id, firmware.model_sha256, firmware.arena_bytes) == ("0" * 8, "1" * 64, 12)
    assert firmware.toolchain.startswith("arm-none-eabi-g++ ")


@pytest.mark.parametrize(
    ("section", "available", "declaration"),
    [
        ("flash", FLASH_LIMIT_BYTES, "extern const char big[{}] = {{1}};"),
        ("ram", RAM_LIMIT_BYTES, "char big[{}];"),
    ],
)
@pytest.mark.parametrize("beyond", [10_000, 4_000_000])
def test_an_image_larger_than_the_board_does_not_fit(sketch, store, section, available, declaration, beyond):
    big = declaration.format(available + beyond)
    staged = sketch(f"{big}\nvolatile int n;\nvoid setup() {{ n = big[n]; }}\nvoid loop() {{}}\n")
    with pytest.raises(DoesNotFit) as caught:
        compile_image(staged, store)
    assert (caught.value.section, caught.value.available_bytes) == (section, available)
    assert 0 <= caught.value.needed_bytes - (available + beyond) < 500


@pytest.mark.parametrize("allocation", ["malloc(9)", "new int(3)"])
def test_a_sketch_that_uses_the_heap_is_refused(sketch, store, allocation):
    setup = f"void* volatile kept;\nvoid setup() {{ kept = {allocation}; }}\n"
    staged = sketch(f"#include <stdlib.h>\n{setup}void loop() {{}}\n")
    with pytest.raises(BuildFailed, match="uses the heap"):
        compile_image(staged, store)


def test_the_core_takes_no_memory_of_the_sketch(sketch, store):
    """The core calls no library function: those belong to the sketch, and their cycles count."""
    firmware = compile_image(
        sketch("#include <PDM.h>\nvoid setup() { PDM.begin(1, 16000); }\nvoid loop() { yield(); }"), store
    )
    assert set(firmware.sections) == {".text"}
    assert firmware.flash_bytes < 60


def test_the_compilers_first_errors_are_shown(sketch, store):
    with pytest.raises(BuildFailed, match=r"earshot\.ino:2:.*'nonsense' was not declared"):
        compile_image(sketch("void setup() {}\nvoid loop() { nonsense(); }\n"), store)


def test_a_missing_function_is_named(sketch, store):
    with pytest.raises(BuildFailed, match="undefined reference to `elsewhere"):
        compile_image(sketch("void elsewhere();\nvoid setup() { elsewhere(); }\nvoid loop() {}\n"), store)


def test_without_the_compiler_the_package_is_named(sketch, store, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BuildFailed, match="apt-get install gcc-arm-none-eabi"):
        compile_image(sketch(NOTHING), store)


def test_a_full_disk_is_a_failed_build(sketch, store, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "somewhere")

    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    monkeypatch.setattr("harness.firmware.arm_gcc.run_tool", full)
    with pytest.raises(BuildFailed, match="disk is full"):
        compile_image(sketch(NOTHING), store)
