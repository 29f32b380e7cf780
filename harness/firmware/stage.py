"""Staged sketches: a model and an engine in one folder that any Arduino toolchain compiles."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import BuildFailed, Unsupported, UsageError
from harness.firmware.arduino_library import hash_of
from harness.layout import SKETCHES
from harness.link.events import wire_names
from harness.recognizer import DEFAULT, Recognizer
from models.data.front_ends import FrontEnd, load_front_end
from models.errors import located

if TYPE_CHECKING:
    from harness.firmware.engine import Engine, EngineSources
    from models.model_artifact import ModelArtifact

SKETCH_NAME = "earshot"
"""Name of the main .ino and its folder, which arduino-cli wants to be equal."""


_FRONT_END = "EarshotFrontEnd"
"""Name under which the sketch includes its front end."""

Instrument = Literal["", "operators", "stages", "timestamps"]
"""Addition to an image, "" for an image for timing: the answer to `operators%`, the stage pins, or MLPerf
Tiny's energy mode with timestamps on a pin."""
_DEFINES: dict[Instrument, tuple[str, str]] = {
    "operators": ("engine.h", "EARSHOT_PROFILE"),
    "stages": ("stage_pins.h", "EARSHOT_STAGE_PINS"),
    "timestamps": ("stage_pins.h", "EARSHOT_TIMESTAMP_PIN"),
}

_SOURCES = ("*.ino", "*.h", "*.cpp")
_ELEMENT_BYTES = {"int8": 1, "float32": 4}


@dataclass(frozen=True)
class StagedSketch:
    """A folder with all sources of a firmware.

    Attributes:
        path: the folder `earshot/` with `earshot.ino`; libraries are in `src/<library>/`.
        build_id: first 8 hex digits of the SHA-256 over all staged files, without the build id itself.
        variant_id: the model's id, which the board reports.
        model_sha256: SHA-256 of the .tflite, 64 hex digits; the board reports the first 8.
        engine: the engine's name.
        sources: facts about the engine's sources.
        recognizer: its parameters.
    """

    path: Path
    build_id: str
    variant_id: str
    model_sha256: str
    engine: str
    sources: EngineSources
    recognizer: Recognizer


def stage(
    model: ModelArtifact,
    engine: Engine,
    out: Path,
    recognizer: Recognizer = DEFAULT,
    instrument: Instrument = "",
) -> StagedSketch:
    """Write the sketch, its libraries, the engine's sources and `variant.h` into one folder.

    The same arguments and sources give the same bytes and the same build id. The sketch becomes `earshot/`
    in the folder `out`.

    Raises:
        UsageError: another number of labels than outputs, or a threshold for a label that is none.
        BuildFailed: the sketch does not support the model's input or output, or the engine cannot run the
            model.
        FileExistsError: `out` holds a sketch already.
    """
    facts = json.loads((model.path / "model.json").read_text())
    _check(facts, model.name)
    _check_thresholds(recognizer, facts, model.name)
    sketch = out / SKETCH_NAME
    sketch.mkdir(parents=True)
    _copy_sources(SKETCHES / SKETCH_NAME, sketch)
    for library, name in _libraries(SKETCHES / "libraries", facts.get("front_end_library", _FRONT_END)):
        _copy_sources(library / "src", sketch / "src" / name)
    with located(model.name):
        sources = engine.generate(model.tflite, sketch)

    if instrument:
        name, define = _DEFINES[instrument]
        interface = sketch / name
        interface.write_text(f"#define {define} 1\n{interface.read_text()}")
    header = sketch / "variant.h"
    header.write_text(_variant_header(facts, recognizer, build_id=""))
    build_id = hash_of(sketch, sorted(path for path in sketch.rglob("*") if path.is_file()))[:8]
    header.write_text(_variant_header(facts, recognizer, build_id))
    return StagedSketch(
        sketch, build_id, facts["id"], facts["tflite_sha256"], engine.name, sources, recognizer
    )


def _libraries(folder: Path, front_end: str) -> list[tuple[Path, str]]:
    """List the libraries to stage, each with its name in the sketch.

    A library with a front_end.h is a front end. The model's own is staged under the name that the sketch
    includes; the others are left out.

    Raises:
        BuildFailed: the model's front end has no library.
    """
    if not (folder / front_end / "src" / "front_end.h").is_file():
        raise BuildFailed(
            f"the front end has no library {front_end} with a front_end.h",
            where=str(folder),
            remedy="Add the library, or correct LIBRARY in models/data/front_ends/.",
        )
    found = []
    for library in sorted(folder.iterdir()):
        if (library / "src" / "front_end.h").is_file():
            if library.name == front_end:
                found.append((library, _FRONT_END))
        elif (library / "src").is_dir():
            found.append((library, library.name))
    return found


