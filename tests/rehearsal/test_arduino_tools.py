"""The emulated board's platform in a real arduino-cli, without a network and anything else of Earshot's."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from host_library import STORE
from plugged_desk import WAIT_S, Desk
from recipes import compile_sketch
from rehearsal.bench import LABELS
from rehearsal.real_cli import find_real, offline
from small_models import tinyconv
from started import wait_until

from harness.arduino_cli.cli import COMMAND_VARIABLE, ArduinoCli
from harness.boards.emulated import EmulatedBoard
from harness.cli import main
from harness.firmware import elf
from harness.firmware.arduino_platform import FQBN
from harness.firmware.engine import get_engine
from harness.firmware.stage import stage
from models.pipeline import external

pytestmark = pytest.mark.slow

SKETCH = Path(__file__).parents[1] / "arduino" / "Hears"


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.close()


@pytest.fixture
def arduino(tmp_path, desk, monkeypatch) -> str:
    """Return a real arduino-cli whose only core is the platform, installed as a user installs it."""
    program = find_real()
    if program is None:
        pytest.skip("no real arduino-cli: put one on the PATH, or name it with EARSHOT_ARDUINO_CLI")
    for name, value in (offline(tmp_path / "arduino") | {COMMAND_VARIABLE: program}).items():
        monkeypatch.setenv(name, value)
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    assert main(["platform", "install"]) == 0
    return program


def said(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_arduino_cli_alone_compiles_uploads_and_monitors_a_strangers_sketch(arduino, desk, tmp_path):
    sketch = tmp_path / "My sketch" / "Hears"
    shutil.copytree(SKETCH, sketch)
    assert "Sketch uses" in said(arduino, "compile", "--fqbn", FQBN, sketch)

    process, _ = desk.plug_in()

    def port() -> str | None:
        ports = json.loads(said(arduino, "board", "list", "--json"))["detected_ports"]
        ours = (entry for entry in ports if entry.get("matching_boards", [{}])[0].get("fqbn") == FQBN)
        return next((entry["port"]["address"] for entry in ours), None)

    before = wait_until(process, port)
    said(arduino, "upload", "--fqbn", FQBN, "--port", before, sketch)
    after = wait_until(process, port)
    assert before != after

    command = [arduino, "monitor", "--quiet", "--port", after]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as monitor:
        assert monitor.stdin is not None and monitor.stdout is not None
        try:
            heard = next(line for line in monitor.stdout if line.startswith("samples "))
            assert heard.endswith(" of 0x7FFF\n")
            monitor.stdin.write(" 41 \n")
            monitor.stdin.flush()
            assert next(line for line in monitor.stdout if "=" in line) == "41=42, printed\n"
            monitor.stdin.close()
            monitor.stdout.read()
            assert monitor.wait(WAIT_S) == 0
        finally:
            monitor.kill()


def by_recipes(sketch: Path, folder: Path, request: pytest.FixtureRequest) -> Path:
    return compile_sketch(sketch, folder)


def by_arduino_cli(sketch: Path, folder: Path, request: pytest.FixtureRequest) -> Path:
    """Compile by the real tool, whose own figures have to be those of the harness."""
    compiled = ArduinoCli(request.getfixturevalue("arduino")).compile(sketch, FQBN, folder, {})
    sizes = elf.flash_and_ram(elf.section_sizes(compiled.image))
    assert (compiled.text_bytes, compiled.data_bytes) == sizes
    return compiled.image


@pytest.mark.parametrize("compile_there", [by_recipes, by_arduino_cli])
def test_images_of_arduino_and_of_our_own_build_have_equal_sizes_and_cycles(
    compile_there: Callable[..., Path], tmp_path, request
):
    path = tmp_path / "small.tflite"
    path.write_bytes(tinyconv(0, 0))
    model, engine = external(path, LABELS, STORE), get_engine("codegen")
    staged = stage(model, engine, tmp_path / "stage")
    image = compile_there(staged.path, tmp_path / "theirs", request)
    sizes, cycles = [], []
    with EmulatedBoard(STORE) as board:
        ours = board.build(model, engine)
        for firmware in (ours, replace(ours, image=image)):
            sizes.append(elf.flash_and_ram(elf.section_sizes(firmware.image)))
            board.upload(firmware)
            cycles.append(board.open(tmp_path / "log").stage_cycles())
    assert sizes[1] == pytest.approx(sizes[0], rel=0.005)
    assert set(cycles[0]) == {"preprocess", "inference", "postprocess"}
    assert cycles[1] == pytest.approx(cycles[0], rel=0.001)
    print(f"text and data {sizes}, cycles {cycles}")
