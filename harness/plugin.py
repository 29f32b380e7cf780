"""The pytest plugin: options, markers and fixtures of a bench, as thin calls of `harness.runs.run.Run`.

A test that uses `board` or its measurements (`firmware`, `link`, `session`) is a bench test. It gets the mark
of its board's kind: `pytest -m emulated` runs the same tests as `pytest -m hardware` on a bench. A test that
uses `model` runs once for every selected variant. The measurements are reported as by `earshot run`.

If hardware is requested and none is attached the whole session fails: a missing board must not look like a
clean run.

pytest loads the plugin in every project of its environment. It changes nothing there: its options begin with
`--earshot-`, and a session without bench tests chooses no board and runs every test.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from harness import options
from harness.bench_file import Bench, BoardEntry, find_bench
from harness.errors import UsageError
from harness.marks import asks_for
from harness.runs.interruption import sigterm_interrupts
from harness.runs.selection import Selection
from models.errors import ModelError, UserFacingError

if TYPE_CHECKING:
    from harness.boards.board import Board
    from harness.firmware.firmware import Firmware
    from harness.link.dut import DeviceUnderTest
    from harness.measure.session import Session
    from harness.runs.run import Run
    from models.model_artifact import ModelArtifact

MARKERS = {
    "hardware": "needs a board on the desk: deselected unless requested with -m hardware or --earshot-board",
    "emulated": "runs on the emulated board",
    "gpu": "needs a CUDA device: skipped without one",
    "slow": "takes more than 10 s",
}


@dataclass(frozen=True)
class _Chosen:
    """Board of the session's bench tests."""

    bench: Bench
    entry: BoardEntry
    marker: str


_SELECTION = pytest.StashKey[Selection]()
_CHOSEN = pytest.StashKey[_Chosen]()
_RUN: pytest.StashKey[Run] = pytest.StashKey()
_PAGE = pytest.StashKey[Path]()
_OF_THE_BOARD = ("board", "firmware", "session")
_ENTRY = "earshot_board"
"""Key of pytest-xdist's `workerinput`: the controller chooses the board for all workers."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the bench's options, such as `--earshot-board`."""
    _add_options(parser, "--earshot-", ())


def add_short_options(parser: pytest.Parser) -> None:
    """Add short forms such as `--board` to the options, except those that another plugin has."""
    groups = [*parser._groups, parser._anonymous]
    _add_options(parser, "--", [name for group in groups for one in group.options for name in one.names()])


