"""Engine `codegen`: a .tflite becomes C++ in which everything is a constant; no interpreter, no heap."""

from __future__ import annotations

from pathlib import Path

from harness.errors import BuildFailed
from harness.firmware import cpp_text, tflite_model
from harness.firmware import engine as engine_module
from harness.firmware.codegen.folding import fold
from harness.firmware.codegen.layout import lay_out
from harness.firmware.codegen.lowering import lower
from harness.firmware.codegen.operations import Operation, kernels_name, operation
from harness.firmware.codegen.program import Step, View
from harness.firmware.codegen.source import engine_source, weights_source
from harness.firmware.engine import EngineSources
from harness.firmware.tflite_model import read_tflite
from harness.layout import SKETCHES


class CodegenEngine:
    """Bit-exact with TensorFlow Lite's reference kernels for int8, within rounding for float32."""

    name = "codegen"
    code: tuple[Path, ...] = (
        Path(__file__).parent,
        Path(cpp_text.__file__),
        Path(tflite_model.__file__),
        Path(engine_module.__file__),
        SKETCHES / "libraries" / "EarshotKernels",
    )

    def operation(self, step: Step) -> Operation:
        """The kernel that runs a step; another engine of this kind may choose another."""
        return operation(step)

    def generate(self, tflite: Path, out: Path) -> EngineSources:
        """See `Engine.generate`; what is written includes the kernels as src/EarshotKernels."""
        model = read_tflite(tflite)
        try:
            program = fold(lower(model))
            operations = tuple(self.operation(step) for step in program.steps if not isinstance(step, View))
        except BuildFailed as refusal:
            raise BuildFailed(
                refusal.what, where=f"{tflite}: {refusal.where}", remedy=refusal.remedy
            ) from refusal
        layout = lay_out(program, operations)
        files = {
            out / "engine.cpp": engine_source(self.name, program, operations, layout, model.sha256),
            out / "model_weights.h": weights_source(self.name, operations, model.sha256),
        }
        for path, text in files.items():
            path.write_text(text, encoding="ascii")
        return EngineSources(
            kernels=kernels_name(operations),
            arena_bytes=layout.arena_bytes,
            arena_plan=layout.slots,
            operators=model.histogram,
            folded=program.folded,
            macs=sum(item.step.macs for item in operations),
            files=tuple(files),
        )
