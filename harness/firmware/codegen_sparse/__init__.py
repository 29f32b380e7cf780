"""Engine `codegen-sparse`: `codegen` with kernels that skip weights of 0 if that is faster."""

from __future__ import annotations

from dataclasses import replace

from harness.firmware.codegen import CodegenEngine
from harness.firmware.codegen.operations import Operation
from harness.firmware.codegen.program import Conv2D, FullyConnected, Step
from harness.firmware.codegen_sparse.cycles import layer_cycles
from harness.firmware.codegen_sparse.kernels import sparse_operation

_WORTH_IT = 7 / 8
"""Share of the dense kernel's cycles: the gain exceeds the formulas' error and is worth the flash."""


class CodegenSparseEngine(CodegenEngine):
    """An engine as bit-exact as `codegen`: a weight of 0 adds nothing to a sum, at any zero point.

    A convolution or fully connected layer in int8 gets a sparse kernel if that takes an eighth fewer modeled
    cycles than the dense one. Depthwise convolutions, float32, and convolutions of more than
    `kernels.MOST_IN_CODE` weights stay dense. The generated source states each layer's number of zeros and
    the cycles of both kernels; the kernels' name ends with "+sparse" if one is sparse.
    """

    name = "codegen-sparse"
    footprints = ("fast",)

    def operation(self, step: Step) -> Operation:
        dense, sparse = super().operation(step), sparse_operation(step)
        if sparse is None or not isinstance(step, Conv2D | FullyConnected):
            return dense
        without, skipping = layer_cycles(step)
        chosen = sparse if skipping <= _WORTH_IT * without else dense
        values = step.weights.values
        note = (
            f"{(values == 0).sum():,} of {values.size:,} weights are 0: "
            f"{skipping:,} modeled cycles where they are skipped, {without:,} where not."
        )
        return replace(chosen, note=note)
