"""Small models and their images, built once per machine."""

from __future__ import annotations

from pathlib import Path

from host_library import STORE
from small_models import classifier

from harness.boards.emulated import EmulatedBoard
from harness.firmware.engine import get_engine
from harness.firmware.firmware import Firmware
from models.model_artifact import ModelArtifact
from models.pipeline import external

LABELS = ("silence", "unknown", "yes", "no")


def small_model(folder: Path, elements: int = 1960, hidden: int = 0) -> ModelArtifact:
    """Return a model of random weights: quickly built, and it hears something or other."""
    return external(classifier(folder / f"m{elements}_{hidden}.tflite", elements, hidden), LABELS, STORE)


def build(model: ModelArtifact) -> Firmware:
    with EmulatedBoard(STORE) as board:
        return board.build(model, get_engine("codegen"))
