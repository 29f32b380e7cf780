"""The pytest plugin: options, markers and fixtures of a bench. Thin: what it does are calls of `Night`.

A test that asks for `board` is a bench test. It carries the mark of that board's kind, so that
`pytest -m emulated` runs here what `pytest -m hardware` runs on a bench. One that asks for `model`, or for
what is made of it (`firmware`, `link`, `session`), runs once for every selected variant. What is measured
meanwhile is reported at the end, like that of `earshot run`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.boards.registry import board_kinds
from harness.errors import BREAKING
from harness.selection import Selection
from models.errors import ModelError

if TYPE_CHECKING:
    from harness.boards.board import Board
    from harness.firmware.firmware import Firmware
    from harness.link.dut import DeviceUnderTest
    from harness.measure.session import Session
    from harness.night import Night
    from models.model_artefact import ModelArtefact

MARKERS = {
    "hardware": "needs a board on the desk: deselected unless asked for with -m hardware",
    "emulated": "runs on the emulated board",
    "gpu": "needs a CUDA device: skipped without one",
    "slow": "takes more than 10 s",
}
_SELECTION = pytest.StashKey[Selection]()
_NIGHT: pytest.StashKey[Night] = pytest.StashKey()
_PAGE = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the bench's options."""
    group = parser.getgroup("earshot", "Earshot, the keyword-spotting bench")
    group.addoption("--board", default="emulated", help="the board (default: emulated)")
    group.addoption(
        "--engine", default="static", metavar="NAME", help="what runs the model (default: static)"
    )
    group.addoption(
        "--variants", default="*", metavar="PATTERN", help="which of models/configs/ by id (default: all)"
    )
    group.addoption(
        "--dataset",
        type=Path,
        metavar="FOLDER",
        help="a dataset in the Speech Commands layout (default: the synthetic corpus)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declares the markers."""
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    config.stash[_SELECTION] = Selection(
        pattern=config.getoption("--variants"), dataset=config.getoption("--dataset")
    )


def pytest_report_header(config: pytest.Config) -> str:
    """Says what the bench tests are about."""
    options = (f"{name} {config.getoption('--' + name)}" for name in ("board", "engine", "variants"))
    return f"earshot: {', '.join(options)}, dataset {config.getoption('--dataset') or 'synthetic'}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One bench test for each selected variant."""
    if {"model", "night"} <= set(metafunc.fixturenames):  # not somebody else's fixture of that name
        try:
            variants = metafunc.config.stash[_SELECTION].ids()
        except ModelError as failure:
            raise pytest.UsageError(str(failure)) from failure
        metafunc.parametrize("model", variants, indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks bench tests with the kind of their board, and drops `hardware` unless it is asked for."""
    for item in items:
        if "board" in getattr(item, "fixturenames", ()):
            item.add_marker(board_kinds()[config.getoption("--board")].marker)
    if "hardware" in config.getoption("markexpr"):
        return
    dropped = [item for item in items if item.get_closest_marker("hardware")]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if not item.get_closest_marker("hardware")]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips what cannot run: on a board that broke, or without a GPU."""
    night = item.config.stash.get(_NIGHT, None)
    if night is not None and night.broken and "board" in getattr(item, "fixturenames", ()):
        pytest.skip(f"the board broke before: {night.broken}")
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Remembers what broke the board."""
    night = item.config.stash.get(_NIGHT, None)
    if night is not None and call.excinfo is not None and isinstance(call.excinfo.value, BREAKING):
        night.broken = night.broken or str(call.excinfo.value)
    return (yield)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes the report of what was measured; with pytest-xdist each worker its own."""
    night = session.config.stash.get(_NIGHT, None)
    if night is not None and night.has_rows:
        session.config.stash[_PAGE] = night.close()[1]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says where the report is."""
    if page := config.stash.get(_PAGE, None):
        terminalreporter.section("earshot")
        terminalreporter.write_line(f"Report: {page}")


@pytest.fixture(scope="session")
def night(pytestconfig: pytest.Config) -> Iterator[Night]:
    """The run that the session's measurements belong to."""
    from harness.night import Night  # with torch behind it: not for every call of pytest

    run = Night(
        pytestconfig.stash[_SELECTION],
        board_name=pytestconfig.getoption("--board"),
        engine_name=pytestconfig.getoption("--engine"),
    )
    pytestconfig.stash[_NIGHT] = run
    yield run
    run.board.close()


@pytest.fixture(scope="session")
def board(night: Night) -> Board:
    """The board of --board."""
    return night.board


@pytest.fixture(scope="session")
def model(request: pytest.FixtureRequest, night: Night) -> ModelArtefact:
    """A selected variant, trained and converted."""
    return next(night.selection.only(request.param).models(night.say))


@pytest.fixture(scope="session")
def firmware(night: Night, model: ModelArtefact) -> Firmware:
    """The variant's image for the board."""
    return night.firmware(model)


@pytest.fixture
def link(board: Board, firmware: Firmware, tmp_path: Path) -> DeviceUnderTest:
    """The board with the variant's image newly uploaded, after the handshake."""
    board.upload(firmware)
    return board.open(tmp_path / "transcript.log")


@pytest.fixture(scope="session")
def session(night: Night, model: ModelArtefact) -> Session:
    """Everything measured of the variant on the board; it becomes a row of the report."""
    row = night.measure(model)
    if row.faults:
        pytest.fail(row.faults[-1].message, pytrace=False)
    return night.sessions[model.id]
