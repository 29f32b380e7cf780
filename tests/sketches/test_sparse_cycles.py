"""The cycle estimates of engine codegen-sparse, compared with the emulated board."""

from __future__ import annotations

from itertools import pairwise

import pytest
from compiled_engine import AlwaysSparse
from engine_cycles import cycles_of, stage_engines
from small_models import tinyconv

from harness.firmware.codegen.folding import fold
from harness.firmware.codegen.lowering import lower
from harness.firmware.codegen_sparse.cycles import layer_cycles
from harness.firmware.engine import Engine, get_engine
from models.tflite import read_tflite

pytestmark = pytest.mark.emulated

ZEROS = [0.0, 0.3, 0.6, 0.8, 0.95]
TOLERANCE = 0.1
ENGINES: dict[str, Engine] = {
    "dense": get_engine("codegen"),
    "sparse": AlwaysSparse(),
    "chosen": get_engine("codegen-sparse"),
}


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> dict[tuple[str, float], int]:
    """Measure the cycles of TinyConv without softmax, by engine and share of zeros."""
    folder = tmp_path_factory.mktemp("engines")
    cases = [(name, zeros) for name in ENGINES for zeros in ZEROS]
    models = [(tinyconv(zeros, zeros), ENGINES[name]) for name, zeros in cases]
    return dict(zip(cases, cycles_of(stage_engines(models, folder), len(cases)), strict=True))


@pytest.mark.parametrize("zeros", ZEROS)
def test_estimates_are_close_to_the_board(measured, tmp_path, zeros):
    model = tmp_path / "model.tflite"
    model.write_bytes(tinyconv(zeros, zeros))
    estimates = zip(*map(layer_cycles, fold(lower(read_tflite(model))).steps), strict=True)
    boards = [measured[engine, zeros] for engine in ("dense", "sparse")]
    assert [sum(layers) for layers in estimates] == pytest.approx(boards, rel=TOLERANCE)


@pytest.mark.parametrize("zeros", ZEROS)
def test_codegen_sparse_is_never_slower_than_codegen(measured, zeros):
    assert measured["chosen", zeros] <= measured["dense", zeros] * 1.01


def test_more_zeros_make_codegen_sparse_faster(measured):
    times = [measured["chosen", zeros] for zeros in ZEROS]
    assert all(more <= 1.01 * fewer for fewer, more in pairwise(times))
    assert times[-1] < times[0] / 2
