"""Engine `codegen-sparse`: engine `codegen`, with kernels that skip weights of 0 where that pays."""

from __future__ import annotations

from dataclasses import replace

from harness.firmware.codegen import CodegenEngine
from harness.firmware.codegen.operations import Operation
from harness.firmware.codegen.program import Conv2D, FullyConnected, Step
from harness.firmware.codegen_sparse.cycles import dense_cycles, sparse_cycles
from harness.firmware.codegen_sparse.kernels import sparse_operation

_WORTH_IT = 7 / 8
"""Of the dense kernel's cycles: less is gained by more than the formulas may err, and worth the flash."""


class CodegenSparseEngine(CodegenEngine):
    """Bit-exact as engine `codegen` is: a weight of 0 adds nothing to a sum, whatever the input's zero point.

    A convolution or fully connected layer in int8 gets a sparse kernel if that takes an eighth fewer modeled
    cycles than the dense one. Everything else is as engine `codegen` has it: depthwise convolutions
    channels, float32, and convolutions of more than `kernels.MOST_IN_CODE` weights. The generated source
    says of each layer how many weights are 0 and what both kernels take; the name of the kernels ends with
    "+sparse" where one is used.
    """

    name = "codegen-sparse"

    def operation(self, step: Step) -> Operation:
        """The kernel that runs a step."""
        dense, sparse = super().operation(step), sparse_operation(step)
        if sparse is None or not isinstance(step, Conv2D | FullyConnected):
            return dense
        without, skipping = dense_cycles(step), sparse_cycles(step)
        chosen = sparse if skipping <= _WORTH_IT * without else dense
        values = step.weights.values
        note = (
            f"{(values == 0).sum():,} of {values.size:,} weights are 0: "
            f"{skipping:,} modeled cycles where they are skipped, {without:,} where not."
        )
        return replace(chosen, note=note)
