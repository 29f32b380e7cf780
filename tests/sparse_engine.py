"""Engine `codegen-sparse` with its sparse kernels wherever there are any, whether they pay or not."""

from __future__ import annotations

from harness.firmware.codegen.operations import Operation, operation
from harness.firmware.codegen.program import Step
from harness.firmware.codegen_sparse import CodegenSparseEngine
from harness.firmware.codegen_sparse.kernels import sparse_operation


class AlwaysSparse(CodegenSparseEngine):
    """Chooses by nothing but what there is."""

    def operation(self, step: Step) -> Operation:
        return sparse_operation(step) or operation(step)
