"""Engine `static-sparse` with its sparse kernels wherever there are any, whether they pay or not."""

from __future__ import annotations

from harness.firmware.static.operations import Operation, operation
from harness.firmware.static.program import Step
from harness.firmware.static_sparse import StaticSparseEngine
from harness.firmware.static_sparse.kernels import sparse_operation


class AlwaysSparse(StaticSparseEngine):
    """Chooses by nothing but what there is."""

    def operation(self, step: Step) -> Operation:
        return sparse_operation(step) or operation(step)
