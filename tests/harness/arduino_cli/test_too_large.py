from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from cli_stand_in import recorded

from harness.arduino_cli.answers import compile_answer
from harness.arduino_cli.too_large import too_large
from harness.errors import BuildFailed, DoesNotFit

FQBN = "arduino:mbed_nano:nano33ble"
FLASH, RAM = 983_040, 262_144


def failing_compile(cli, stand_in, tmp_path, name):
    stand_in.answers("compile", recorded(name), status=1)
    return cli.compile(tmp_path / "earshot", FQBN, None, tmp_path)


@pytest.mark.parametrize(
    ("name", "section", "needed", "available"),
    [
        ("compile_flash_overflow", "flash", FLASH + 12, FLASH),
        ("compile_ram_overflow", "ram", RAM + 0x610, RAM),
    ],
)
def test_what_the_linker_lacks_is_what_does_not_fit(
    cli, stand_in, tmp_path, name, section, needed, available
):
    with pytest.raises(DoesNotFit) as caught:
        failing_compile(cli, stand_in, tmp_path, name)
    problem = caught.value
    assert (problem.section, problem.needed_bytes, problem.available_bytes) == (section, needed, available)
    assert problem.where == "earshot"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("compile_error", "engine.cpp:9:3: 'Model' was not declared"),
        ("compile_no_core", "core install arduino:mbed_nano"),
        ("compile_disk_full", "the disk is full"),
        ("compile_too_large", "text section exceeds"),  # nothing to weigh: the words alone decide nothing
    ],
)
def test_other_failures_are_failed_builds(cli, stand_in, tmp_path, name, sentence):
    with pytest.raises(BuildFailed, match=sentence) as caught:
        failing_compile(cli, stand_in, tmp_path, name)
    assert not isinstance(caught.value, DoesNotFit)


def test_sections_in_the_answer_are_believed_first():
    answer = json.loads(recorded("compile_too_large"))
    answer["builder_result"]["executable_sections_size"] = [
        {"name": "data", "size": 300_000, "max_size": RAM}
    ]
    problem = too_large(compile_answer(answer), 0.0)
    assert problem is not None
    assert (problem.section, problem.needed_bytes) == ("ram", 300_000)


def weighed(image: Path, started: float, name: str = "compile_too_large") -> DoesNotFit | None:
    """The verdict on a refused compilation that left an image in its build folder."""
    answer = json.loads(recorded(name))
    answer["builder_result"]["build_path"] = str(image.parent)
    return too_large(compile_answer(answer), started)


@pytest.fixture
def linked(tmp_path):
    """Links an image with so many bytes of constants and variables."""
    compiler = shutil.which("arm-none-eabi-gcc")
    if not compiler:
        pytest.skip("arm-none-eabi-gcc is not installed")

    def link(constants: int, variables: int) -> Path:
        source, image = tmp_path / "image.c", tmp_path / "earshot.ino.elf"
        source.write_text(
            f"const char constants[{constants}] = {{1}}; char variables[{variables}];\n"
            "int _start(void) { return constants[1] + variables[1]; }\n"
        )
        flags = ["-mcpu=cortex-m4", "-mthumb", "-Os", "-nostdlib", "-fno-builtin"]
        subprocess.run([compiler, *flags, source, "-o", image], check=True)
        return image

    return link


@pytest.mark.parametrize(
    ("constants", "variables", "section"), [(FLASH, 8, "flash"), (8, RAM + 8, "ram"), (1000, 1000, None)]
)
def test_a_refused_image_is_weighed_by_the_cores_own_rule(linked, constants, variables, section):
    problem = weighed(linked(constants, variables), time.time() - 60)
    assert (problem.section if problem else None) == section


def test_the_weight_is_what_size_says(linked):
    image = linked(FLASH, 8)
    listing = subprocess.run(["arm-none-eabi-size", "-A", image], capture_output=True, text=True, check=True)
    lines = [line.split() for line in listing.stdout.splitlines()]
    wanted = sum(int(line[1]) for line in lines if line and line[0] in (".text", ".rodata", ".data"))
    problem = weighed(image, time.time() - 60)
    assert problem is not None
    assert problem.needed_bytes == wanted


def test_an_image_of_an_earlier_call_decides_nothing(linked):
    image = linked(FLASH, 8)
    os.utime(image, (time.time() - 3600,) * 2)
    assert weighed(image, time.time()) is None


def test_an_image_beside_an_error_of_the_compiler_decides_nothing(linked):
    assert weighed(linked(FLASH, 8), time.time() - 60, "compile_error") is None


def test_half_an_image_decides_nothing(tmp_path):
    image = tmp_path / "earshot.ino.elf"
    image.write_bytes(b"\x7fELF\x01")
    assert weighed(image, 0.0) is None
