"""The emulated board's Arduino platform: recipes, limits, and installation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from board_program import Terminal
from recipes import compile_sketch, sizes
from stand_in_cli import StandInCli
from tiny_engine import TinyEngine, tiny_model

from harness.boards.qemu.clock import Clock
from harness.boards.qemu.machine import Machine
from harness.boards.qemu.tools import find_qemu
from harness.cli import main
from harness.firmware import elf
from harness.firmware.arduino_platform import OPTIMIZATION, PLATFORM, properties
from harness.firmware.arm_gcc import build_image, find_compiler
from harness.firmware.stage import stage

SKETCH = Path(__file__).parents[2] / "arduino" / "Hears"


@pytest.fixture
def sketchbook(tmp_path):
    folder = tmp_path / "Arduino"
    folder.mkdir()
    return folder


def platform(action: str, sketchbook: Path) -> int:
    return main(["platform", action, "--sketchbook", str(sketchbook)])


def test_recipes_and_our_own_build_make_images_of_equal_size(tmp_path):
    staged = stage(tiny_model(tmp_path / "model"), TinyEngine(), tmp_path / "stage")
    build_image(find_compiler(), staged.path, OPTIMIZATION.split(), tmp_path / "ours.elf")
    theirs = compile_sketch(staged.path, tmp_path / "build")
    ours = elf.flash_and_ram(elf.section_sizes(tmp_path / "ours.elf"))
    assert sizes(theirs) == pytest.approx(ours, rel=0.005)
    assert sizes(theirs) == elf.flash_and_ram(elf.section_sizes(theirs))


def test_sketch_of_micro_speechs_kind_compiles(tmp_path):
    text, data = sizes(
        compile_sketch(SKETCH, tmp_path / "build", extra={"compiler.warning_flags": "-Wall -Wextra"})
    )
    assert 0 < text < elf.FLASH_LIMIT_BYTES
    assert 16_000 < data < elf.RAM_LIMIT_BYTES


def test_code_of_a_library_is_the_sketchs_also_in_a_folder_core(tmp_path):
    """Only what stands for hardware is left out of the board's memory and time."""
    library = tmp_path / "Library"
    (library / "core").mkdir(parents=True)
    (library / "core" / "part.cpp").write_text("extern const char part[5000] = {1};\n")
    sketch = tmp_path / "uses"
    sketch.mkdir()
    text = "extern const char part[];\nvolatile int n;\nvoid setup() { n = part[n]; }\nvoid loop() {}\n"
    (sketch / "uses.ino").write_text(text)
    assert sizes(compile_sketch(sketch, tmp_path / "build", (library,)))[0] > 5000


@pytest.mark.parametrize("name", ["a, b", "it's $HOME", "ü#;"])
def test_folder_may_have_any_name(name, tmp_path):
    sketch = tmp_path / name / "bare"
    sketch.mkdir(parents=True)
    (sketch / "bare.ino").write_text("void setup() {}\nvoid loop() {}\n")
    assert compile_sketch(sketch, tmp_path / name / "build").with_suffix(".map").is_file()


def test_memory_is_the_boards_everywhere():
    limits = {"FLASH": elf.FLASH_LIMIT_BYTES, "RAM": elf.RAM_LIMIT_BYTES}
    regions = dict(re.findall(r"(\w+) +\(\w+\) *: ORIGIN = \w+, LENGTH = (\d+)$", linker_script(), re.M))
    assert {name: int(size) for name, size in regions.items()} == limits
    keys = ("upload.maximum_size", "upload.maximum_data_size")
    assert [int(properties()[key]) for key in keys] == list(limits.values())


def linker_script() -> str:
    return (PLATFORM / "cores" / "emulated" / "board.ld").read_text()


