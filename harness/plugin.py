"""The pytest plugin: options, markers and fixtures of a bench. Thin: what it does are calls of `Night`.

A test that asks for `board`, or for what is measured on it (`firmware`, `link`, `session`), is a bench test.
It carries the mark of that board's kind, so that `pytest -m emulated` runs here what `pytest -m hardware`
runs on a bench. One that asks for `model`, or for what is made of it, runs once for every selected variant.
What is measured meanwhile is reported at the end, like that of `earshot run`.

Where hardware is asked for and none is there the run fails, whatever else it was to test: a night without a
board must not look like a night without a fault.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness import layout
from harness.bench_file import Bench, BoardEntry, find_bench
from harness.errors import BREAKING, UsageError
from harness.marks import asks_for
from harness.options import DEFAULT_BOARD, DEFAULT_VARIANTS
from harness.runs.interruption import sigterm_interrupts
from harness.runs.selection import Selection
from models.errors import ModelError, UserFacingError

if TYPE_CHECKING:
    from harness.boards.board import Board
    from harness.firmware.firmware import Firmware
    from harness.link.dut import DeviceUnderTest
    from harness.measure.session import Session
    from harness.runs.night import Night
    from models.model_artifact import ModelArtifact

MARKERS = {
    "hardware": "needs a board on the desk: deselected unless asked for with -m hardware or --board",
    "emulated": "runs on the emulated board",
    "gpu": "needs a CUDA device: skipped without one",
    "slow": "takes more than 10 s",
}


@dataclass(frozen=True)
class _Chosen:
    """The board that the bench tests of this run are about."""

    bench: Bench
    entry: BoardEntry
    marker: str


_SELECTION = pytest.StashKey[Selection]()
_CHOSEN = pytest.StashKey[_Chosen]()
_NIGHT: pytest.StashKey[Night] = pytest.StashKey()
_PAGE = pytest.StashKey[Path]()
_OF_THE_BOARD = ("board", "firmware", "session")
_ENTRY = "earshot_board"
"""What pytest-xdist's controller tells its workers: they must not choose, each for itself."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the bench's options."""
    group = parser.getgroup("earshot", "Earshot, the keyword-spotting bench")
    group.addoption(
        "--board",
        metavar="NAME",
        help="a board of the bench file or a kind of board "
        f"(default: {DEFAULT_BOARD}; with -m hardware the only one there is)",
    )
    group.addoption(
        "--bench",
        type=Path,
        metavar="FILE",
        help="what stands on the bench (default: $EARSHOT_BENCH, or else bench.toml in the checkout)",
    )
    group.addoption(
        "--port", default="", metavar="PORT", help="where the board's serial port is (default: it is found)"
    )
    group.addoption(
        "--engine",
        default="",
        metavar="NAME",
        help="what runs the model (default: the board's in the bench file, or else its kind's)",
    )
    group.addoption(
        "--variants",
        default=DEFAULT_VARIANTS,
        metavar="PATTERN",
        help=f"which of models/configs/ by id (default: {DEFAULT_VARIANTS})",
    )
    group.addoption(
        "--dataset",
        type=Path,
        metavar="FOLDER",
        help="a dataset in the Speech Commands layout (default: the synthetic corpus)",
    )
    group.addoption(
        "--output",
        type=Path,
        default=layout.NIGHTS,
        metavar="FOLDER",
        help="where the run's folder is made (default: reports/nights/)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declares the markers."""
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    config.stash[_SELECTION] = Selection(
        pattern=config.getoption("--variants"), dataset=config.getoption("--dataset")
    )
    stopping = contextlib.ExitStack()
    stopping.enter_context(sigterm_interrupts())
    config.add_cleanup(stopping.close)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Finds out which board is meant, before anything is collected.

    Raises:
        pytest.UsageError: there is no such board, or hardware is asked for and none is there.
    """
    try:
        session.config.stash[_CHOSEN] = _choose(session.config)
    except UserFacingError as failure:
        raise pytest.UsageError(str(failure)) from failure


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells a worker of pytest-xdist which board is meant."""
    node.workerinput[_ENTRY] = asdict(node.config.stash[_CHOSEN].entry)


def _choose(config: pytest.Config) -> _Chosen:
    from harness.boards.attached import only_hardware
    from harness.boards.registry import board_kinds, find_entry

    bench, port = find_bench(config.getoption("--bench")), config.getoption("--port")
    name, markexpr = config.getoption("--board"), config.getoption("markexpr")
    wants_hardware = asks_for("hardware", markexpr)
    if told := getattr(config, "workerinput", {}).get(_ENTRY):
        entry = BoardEntry(**told)
    elif name is None and wants_hardware:
        entry = only_hardware(bench, port)
    else:
        entry = find_entry(name or DEFAULT_BOARD, bench, port)
    marker = board_kinds()[entry.kind].marker
    if wants_hardware and marker != "hardware":
        raise UsageError(
            f"hardware is asked for, but the board {entry.name!r} is none",
            where=f"-m {markexpr!r}",
            remedy="Leave --board out, or name one that is: `earshot boards` lists them.",
        )
    return _Chosen(bench, entry, marker)


