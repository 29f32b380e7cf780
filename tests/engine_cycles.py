"""Modeled cycles of generated engines, many in one image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from board_program import PRINT, running
from compiled_engine import amalgamated, staged_engine

from harness.firmware.engine import Engine

_MAIN = """
#include "Arduino.h"
PRINT
static void time(bool (*invoke)()) {
  const uint32_t start = micros();
  invoke();
  print((micros() - start) * (F_CPU / 1000000), '\\n');
}
void setup() {
  Serial.begin(115200);
CALLS}
void loop() { yield(); }
"""


def stage_engines(models: Sequence[tuple[bytes, Engine]], folder: Path) -> str:
    """Return the text of the engines of models, each in a namespace engine<number>."""
    text = ""
    for number, (model, engine) in enumerate(models):
        staged_engine(model, folder / str(number), engine)
        text += amalgamated(folder / str(number), f"engine{number}")
    return text


def cycles_of(text: str, count: int) -> list[int]:
    """Run the engines of `stage_engines` on the emulated board; return the cycles of an inference of each."""
    calls = "".join(f"  time(engine{number}::engine_invoke);\n" for number in range(count))
    with running(text + _MAIN.replace("PRINT", PRINT).replace("CALLS", calls)) as (_, terminal):
        return [int(terminal.read_until(b"\n")) for _ in range(count)]
