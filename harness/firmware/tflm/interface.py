"""Operators and calls of a copy of TensorFlow Lite Micro, read from its headers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness.errors import BuildFailed
from harness.firmware.arduino_library import ArduinoLibrary
from harness.firmware.tflm.choice import VARIABLE
from models.tflite import TfliteModel

_REINSTALL = f"Install the library again, or point {VARIABLE} elsewhere."
_MICRO = "tensorflow/lite/micro"
_INTERPRETER = f"{_MICRO}/micro_interpreter.h"
_RESOLVER = f"{_MICRO}/micro_mutable_op_resolver.h"
_REPORTER = f"{_MICRO}/micro_error_reporter.h"
_VARIABLES = f"{_MICRO}/micro_resource_variable.h"
_SCHEMA = "tensorflow/lite/schema/schema_generated.h"
_SCHEMA_VERSION = "tensorflow/lite/version.h"
_CMSIS_KERNELS = ("cmsis_nn", "cmsis-nn")
_ADD = re.compile(r"\bTfLiteStatus (Add\w+)\([^{;]*\)\s*\{\s*return AddBuiltin\(\s*BuiltinOperator_(\w+)")
_REPORTS = re.compile(r"\bMicroInterpreter\([^)]*tensor_arena_size,\s*ErrorReporter\s*\*")
_REVISION = re.compile(r"\$Revision:\s*V\.?([\d.]*\d)")


@dataclass(frozen=True)
class Interface:
    """The parts of engine.cpp that depend on the library.

    Attributes:
        library: the library.
        library_header: header that makes the Arduino builder take the library.
        headers: headers of interpreter, resolver and schema.
        wants_reporter: True if the interpreter's constructor takes an ErrorReporter (until 2021).
        has_variables: True if the interpreter takes memory for VAR_HANDLE (since 2021).
        adders: the resolver's member functions by built-in operator, in the schema's names.
        cmsis_operators: built-in operators with a CMSIS-NN kernel.
        cmsis_version: version of the library's CMSIS-NN; "" without.
    """

    library: ArduinoLibrary
    library_header: str
    headers: tuple[str, ...]
    wants_reporter: bool
    has_variables: bool
    adders: dict[str, str]
    cmsis_operators: frozenset[str]
    cmsis_version: str

    def kernels(self, model: TfliteModel) -> str:
        """Return the kernels that a board reports: CMSIS-NN if an int8 operator of the model has one."""
        quantized = {
            operator.name
            for operator in model.operators
            if any(i is not None and model.tensors[i].type == "int8" for i in operator.inputs)
        }
        kind = f"cmsis-nn {self.cmsis_version}" if quantized & self.cmsis_operators else "reference"
        return f"{kind} of {self.library.name} {self.library.version}"


def read_interface(library: ArduinoLibrary) -> Interface:
    """Read the headers of a library.

    Raises:
        BuildFailed: the headers are not those of TensorFlow Lite Micro, or of an unknown generation.
    """
    root = library.source_root
    try:
        resolver, interpreter = ((root / path).read_text("utf-8") for path in (_RESOLVER, _INTERPRETER))
    except OSError as problem:
        raise BuildFailed(
            f"{library} does not contain TensorFlow Lite Micro",
            where=str(problem.filename),
            remedy=_REINSTALL,
        ) from problem
    adders = {operator: adder for adder, operator in _ADD.findall(resolver)}
    if not adders:
        raise BuildFailed(
            f"{library} has an operator resolver of an unknown kind",
            where=str(root / _RESOLVER),
            remedy="Use a version of the library that the README names.",
        )
    wants_reporter = bool(_REPORTS.search(interpreter))
    existing = [path for path in (_SCHEMA_VERSION, _VARIABLES) if (root / path).is_file()]
    optional = [_REPORTER] * wants_reporter + existing
    operators, version = _cmsis(root)
    return Interface(
        library=library,
        library_header=_library_header(library),
        headers=tuple(sorted([_INTERPRETER, _RESOLVER, _SCHEMA, *optional])),
        wants_reporter=wants_reporter,
        has_variables=_VARIABLES in existing and not wants_reporter,
        adders=adders,
        cmsis_operators=operators & adders.keys(),
        cmsis_version=version,
    )


def _library_header(library: ArduinoLibrary) -> str:
    for name in ("TensorFlowLite.h", f"{library.name}.h"):
        for path in library.source_root.glob("*.h"):
            if path.name.lower() == name.lower():
                return path.name
    raise BuildFailed(
        f"{library} has no header by which a sketch can include it",
        where=str(library.source_root),
        remedy=_REINSTALL,
    )


def _cmsis(root: Path) -> tuple[frozenset[str], str]:
    """Return the operators with a kernel in CMSIS-NN's folder, and the version of CMSIS-NN."""
    kernels = "".join(
        path.read_text("utf-8")
        for name in _CMSIS_KERNELS
        for path in sorted((root / _MICRO / "kernels" / name).glob("*.c*"))
    )
    header = next(iter(sorted(root.rglob("arm_nnfunctions.h"))), None)
    revision = _REVISION.search(header.read_text("utf-8", "replace")) if header else None
    if not kernels or not header:
        return frozenset(), ""
    return frozenset(re.findall(r"\bRegister_([A-Z0-9_]+)\(", kernels)), revision[1] if revision else "?"