def pytest_report_header(config: pytest.Config) -> str:
    """Says what the bench tests are about."""
    from harness.boards.registry import engine_name

    entry = config.stash[_CHOSEN].entry
    kind = f" ({entry.kind})" if entry.kind != entry.name else ""
    return (
        f"earshot: board {entry.name}{kind}, engine {engine_name(entry, config.getoption('--engine'))}, "
        f"variants {config.getoption('--variants')}, dataset {config.getoption('--dataset') or 'synthetic'}"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One bench test for each selected variant."""
    if {"model", "night"} <= set(metafunc.fixturenames):  # not somebody else's fixture of that name
        try:
            variants = metafunc.config.stash[_SELECTION].ids()
        except ModelError as failure:
            raise pytest.UsageError(str(failure)) from failure
        metafunc.parametrize("model", variants, indirect=True, scope="session")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks bench tests with the kind of their board, and drops `hardware` if that is none on the desk.

    The tests on a board on the desk are one group: with `--dist loadgroup` one worker of pytest-xdist has the
    board, and otherwise the workers wait for each other at its lock.
    """
    chosen = config.stash[_CHOSEN]
    for item in items:
        if _runs_on_board(item):
            item.add_marker(chosen.marker)
            if chosen.marker == "hardware" and config.pluginmanager.hasplugin("xdist"):
                item.add_marker(pytest.mark.xdist_group(f"board-{chosen.entry.name}"))
    if chosen.marker == "hardware":  # by -m hardware, or by the name of its board
        return
    dropped = [item for item in items if item.get_closest_marker("hardware")]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if not item.get_closest_marker("hardware")]


def _runs_on_board(item: pytest.Item) -> bool:
    """Whether a test asks for the board or for what is measured on it; not for others' fixtures of a name."""
    names = set(getattr(item, "fixturenames", ()))
    return "night" in names and not names.isdisjoint(_OF_THE_BOARD)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips what cannot run: on a board that broke, or without a GPU."""
    night = item.config.stash.get(_NIGHT, None)
    if night is not None and night.broken and _runs_on_board(item):
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


def pytest_sessionfinish(session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
    """Writes the report of what was measured; with pytest-xdist each worker its own."""
    night = session.config.stash.get(_NIGHT, None)
    if night is not None and night.has_rows:
        session.config.stash[_PAGE] = night.close(ended=exitstatus != pytest.ExitCode.INTERRUPTED)[1]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says where the report is."""
    if page := config.stash.get(_PAGE, None):
        terminalreporter.section("earshot")
        terminalreporter.write_line(f"Report: {page}")


@pytest.fixture(scope="session")
def night(pytestconfig: pytest.Config) -> Iterator[Night]:
    """The run that the session's measurements belong to."""
    from harness.boards.registry import board_of
    from harness.runs.night import Night  # with torch behind it: not for every call of pytest
    from harness.runs.plan import engine_of, recordings_of

    chosen = pytestconfig.stash[_CHOSEN]
    run = Night(
        pytestconfig.stash[_SELECTION],
        board_of(chosen.entry, chosen.bench),
        engine_of(chosen.entry, pytestconfig.getoption("--engine")),
        chosen.bench,
        recordings=recordings_of(chosen.bench),
        output=pytestconfig.getoption("--output"),
    )
    pytestconfig.stash[_NIGHT] = run
    yield run
    run.board.close()


@pytest.fixture(scope="session")
def board(night: Night) -> Board:
    """The board that is measured: see --board."""
    return night.board


@pytest.fixture(scope="session")
def model(request: pytest.FixtureRequest, night: Night) -> ModelArtifact:
    """A selected variant, trained and converted."""
    prepared = next(night.selection.only(request.param).models(night.say))
    if not prepared.deployable:
        pytest.skip(f"no board can run {prepared.id}")
    return prepared


@pytest.fixture(scope="session")
def firmware(night: Night, model: ModelArtifact) -> Firmware:
    """The variant's image for the board."""
    return night.firmware(model)


@pytest.fixture
def link(board: Board, firmware: Firmware, tmp_path: Path) -> DeviceUnderTest:
    """The board with the variant's image newly uploaded, after the handshake."""
    board.upload(firmware)
    return board.open(tmp_path / "transcript.log")


@pytest.fixture(scope="session")
def session(night: Night, model: ModelArtifact) -> Session:
    """Everything measured of the variant on the board; it becomes a row of the report."""
    row = night.measure(model)
    if row.faults:
        pytest.fail(row.faults[-1].message, pytrace=False)
    return night.sessions[model.id]
