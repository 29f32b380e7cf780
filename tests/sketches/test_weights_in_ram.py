"""The estimates of whether weights in RAM pay, compared with the emulated board."""

from __future__ import annotations

import pytest
from engine_cycles import cycles_of, stage_engines
from small_models import pointwise

from harness.firmware.codegen.kernels import convolve_f32, convolve_s8
from harness.firmware.codegen.kernels.weights_in_ram import copy_pays, widening_pays
from harness.firmware.engine import get_engine

PIXELS = {"f4": (4, 8, 16, 24), "i1": (1, 2, 4, 8)}
"""On both sides of the estimates; with 3 pixels of int8 both kernels take the same time up to 10 %."""


@pytest.mark.emulated
@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["f4", "i1"])
def test_the_estimate_names_the_faster_kernel(dtype, tmp_path, monkeypatch):
    models = [(pointwise(dtype, pixels), get_engine("codegen")) for pixels in PIXELS[dtype]]
    cycles = {}
    for in_ram in (True, False):
        monkeypatch.setattr(convolve_f32, "copy_pays", lambda _, answer=in_ram: answer)
        monkeypatch.setattr(convolve_s8, "widening_pays", lambda _, answer=in_ram: answer)
        (tmp_path / str(in_ram)).mkdir()
        cycles[in_ram] = cycles_of(stage_engines(models, tmp_path / str(in_ram)), len(models))
    faster = [ram < flash for ram, flash in zip(cycles[True], cycles[False], strict=True)]
    estimates = [copy_pays(one // 4) if dtype == "f4" else widening_pays(one) for one in PIXELS[dtype]]
    assert estimates == faster
    assert len(set(faster)) == 2
