"""A small plan, a model of random weights that is quickly built, and a run's folder."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from small_models import classifier

from harness.bench_file import Bench
from harness.boards.board import Board
from harness.boards.emulated import EmulatedBoard
from harness.firmware.engine import get_engine
from harness.firmware.firmware import Firmware
from harness.layout import RECORDINGS
from harness.runs.field.attempts import Attempts
from harness.runs.field.folder import FieldFolder, begin
from harness.runs.field.playing import Player
from harness.sound.planning import make_plan
from harness.sound.playback_plan import PlanOptions, PlaybackPlan
from models.model_artifact import ModelArtifact
from models.pipeline import external
from models.store import Store

LABELS = ("silence", "unknown", "yes", "no")
WORDS = ("yes/gene.wav", "no/linda.wav", "dog/mario.wav")


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A store of its own, so that these tests neither find nor leave anything in the usual one."""
    folder = tmp_path_factory.mktemp("home")
    patch = pytest.MonkeyPatch()
    patch.setenv("EARSHOT_HOME", str(folder))
    yield folder
    patch.undo()


@pytest.fixture(scope="module")
def store(home) -> Store:
    return Store(home)


@pytest.fixture(scope="module")
def my_words(tmp_path_factory) -> Path:
    """Somebody's own folder: <word>/<file>.wav."""
    folder = tmp_path_factory.mktemp("my_words")
    for name in WORDS:
        source = next(iter(sorted((RECORDINGS / name).parent.glob("*.wav"))))
        (folder / name).parent.mkdir()
        shutil.copyfile(source, folder / name)
    return folder


@pytest.fixture(scope="module")
def plan(my_words) -> PlaybackPlan:
    """Two segments: one with three words, one without any."""
    return make_plan(my_words, PlanOptions(keyword_free_s=10.0, segment_s=20.0))


@pytest.fixture(scope="module")
def model(store, tmp_path_factory) -> ModelArtifact:
    return external(classifier(tmp_path_factory.mktemp("model") / "m.tflite", 1960), LABELS, store)


@pytest.fixture(scope="module")
def firmware(store, model) -> Firmware:
    with EmulatedBoard(store) as board:
        return board.build(model, get_engine("codegen"))


@pytest.fixture
def folder_of(tmp_path) -> Callable[..., FieldFolder]:
    """Makes a run's folder for a plan."""
    made: list[FieldFolder] = []

    def make(plan: PlaybackPlan, board: Board, name: str = "runs") -> FieldFolder:
        made.append(begin(tmp_path / name, board.describe(), plan, 200, 1.0, ""))
        return made[-1]

    yield make
    for folder in made:
        folder.let_go()


@pytest.fixture
def player_of(firmware, model, tmp_path) -> Callable[..., Player]:
    """Makes a player of a plan to a board; unless a store is given, each has one of its own."""

    def make(
        board: Board,
        plan: PlaybackPlan,
        folder: FieldFolder,
        store: Store | None = None,
        attempts: Attempts | None = None,
    ) -> Player:
        own = Store(tmp_path / f"store-{secrets.token_hex(4)}")
        tried = attempts or Attempts(lambda line: None)
        return Player(board, firmware, model.id, LABELS, plan, Bench(), folder, store or own, tried)

    return make
