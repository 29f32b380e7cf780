"""Engine `codegen-sparse` with every sparse kernel that exists, even if it is slower."""

from __future__ import annotations

from harness.firmware.codegen.operations import Operation, operation
from harness.firmware.codegen.program import Step
from harness.firmware.codegen_sparse import CodegenSparseEngine
from harness.firmware.codegen_sparse.kernels import sparse_operation


class AlwaysSparse(CodegenSparseEngine):
    def operation(self, step: Step) -> Operation:
        return sparse_operation(step) or operation(step)
