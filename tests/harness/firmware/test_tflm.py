"""Engine tflm: choice of the library, size of the arena, generated sources."""

from __future__ import annotations

import re
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from host_library import compile_for_board
from tflite_builder import ModelBuilder
from tflm_library import library_outline

from harness.arduino_cli.cli import ArduinoCli, Library
from harness.errors import BuildFailed, DoesNotFit
from harness.firmware.arduino_library import read_library
from harness.firmware.arm_gcc import CORE
from harness.firmware.engine import ArenaUse
from harness.firmware.tflm import TflmEngine
from harness.firmware.tflm.choice import NAMES, choose_library
from harness.firmware.tflm.interface import read_interface
from harness.layout import SKETCHES
from models.store import Store


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
    monkeypatch.delenv("EARSHOT_TFLM", raising=False)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Lets arduino-cli list libraries, each "name@version"; returns their folders."""

    def install(*libraries: str) -> list[Path]:
        folders = []
        for library in libraries:
            name, version = library.split("@")
            folder = tmp_path / "libraries" / library.replace("@", "-")
            folder.mkdir(parents=True)
            (folder / "library.properties").write_text(f"name={name}\nversion={version}\n")
            folders.append(folder)
        known = [Library(folder.name, "1.0", str(folder)) for folder in folders]
        monkeypatch.setattr(ArduinoCli, "libraries", lambda self: known)
        return folders

    return install


@pytest.mark.parametrize("name", [*NAMES, "Chirale_TensorFLowLite"])
def test_each_known_library_is_found_among_others(installed, name):
    folders = installed("Servo@1.2.1", f"{name}@2.0.0", "Adafruit GFX Library@1.11")
    library = choose_library()
    assert (library.name, library.version, library.folder) == (name, "2.0.0", folders[1])


def test_the_choice_among_several_does_not_depend_on_their_order(installed):
    installed(*(f"{name}@1.0" for name in NAMES[::-1]))
    assert choose_library().name == NAMES[0]


def test_a_pinned_library_is_taken_before_others_in_its_version_only(installed):
    folders = installed(f"{NAMES[0]}@1.0", f"{NAMES[2]}@1.2.4-Alpha")
    assert choose_library(("ArduinoBLE@1.3", f"{NAMES[2]}@1.2.4-Alpha")).folder == folders[1]
    assert choose_library(("ArduinoBLE@1.3",)).folder == folders[0]
    with pytest.raises(BuildFailed, match=rf"{NAMES[0]}@1\.0.*, not as pinned.*Install {NAMES[2]}@2\.0\.0"):
        choose_library((f"{NAMES[2]}@2.0.0",))


def test_the_variable_comes_before_installed_libraries_but_not_before_a_pin(installed, tmp_path, monkeypatch):
    installed(f"{NAMES[0]}@1.0")
    monkeypatch.setenv("EARSHOT_TFLM", str(library_outline(tmp_path / "mine", "My_TFLM", "3.1")))
    assert str(choose_library()) == "My_TFLM@3.1"
    with pytest.raises(BuildFailed, match="not as pinned"):
        choose_library((f"{NAMES[0]}@2.5.0",))


def test_a_missing_library_is_refused_with_a_remedy(installed, tmp_path, monkeypatch):
    installed("Servo@1.2.1")
    with pytest.raises(BuildFailed, match=r"not installed.*arduino-cli lib install.*EARSHOT_TFLM"):
        choose_library()
    monkeypatch.setenv("EARSHOT_TFLM", str(tmp_path))
    with pytest.raises(BuildFailed, match=r"EARSHOT_TFLM points to a folder without library\.properties"):
        choose_library()


def test_without_arduino_cli_the_remedy_names_the_variable(monkeypatch):
    monkeypatch.setenv("EARSHOT_ARDUINO_CLI", "/nowhere/arduino-cli")
    with pytest.raises(BuildFailed, match=r"arduino-cli is not installed.*EARSHOT_TFLM"):
        choose_library()


@pytest.mark.parametrize("version", ["", "1,2", "1.0\\n", "x" * 16])
def test_a_version_that_a_record_cannot_hold_is_refused(tmp_path, monkeypatch, version):
    monkeypatch.setenv("EARSHOT_TFLM", str(library_outline(tmp_path, version=version)))
    with pytest.raises(BuildFailed, match="a library's version is"):
        choose_library()


def _chain(folder: Path, elements: int, length: int = 3) -> Path:
    """Write a model of `length` SOFTMAX in a row."""
    builder = ModelBuilder()
    tensors = [builder.activation((1, elements), "i1", 0.1) for _ in range(length + 1)]
    for source, output in pairwise(tensors):
        builder.operator("SOFTMAX", [source], [output], beta=1.0)
    path = folder / f"{elements}-{length}.tflite"
    path.write_bytes(builder.finish(tensors[:1], tensors[-1:]))
    return path


class _Board:
    """A board whose interpreter starts with `needed` bytes and reports `used`; 1,000 bytes are others'."""

    def __init__(self, used: int, needed: int = 0, memory: int = 180_000, section: str = "ram") -> None:
        self.used, self.needed, self.memory, self.section = used, needed or used, memory, section
        self.sizes: list[int] = []

    def run(self, engine: TflmEngine) -> ArenaUse:
        self.sizes.append(engine.arena_bytes)
        if engine.arena_bytes > self.memory:
            raise DoesNotFit(self.section, engine.arena_bytes + 1000, self.memory + 1000)
        starts = engine.arena_bytes >= self.needed
        return ArenaUse(self.used, "") if starts else ArenaUse(0, "Failed to allocate")