def test_install_links_the_platform_and_uninstall_removes_the_link(sketchbook, capsys):
    assert platform("install", sketchbook) == 0
    link = sketchbook / "hardware" / "earshot" / "mbed_nano"
    assert (link / "boards.txt").samefile(PLATFORM / "boards.txt")
    assert platform("install", sketchbook) == 0
    assert "Already installed: earshot:mbed_nano:nano33ble" in capsys.readouterr().out
    assert platform("uninstall", sketchbook) == 0
    assert list((sketchbook / "hardware").iterdir()) == []
    assert PLATFORM.is_dir()


def test_without_a_sketchbook_arduino_cli_is_asked(sketchbook, tmp_path, monkeypatch):
    cli = StandInCli(tmp_path / "bin")
    cli.steps("config", {"stdout": f'"{sketchbook}"\n'})
    monkeypatch.setenv("EARSHOT_ARDUINO_CLI", str(cli.command))
    assert main(["platform", "install"]) == 0
    assert (sketchbook / "hardware" / "earshot" / "mbed_nano").is_symlink()
    assert cli.calls("config") == [["config", "get", "directories.user", "--json"]]


def test_without_arduino_cli_the_option_is_named(monkeypatch, capsys):
    monkeypatch.setenv("EARSHOT_ARDUINO_CLI", "/nowhere/arduino-cli")
    assert main(["platform", "install"]) == 2
    assert re.fullmatch("earshot: .*not installed.*--sketchbook.*\n", capsys.readouterr().err)


def test_refusals_are_one_line(sketchbook, capsys):
    place = sketchbook / "hardware" / "earshot" / "mbed_nano"

    def refused(action: str, folder: Path, match: str) -> None:
        assert platform(action, folder) == 2
        assert re.fullmatch(f"earshot: .*{match}.*\n", capsys.readouterr().err)

    refused("install", sketchbook / "missing", "no such sketchbook folder.*missing")
    refused("uninstall", sketchbook, "not installed")
    place.mkdir(parents=True)
    refused("install", sketchbook, "another platform.*Move it away")
    refused("uninstall", sketchbook, "not installed")
    place.rmdir()
    place.symlink_to("/somewhere/else")
    refused("install", sketchbook, "-> /somewhere/else.*uninstall` first")


TEXTS = r"""
String text = "kayak, kayak";  // a global object with a destructor

void setup() {
  Serial.begin(9600);
  while (!Serial) ;
  Serial.println(text.lastIndexOf("kayak"));
  Serial.println(text.lastIndexOf("kayak", 6));
  Serial.println(text.lastIndexOf('y', 5));
  text.replace('k', 'K');
  Serial.println(text);
  for (char letter : "aZ7 \n_\xe9") {
    const bool kinds[] = {
        isAlphaNumeric(letter), isAlpha(letter),     isAscii(letter),     isWhitespace(letter),
        isControl(letter),      isDigit(letter),     isGraph(letter),     isLowerCase(letter),
        isPrintable(letter),    isPunct(letter),     isSpace(letter),     isUpperCase(letter),
        isHexadecimalDigit(letter)};
    for (bool kind : kinds) Serial.print(kind);
    Serial.println();
  }
}

void loop() {}
"""


def test_texts_and_letters_are_arduinos(tmp_path):
    sketch = tmp_path / "Texts"
    sketch.mkdir()
    (sketch / "Texts.ino").write_text(TEXTS)
    image = compile_sketch(sketch, tmp_path / "build", extra={"compiler.warning_flags": "-Wall -Wextra"})
    machine = Machine(find_qemu(), image, Clock())
    terminal = Terminal(machine.port)
    try:
        terminal.send(b"\n")
        lines = [terminal.read_until(b"\n").decode().strip() for _ in range(12)]
    finally:
        terminal.close()
        machine.close()
    assert lines[:4] == ["7", "0", "2", "KayaK, KayaK"]
    assert lines[4:] == [
        "1110001110001",
        "1110001010010",
        "1010011010001",
        "0011000010100",
        "0010100000100",
        "0010001011000",
        "0000000000000",
        "0010100000000",
    ]