def _copy_sources(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for pattern in _SOURCES:
        for path in sorted(source.glob(pattern)):
            shutil.copyfile(path, target / path.name)


def _check(facts: dict[str, Any], where: str) -> None:
    for side in ("input", "output"):
        tensor = facts[side]
        if tensor["dtype"] not in _ELEMENT_BYTES:
            raise Unsupported(
                f"the model's {side} is {tensor['dtype']}; the sketch takes {' and '.join(_ELEMENT_BYTES)}",
                where=where,
                remedy="Convert the model with int8 or float32 input and output.",
            )
        if tensor["dtype"] == "int8" and not tensor["scale"] > 0:
            raise Unsupported(f"the model's int8 {side} has no scale", where=where)
    outputs = math.prod(facts["output"]["shape"])
    if outputs != len(facts["labels"]):
        raise UsageError(
            f"the model has {outputs} outputs and {len(facts['labels'])} labels",
            where=where,
            remedy="Give one label per output, in order.",
        )


def _check_thresholds(recognizer: Recognizer, facts: dict[str, Any], where: str) -> None:
    if unknown := [name for name in recognizer.thresholds if name not in facts["labels"]]:
        labels = ", ".join(facts["labels"])
        raise UsageError(
            f"the recognizer has a threshold for {unknown[0]!r}, which is no label of the model",
            where=where,
            remedy=f"Correct [recognizer.{facts['id']}] in the bench file. Labels: {labels}.",
        )


def _variant_header(facts: dict[str, Any], recognizer: Recognizer, build_id: str) -> str:
    tensor = facts["input"]
    elements = math.prod(tensor["shape"])
    quantized = tensor["dtype"] == "int8"
    front_end = load_front_end(facts.get("front_end", "micro"))
    hears = elements == front_end.size
    divisor = _divisor(front_end, tensor["scale"]) if quantized and hears else 0
    labels = ", ".join(f'"{name}"' for name in wire_names(facts["labels"]))
    return f"""\
// Which model this sketch was staged for. Generated; the build id is a hash over all other staged bytes.
#pragma once

#include <cstdint>

namespace earshot {{

constexpr char kVariantId[] = "{facts["id"]}";
constexpr char kModelSha256[] = "{facts["tflite_sha256"][:8]}";
constexpr char kBuildId[] = "{build_id}";
constexpr int kLabelCount = {len(facts["labels"])};
constexpr const char* kLabels[kLabelCount] = {{{labels}}};
constexpr uint32_t kInputBytes = {elements * _ELEMENT_BYTES[tensor["dtype"]]};
constexpr int32_t kInputZeroPoint = {tensor["zero_point"] if quantized else 0};
// An input of another size than the front end's features is served in command mode only.
constexpr bool kHears = {"true" if hears else "false"};
// See model_input.h; 0: the input is not quantized features.
constexpr int32_t kFeatureDivisor = {divisor};

{recognizer_parameters(recognizer, facts["labels"])}
}}  // namespace earshot
"""


def recognizer_parameters(recognizer: Recognizer, labels: Sequence[str]) -> str:
    """Return the C++ struct RecognizerParameters, for a scope that has kLabelCount."""
    thresholds = recognizer.thresholds_of(labels)
    if len(set(thresholds)) == 1:
        table, threshold = "", f"threshold(int) {{ return {thresholds[0]}; }}"
    else:
        table = f"constexpr uint8_t kThresholds[kLabelCount] = {{{', '.join(map(str, thresholds))}}};\n\n"
        threshold = "threshold(int label) { return kThresholds[label]; }"
    return f"""\
{table}// See src/EarshotRecognizer/recognizer.h.
struct RecognizerParameters {{
  static constexpr int kLabels = kLabelCount;
  static constexpr int kSilence = {_silence(labels)};
  static constexpr bool kExponential = {"true" if recognizer.smoothing == "exponential" else "false"};
  static constexpr uint32_t kWindowMs = {recognizer.window_ms};
  static constexpr uint32_t kFewestResults = {recognizer.fewest_results};
  static constexpr uint32_t kSuppressionMs = {recognizer.suppression_ms};
  static constexpr uint32_t {threshold}
}};
"""


def _silence(labels: Sequence[str]) -> int:
    return labels.index("silence") if "silence" in labels else -1


def _divisor(front_end: FrontEnd, scale: float) -> int:
    try:
        return front_end.divisor(scale)
    except ValueError as problem:
        raise Unsupported(str(problem), remedy="Calibrate the conversion with real features.") from problem