@pytest.fixture
def sized(tmp_path, monkeypatch):
    """Returns a function that sizes the arena of a model on a board."""
    monkeypatch.setenv("EARSHOT_TFLM", str(library_outline(tmp_path / "library")))
    store = Store(tmp_path / "store")

    def size(board: _Board, elements: int = 10, name: str = "emulated") -> int:
        engine = TflmEngine().sized_for(_chain(tmp_path, elements), name, store, board.run)
        assert engine.sized_for(_chain(tmp_path, elements), name, store, board.run) is engine
        return engine.arena_bytes

    return size


def test_the_arena_is_as_large_as_used_and_measured_once(sized):
    board = _Board(1001)
    assert [sized(board), sized(board), sized(board)] == [1008] * 3
    assert board.sizes == [64 << 10, 1008]


def test_another_model_board_or_library_is_measured_again(sized, tmp_path, monkeypatch):
    sized(_Board(1001))
    assert sized(_Board(2001), elements=11) == 2016
    assert sized(_Board(3001), name="nano33ble") == 3008
    (tmp_path / "library" / "src" / "TensorFlowLite.h").write_text("// newer\n")
    assert sized(_Board(4001)) == 4016


@pytest.mark.parametrize(("used", "memory"), [(100_000, 180_000), (150_000, 180_000), (20_000, 40_000)])
def test_the_first_image_is_searched_by_halving_and_doubling(sized, used, memory):
    assert sized(_Board(used, memory=memory)) == used


def test_a_model_that_needs_more_than_it_reports(sized):
    assert 1000 <= sized(_Board(700, needed=1000)) < 1300


def test_a_model_too_large_for_the_board_does_not_fit(sized):
    with pytest.raises(DoesNotFit) as caught:
        sized(_Board(999_999), elements=100_000)
    assert "needs 201,000 bytes of ram, the board has 181,000" in str(caught.value)


def test_a_refused_model_is_measured_again_by_the_next_run(sized):
    with pytest.raises(BuildFailed, match=r"does not start with this model.*\(Failed to allocate\)"):
        sized(_Board(999_999))
    assert sized(_Board(512)) == 512


def test_a_model_too_large_for_the_flash_is_refused_at_once(sized):
    board = _Board(1, memory=1, section="flash")
    with pytest.raises(DoesNotFit, match="flash"):
        sized(board)
    assert len(board.sizes) == 1


def _dense_softmax(dtype: str = "i1") -> bytes:
    """(1, 8) -> FULLY_CONNECTED -> (1, 4) -> SOFTMAX, twice."""
    builder = ModelBuilder()
    scales = [(0.1, 0), (0.2, 1), (1 / 256, -128), (1 / 256, -128)] if dtype == "i1" else [(0.0, 0)] * 4
    shapes = [(1, 8), (1, 4), (1, 4), (1, 4)]
    tensors = [builder.activation(shape, dtype, *scale) for shape, scale in zip(shapes, scales, strict=True)]
    weights = builder.constant(np.ones((4, 8), dtype), [0.01] if dtype == "i1" else [])
    builder.operator("FULLY_CONNECTED", [tensors[0], weights, -1], [tensors[1]])
    builder.operator("SOFTMAX", [tensors[1]], [tensors[2]], beta=1.0)
    builder.operator("SOFTMAX", [tensors[2]], [tensors[3]], beta=1.0)
    return builder.finish(tensors[:1], tensors[3:])


def _with_state() -> bytes:
    """SOFTMAX beside a state in a resource variable."""
    builder = ModelBuilder()
    source, output, state = (builder.activation((1, 4), "i1", 1 / 256, -128) for _ in range(3))
    builder.operator("VAR_HANDLE", [], [state])
    builder.operator("SOFTMAX", [source], [output], beta=1.0)
    return builder.finish([source], [output])


def _generate(model: bytes, library: Path, out: Path, **changes):
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.tflite").write_bytes(model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_TFLM", str(library))
        return TflmEngine(**changes).generate(out / "model.tflite", out)