def _add_options(parser: pytest.Parser, prefix: str, taken: Collection[str]) -> None:
    group = parser.getgroup("earshot", "Earshot, the keyword-spotting bench")

    def add(name: str, **attributes: Any) -> None:
        option = prefix + name.removeprefix("--")
        if option not in taken:
            group.addoption(option, dest=f"earshot_{name.removeprefix('--')}", **attributes)

    adder = SimpleNamespace(add_argument=add)
    options.add_board(adder)
    options.add_engine(adder)
    options.add_variants(adder)
    options.add_output(adder)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    config.stash[_SELECTION] = Selection(
        pattern=config.getoption("earshot_variants"),
        dataset=config.getoption("earshot_dataset"),
        voices=config.getoption("earshot_voices"),
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Send the chosen board to a worker of pytest-xdist; without one, a worker with bench tests fails."""
    with contextlib.suppress(UserFacingError):
        node.workerinput[_ENTRY] = asdict(_chosen(node.config).entry)


def _chosen(config: pytest.Config) -> _Chosen:
    """Choose the session's board once.

    Raises:
        UserFacingError: there is no such board, or hardware is requested and none is attached.
    """
    from harness.boards.attached import only_hardware
    from harness.boards.registry import board_kinds, check_runs_firmware, find_entry

    if found := config.stash.get(_CHOSEN, None):
        return found
    bench, port = find_bench(config.getoption("earshot_bench")), config.getoption("earshot_port")
    clock, wait_s = config.getoption("earshot_clock"), config.getoption("earshot_wait")
    name, markexpr = config.getoption("earshot_board"), config.getoption("markexpr")
    wants_hardware = asks_for("hardware", markexpr)
    if sent := getattr(config, "workerinput", {}).get(_ENTRY):
        entry = BoardEntry(**sent)
    elif name is None and wants_hardware:
        entry = only_hardware(bench, port, wait_s)
    else:
        level = config.getoption("earshot_optimization")
        entry = find_entry(name or options.DEFAULT_BOARD, bench, port, clock, wait_s, level)
    check_runs_firmware(entry)
    marker = board_kinds()[entry.kind].marker
    if wants_hardware and marker != "hardware":
        raise UsageError(
            f"hardware tests are selected, but the board {entry.name!r} is not hardware",
            where=f"-m {markexpr!r}",
            remedy="Omit --earshot-board, or name a board on the desk: `earshot boards` lists them.",
        )
    config.stash[_CHOSEN] = _Chosen(bench, entry, marker)
    return config.stash[_CHOSEN]


def pytest_report_collectionfinish(config: pytest.Config) -> str | list[str]:
    """Show board, engine, variants and dataset of bench tests."""
    if _CHOSEN not in config.stash:
        return []
    from harness.boards.registry import engine_name  # imports NumPy, which a session without boards can spare

    entry = config.stash[_CHOSEN].entry
    kind = f" ({entry.kind})" if entry.kind != entry.name else ""
    engine, selection = engine_name(entry, config.getoption("earshot_engine")), config.stash[_SELECTION]
    return (
        f"earshot: board {entry.name}{kind}, engine {engine}, variants {selection.pattern}, "
        f"dataset {selection.dataset or 'synthetic'}"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run bench tests once per selected variant."""
    if {"model", "bench_run"} <= set(metafunc.fixturenames):  # skip another plugin's `model`
        try:
            variants = metafunc.config.stash[_SELECTION].ids()
        except ModelError as failure:
            raise pytest.UsageError(str(failure)) from failure
        metafunc.parametrize("model", variants, indirect=True, scope="session")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Mark bench tests with the kind of their board, and deselect `hardware` for other boards.

    Tests on a board on the desk form one group: with `--dist loadgroup` one worker of pytest-xdist has the
    board, otherwise the workers wait for each other at its lock.

    Raises:
        pytest.UsageError: there is no such board, or hardware is requested and none is attached.
    """
    if not any(map(_is_bench_test, items)):
        return
    try:
        chosen = _chosen(config)
    except UserFacingError as failure:
        if not hasattr(config, "workerinput"):
            raise pytest.UsageError(str(failure)) from failure
        session.shouldfail = str(failure)  # pytest-xdist shows this one, and takes an error for a crash
        return
    for item in items:
        if _runs_on_board(item):
            item.add_marker(chosen.marker)
            if chosen.marker == "hardware" and config.pluginmanager.hasplugin("xdist"):
                item.add_marker(pytest.mark.xdist_group(f"board-{chosen.entry.name}"))
    if chosen.marker == "hardware":
        return
    dropped = [item for item in items if item.get_closest_marker("hardware")]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if not item.get_closest_marker("hardware")]


def _is_bench_test(item: pytest.Item) -> bool:
    """Return True for a test that uses this plugin's fixtures, not only another's of the same names."""
    return "bench_run" in getattr(item, "fixturenames", ())


def _runs_on_board(item: pytest.Item) -> bool:
    """Return True for a test that uses the board or its measurements."""
    return _is_bench_test(item) and not set(_OF_THE_BOARD).isdisjoint(getattr(item, "fixturenames", ()))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests on a board that broke, or without a GPU."""
    run = item.config.stash.get(_RUN, None)
    if run is not None and run.broken and _runs_on_board(item):
        pytest.skip(f"the board broke before: {run.broken.message}")
    if item.get_closest_marker("gpu") and _CHOSEN in item.config.stash:
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Record a failure that breaks the board."""
    run = item.config.stash.get(_RUN, None)
    if run is not None and call.excinfo is not None:
        run.mark_broken(call.excinfo.value)
    return (yield)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
    """Write the report; with pytest-xdist each worker writes its own."""
    run = session.config.stash.get(_RUN, None)
    if run is not None and run.folder.record.variants:
        session.config.stash[_PAGE] = run.close(ended=exitstatus != pytest.ExitCode.INTERRUPTED)[1]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show where the report is."""
    if page := config.stash.get(_PAGE, None):
        terminalreporter.section("earshot")
        terminalreporter.write_line(f"Report: {page}")


@pytest.fixture(scope="session")
def bench_run(pytestconfig: pytest.Config) -> Iterator[Run]:
    """The run that the session's measurements belong to."""
    from harness.runs.folder import RUN, begin  # torch is behind these: import them late
    from harness.runs.request import about, setup_of
    from harness.runs.run import Run

    chosen, engine = _chosen(pytestconfig), pytestconfig.getoption("earshot_engine")
    footprint = pytestconfig.getoption("earshot_footprint")
    stopping = contextlib.ExitStack()
    stopping.enter_context(sigterm_interrupts())
    pytestconfig.add_cleanup(stopping.close)
    setup = setup_of(pytestconfig.stash[_SELECTION], chosen.bench, chosen.entry, engine, footprint=footprint)
    output = pytestconfig.getoption("earshot_output")
    what = about("run", chosen.entry, engine, chosen.bench)
    options.check_output(output)
    run = Run(setup, begin(RUN, output, setup.board.describe(), what))
    pytestconfig.stash[_RUN] = run
    yield run
    run.board.close()


@pytest.fixture(scope="session")
def board(bench_run: Run) -> Board:
    """The board to measure, see --earshot-board."""
    return bench_run.board


@pytest.fixture(scope="session")
def model(request: pytest.FixtureRequest, bench_run: Run) -> ModelArtifact:
    """A selected variant, trained and converted."""
    prepared = next(bench_run.setup.selection.only(request.param).models())
    if not prepared.deployable:
        pytest.skip(f"no board can run {prepared.id}")
    return prepared


@pytest.fixture(scope="session")
def firmware(bench_run: Run, model: ModelArtifact) -> Firmware:
    """The variant's image for the board."""
    return bench_run.build(model)


@pytest.fixture
def link(board: Board, firmware: Firmware, tmp_path: Path) -> DeviceUnderTest:
    """The board after upload of the variant's image and the handshake."""
    board.upload(firmware)
    return board.open(tmp_path / "transcript.log")


@pytest.fixture(scope="session")
def session(bench_run: Run, model: ModelArtifact) -> Session:
    """All measurements of the variant on the board; they become a row of the report."""
    row = bench_run.measure(model)
    if row.faults:
        pytest.fail(row.faults[-1].message, pytrace=False)
    return bench_run.sessions[model.id]
