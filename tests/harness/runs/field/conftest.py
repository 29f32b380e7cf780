"""A small plan, a model of random weights that builds quickly, and its image."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from emulated_runs import LABELS
from small_models import classifier

from harness.bench_file import Bench
from harness.boards.board import Board
from harness.boards.emulated import EmulatedBoard
from harness.firmware.engine import get_engine
from harness.firmware.firmware import Firmware
from harness.layout import RECORDINGS
from harness.measure.retry import Retries
from harness.runs.field.paths import FieldPaths
from harness.runs.field.playing import Player
from harness.sound.planning import make_plan
from harness.sound.playback_plan import PlanOptions, PlaybackPlan
from models.model_artifact import ModelArtifact
from models.pipeline import external
from models.store import Store

WORDS = ("yes/gene.wav", "no/linda.wav", "dog/mario.wav")


@pytest.fixture(scope="package")
def my_words(tmp_path_factory) -> Path:
    """A user's own folder: <word>/<file>.wav."""
    folder = tmp_path_factory.mktemp("my_words")
    for name in WORDS:
        source = next(iter(sorted((RECORDINGS / name).parent.glob("*.wav"))))
        (folder / name).parent.mkdir()
        shutil.copyfile(source, folder / name)
    return folder


@pytest.fixture(scope="package")
def plan(my_words) -> PlaybackPlan:
    """Two segments: one with three words, one without any."""
    return make_plan(my_words, PlanOptions(keyword_free_s=10.0, segment_s=20.0))


@pytest.fixture(scope="package")
def model_file(tmp_path_factory) -> Path:
    return classifier(tmp_path_factory.mktemp("model") / "m.tflite", 1960)


@pytest.fixture(scope="package")
def model(store, model_file) -> ModelArtifact:
    return external(model_file, LABELS, store)


@pytest.fixture(scope="package")
def firmware(store, model) -> Firmware:
    with EmulatedBoard(store) as board:
        return board.build(model, get_engine("codegen"))


@pytest.fixture
def player_of(firmware, model, tmp_path) -> Callable[..., Player]:
    """Make a player of a plan to a board; unless a store is given, each has its own."""

    def make(
        board: Board,
        plan: PlaybackPlan,
        paths: FieldPaths,
        store: Store | None = None,
        retries: Retries | None = None,
    ) -> Player:
        own = store or Store(tmp_path / f"store-{secrets.token_hex(4)}")
        return Player(board, firmware, model, plan, Bench(), paths, own, retries or Retries())

    return make
