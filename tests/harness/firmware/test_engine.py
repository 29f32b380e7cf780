"""The search for engines: packages of harness/firmware/, found by their names."""

from __future__ import annotations

import sys

import pytest
from tiny_engine import tiny_model

import harness.firmware
from harness.boards.emulated import EmulatedBoard
from harness.errors import UsageError
from harness.firmware.engine import engines, get_engine
from models.store import Store

ENGINE = '''
"""Another engine."""

from tiny_engine import TinyEngine


class OtherEngine(TinyEngine):
    name = "my-engine"
'''


def test_a_new_engine_is_one_package(tmp_path, monkeypatch):
    package = tmp_path / "engines" / "my_engine"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(ENGINE)
    monkeypatch.setattr(harness.firmware, "__path__", [*harness.firmware.__path__, str(package.parent)])
    engine = get_engine("my-engine", ("Servo@1.2",))
    sys.modules.pop("harness.firmware.my_engine")
    assert engine.sized_for(tmp_path, "emulated", Store(tmp_path), pytest.fail) is engine
    firmware = EmulatedBoard(Store(tmp_path / "store")).build(tiny_model(tmp_path / "model"), engine)
    assert (firmware.engine, firmware.kernels) == ("my-engine", "largest")


def test_the_engines_of_the_product_are_found():
    assert sorted(engines()) == ["codegen", "codegen-sparse", "tflm"]


@pytest.mark.parametrize("name", ["codegen-sparse", "tflm"])
def test_an_engine_without_small_images_says_so(name):
    with pytest.raises(UsageError, match=f"engine {name} has no footprint small.*Use --footprint fast"):
        get_engine(name, footprint="small")


def test_an_unknown_engine_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match=r"no engine 'onnx'.*codegen, codegen-sparse, tflm"):
        get_engine("onnx")
