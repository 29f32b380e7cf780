"""Builds whose arena is measured on the board."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from host_library import STORE

from harness.boards.emulated import EmulatedBoard
from harness.errors import BuildFailed
from harness.firmware.codegen import CodegenEngine
from harness.firmware.engine import ArenaUse
from harness.measure.arena import build_sized


class Measuring(CodegenEngine):
    """An engine that has a first image run, and refuses the model."""

    def sized_for(self, tflite, board_name, store, measure_arena):
        use: ArenaUse = measure_arena(CodegenEngine())
        raise BuildFailed(f"{use.bytes} bytes, printed: {use.printed!r}")


def test_a_first_image_reports_its_arena_and_a_refusal_names_the_users_file(model, firmware, tmp_path):
    named = replace(model, source=Path("my model.tflite"))
    expected = rf"{firmware.arena_bytes} bytes, printed: '' \(my model\.tflite\)"
    with EmulatedBoard(STORE) as board, pytest.raises(BuildFailed, match=expected):
        build_sized(board, named, Measuring(), STORE, lambda: tmp_path / "arena.log")
    assert "$boot" in (tmp_path / "arena.log").read_text()
