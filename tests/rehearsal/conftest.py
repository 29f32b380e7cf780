"""The rehearsal bench as fixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pulse import null_sink
from rehearsal.bench import LABELS, RehearsalBench, board_of, rehearsal_bench
from small_models import classifier

from harness.firmware.engine import get_engine
from harness.firmware.firmware import Firmware
from harness.layout import store_root
from harness.runs.selection import Selection
from models import progress
from models.model_artifact import ModelArtifact
from models.pipeline import external
from models.store import Store


@pytest.fixture(scope="session")
def trained() -> None:
    """Train the model: no time limit of a test has to include it."""
    for _ in Selection(pattern="tinyconv-int8").models():
        pass


@pytest.fixture
def quiet_bench() -> Iterator[RehearsalBench]:
    """A bench without a speaker."""
    with rehearsal_bench() as bench:
        yield bench


@pytest.fixture
def bench() -> Iterator[RehearsalBench]:
    """A bench with a speaker, whose sound the board hears."""
    with null_sink() as sink, rehearsal_bench(sink) as made:
        yield made


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> ModelArtifact:
    path = classifier(tmp_path_factory.mktemp("model") / "small.tflite")
    return external(path, LABELS, Store(store_root()))


@pytest.fixture(scope="session")
def image(model) -> Firmware:
    """Compiled by the stand-in, once."""
    with rehearsal_bench() as bench, pytest.MonkeyPatch.context() as patch:
        for name, value in bench.environment.items():
            patch.setenv(name, value)
        with board_of(bench) as board:
            return board.build(model, get_engine("codegen"))


@pytest.fixture
def desk(quiet_bench, monkeypatch) -> Iterator[RehearsalBench]:
    """A bench that this process uses; at the end the board is free, and no process is left."""
    for name, value in quiet_bench.environment.items():
        monkeypatch.setenv(name, value)
    yield quiet_bench
    quiet_bench.check_free()


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """The lines that a display shows without --verbose."""
    shown: list[str] = []

    def receive(report: progress.Report) -> None:
        if isinstance(report, progress.Line) and report.level <= progress.Level.NORMAL:
            shown.append(report.text)

    with progress.sent_to(receive):
        yield shown