def test_resolver_and_embedded_model(tmp_path):
    """Each kind of operator is added once, and the model is aligned and unchanged."""
    _generate(_dense_softmax(), library_outline(tmp_path / "library"), tmp_path / "out")
    text = (tmp_path / "out" / "engine.cpp").read_text()
    assert "MicroMutableOpResolver<2>" in text
    assert re.findall(r"resolver\.(Add\w+)\(", text) == ["AddFullyConnected", "AddSoftmax"]
    data = (tmp_path / "out" / "model_data.h").read_text()
    declaration, numbers = re.search(r"(alignas.*)\[\d+\] = \{([\d,\s]*)\}", data).groups()
    assert declaration == "alignas(16) const unsigned char kModel"
    assert bytes(map(int, numbers.split(","))) == _dense_softmax()


@pytest.mark.parametrize(
    ("takes_reporter", "model"),
    [(False, _dense_softmax()), (True, _dense_softmax("f4")), (False, _with_state())],
    ids=["logs errors", "reports errors to an object", "keeps a state"],
)
@pytest.mark.parametrize("board", ["-DARDUINO_EARSHOT_EMULATED", "-DARDUINO_ARDUINO_NANO33BLE"])
def test_sources_compile_without_a_warning_with_both_generations(tmp_path, takes_reporter, model, board):
    library = library_outline(tmp_path / "library", takes_reporter=takes_reporter)
    out = tmp_path / "out"
    _generate(model, library, out)
    assert ("MicroResourceVariables::Create(allocator, 1)" in (out / "engine.cpp").read_text()) == (
        model == _with_state()
    )
    shutil.copyfile(SKETCHES / "earshot" / "engine.h", out / "engine.h")
    places = [f"-I{out}", f"-isystem{library / 'src'}", f"-I{CORE}", "-DF_CPU=64000000L"]
    compile_for_board("-std=gnu++14", "-fsyntax-only", board, *places, out / "engine.cpp")


@pytest.mark.parametrize(
    ("dtype", "revision", "kernels"),
    [("i1", "11.0.0", "cmsis-nn 11.0.0"), ("f4", "11.0.0", "reference"), ("i1", "", "reference")],
)
def test_sources_name_the_library_and_the_kernels(tmp_path, dtype, revision, kernels):
    library = library_outline(tmp_path / "library", cmsis_revision=revision)
    sources = _generate(_dense_softmax(dtype), library, tmp_path / "out")
    assert [str(one) for one in sources.libraries] == ["Arduino_TensorFlowLite@2.4.0-ALPHA"]
    assert sources.kernels == f"{kernels} of Arduino_TensorFlowLite 2.4.0-ALPHA"
    assert f'kEngineKernels[] = "{sources.kernels}"' in (tmp_path / "out" / "engine.cpp").read_text()


def test_sources_depend_on_the_librarys_content_not_its_place(tmp_path):
    texts = []
    for name in ("here", "there", "changed"):
        library = library_outline(tmp_path / name)
        if name == "changed":
            (library / "src" / "TensorFlowLite.h").write_text("#define CHANGED\n")
        _generate(_dense_softmax(), library, tmp_path / f"{name}-out")
        texts.append((tmp_path / f"{name}-out" / "engine.cpp").read_text())
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize(
    ("name", "dtypes", "inputs", "match"),
    [
        ("LOGISTIC", ("i1", "i1"), 1, r"ALPHA has no operator LOGISTIC, TANH\. Convert"),
        ("SOFTMAX", ("i2", "i1"), 1, "input is int16"),
        ("SOFTMAX", ("i1", "u1"), 1, "output is uint8"),
        ("SOFTMAX", ("i1", "i1", "i1"), 2, "input is int8, int8; the sketch takes one"),
    ],
)
def test_a_model_that_the_engine_cannot_run_is_refused(tmp_path, name, dtypes, inputs, match):
    builder = ModelBuilder()
    tensors = [builder.activation((1, 4), dtype, 0.1) for dtype in dtypes]
    builder.operator(name, tensors[:1], tensors[-1:])
    if name == "LOGISTIC":
        builder.operator("TANH", tensors[-1:], tensors[-1:])
    with pytest.raises(BuildFailed, match=match):
        model = builder.finish(tensors[:inputs], tensors[-1:])
        _generate(model, library_outline(tmp_path / "library"), tmp_path / "out")


@pytest.mark.parametrize(
    ("path", "text", "match"),
    [
        ("tensorflow/lite/micro/micro_interpreter.h", None, "does not contain TensorFlow Lite Micro"),
        ("tensorflow/lite/micro/micro_mutable_op_resolver.h", "", "operator resolver of an unknown kind"),
        ("TensorFlowLite.h", None, "no header by which a sketch can include it"),
    ],
)
def test_an_incomplete_library_is_refused(tmp_path, path, text, match):
    library = library_outline(tmp_path)
    (library / "src" / path).unlink()
    if text is not None:
        (library / "src" / path).write_text(text)
    with pytest.raises(BuildFailed, match=match) as refusal:
        read_interface(read_library(library))
    assert refusal.value.remedy
