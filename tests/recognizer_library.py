"""The sketch's recognizer on the host, with the parameters that staging generates."""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from host_library import LIBRARIES, host_library

from harness.firmware.stage import recognizer_parameters
from harness.recognizer import DEFAULT, Recognizer

LABELS = {
    0: ("silence", "word 1", "word 2", "word 3"),
    3: ("word 0", "word 1", "word 2", "silence"),
    -1: ("word 0", "word 1", "word 2", "word 3"),
}
"""Four labels by the index of silence."""

TENSORFLOW = Recognizer("mean", window_ms=1000, fewest_results=3, threshold=200, suppression_ms=1500)
"""The parameters of TensorFlow's micro_speech example."""

RECOGNIZERS = (
    TENSORFLOW,
    DEFAULT,
    Recognizer("mean", window_ms=300, threshold=220, suppression_ms=700),
    Recognizer("mean", window_ms=20, fewest_results=1, threshold=0, suppression_ms=0),
    Recognizer(
        "mean", window_ms=1990, fewest_results=9, thresholds={"word 1": 120, "word 2": 230, "silence": 60}
    ),
    Recognizer("exponential", 250, threshold=180),
    Recognizer("exponential", 2000, 1, threshold=40, thresholds={"word 1": 90}, suppression_ms=300),
    Recognizer("exponential", 20, 20, suppression_ms=10_000),
)
_SETS = [(recognizer, silence) for recognizer in RECOGNIZERS for silence in LABELS]
_LABELS = 4


class BoardRecognizer:
    """The sketch's code with one of `RECOGNIZERS`, reset; silence is the first or the last label, or none."""

    def __init__(self, recognizer: Recognizer = RECOGNIZERS[0], silence: int = 0) -> None:
        self._library, self._place = _library(), _SETS.index((recognizer, silence))
        self._library.recognizer_reset(self._place)

    def add(self, now: int, scores: Sequence[int]) -> tuple[int, int] | None:
        """Take the scores of an inference; return the detected label with its average, or None."""
        answer = self._library.recognizer_add(self._place, ctypes.c_uint32(now), bytes(scores))
        return None if answer < 0 else (answer & 255, answer >> 8)


@cache
def _library() -> ctypes.CDLL:
    parts = ['#include "recognizer.h"', "namespace {", f"constexpr int kLabelCount = {_LABELS};"]
    for place, (recognizer, silence) in enumerate(_SETS):
        generated = recognizer_parameters(recognizer, LABELS[silence])
        parts.append(f"namespace set{place} {{\n{generated}")
        parts.append("earshot::Recognizer<RecognizerParameters> recognizer;\n}")
    parts += ["}", 'extern "C" {', "void recognizer_reset(int set) {", "switch (set) {"]
    parts += [f"case {place}: return set{place}::recognizer.reset();" for place in range(len(_SETS))]
    parts += ["}\n}", "// The detected label, with its score in the next byte up; -1 if none is."]
    parts += ["int recognizer_add(int set, uint32_t time_ms, const uint8_t* scores) {"]
    parts += ["earshot::Detection detection;\nbool detected = false;\nswitch (set) {"]
    parts += [
        f"case {place}: detected = set{place}::recognizer.add(time_ms, scores, &detection); break;"
        for place in range(len(_SETS))
    ]
    parts += ["}\nreturn detected ? detection.label | static_cast<int>(detection.score) << 8 : -1;\n}\n}\n"]
    with tempfile.TemporaryDirectory() as scratch:
        glue = Path(scratch, "recognizers.cpp")
        glue.write_text("\n".join(parts))
        return host_library(glue, LIBRARIES / "EarshotRecognizer" / "src")
