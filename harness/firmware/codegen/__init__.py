"""Engine `codegen`: C++ with constant shapes and multipliers from a .tflite; no interpreter, no heap."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from harness.firmware.codegen.channels import packed
from harness.firmware.codegen.folding import fold
from harness.firmware.codegen.kernels import fast_operation, is_portable
from harness.firmware.codegen.layout import fill_arena, lay_out
from harness.firmware.codegen.lowering import lower, numbered
from harness.firmware.codegen.operations import Operation, kernels_name, operation
from harness.firmware.codegen.program import Program, Step, View
from harness.firmware.codegen.source import engine_source, weights_source
from harness.firmware.engine import Engine, EngineSources
from harness.footprint import Footprint
from models.tflite import Operator, read_tflite


class CodegenEngine(Engine):
    """An engine that equals TensorFlow Lite's reference kernels, in float32 up to rounding.

    With the footprint "small", layers have the portable kernels, which read int8 weights where they lie in
    flash and often write over their input, in code that is optimized for size.
    """

    name = "codegen"
    footprints: ClassVar[tuple[Footprint, ...]] = ("fast", "small")

    def operation(self, step: Step) -> Operation:
        """Return the kernel call that runs a step; a subclass may choose another one."""
        if self.footprint == "small":
            portable = operation(step)
            return replace(portable, channels=portable.channels and packed(portable.channels))
        return fast_operation(step) or operation(step)

    def operators(self, tflite: Path) -> tuple[Operator, ...]:
        return tuple(one.step.operator for one in self._operations(fold(lower(read_tflite(tflite)))))

    def _operations(self, program: Program) -> tuple[Operation, ...]:
        return tuple(self.operation(step) for step in program.steps if not isinstance(step, View))

    def generate(self, tflite: Path, out: Path) -> EngineSources:
        model = read_tflite(tflite)
        program = fold(lower(model))
        operations = fill_arena(program, self._operations(program))
        layout = lay_out(program, operations)
        source = engine_source(self.name, program, operations, layout, model.sha256, self.footprint)
        (out / "engine.cpp").write_text(source, encoding="ascii")
        weights = weights_source(self.name, program, operations, model.sha256)
        (out / "model_weights.h").write_text(weights, encoding="ascii")
        portable = numbered(
            operation.step.operator
            for operation in operations
            if self.footprint == "fast" and is_portable(operation)
        )
        return EngineSources(
            kernels_name(operations),
            layout.arena_bytes,
            portable=", ".join(portable),
            footprint=self.footprint,
        )
