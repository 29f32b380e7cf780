"""`earshot nightly`: what `earshot run` measures, then blocks, verdict and confirmation.

Rows and blocks are in the partial record as soon as they are measured; a resumed night measures none twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.bench_file import Bench, find_bench
from harness.boards.board import Board
from harness.boards.linux import Linux
from harness.boards.registry import board_of
from harness.errors import EXIT_BROKEN, EXIT_CLEAN, ConnectionLost, EarshotError, MeterFailed, UsageError
from harness.meters.meter import Meter
from harness.meters.registry import meter_of
from harness.records import provenance
from harness.records.record import ROUND, BlockRow, BoardRow, Code, Fault, RunRecord, VariantRow
from harness.records.verdict import RunVerdict
from harness.regression.a_a import a_a
from harness.regression.from_record import A_A, NIGHTLY, night_of
from harness.report.pages.run import render_run
from harness.runs import folder as folders
from harness.runs.folder import RUN, RunFolder
from harness.runs.nightly.images import keep_images, read_images, targets_of
from harness.runs.nightly.session import NightlySession
from harness.runs.nightly.summary import describe_repeatability, summarize, write_files
from harness.runs.request import NightlyRequest, RunRequest
from harness.runs.run import Run
from models import progress
from models.errors import ConfigError, UserFacingError


@dataclass(frozen=True)
class NightlyResult:
    """Result of a night."""

    record: RunRecord  # as written
    verdict: RunVerdict
    page: Path
    text: str  # the verdict in Markdown
    exit_code: int  # of the command, see `harness.errors`


def run_nightly(request: RunRequest, output: Path, interrupted: Path | None = None) -> NightlyResult:
    """Measure, judge and write a night: below `output`, or resumed in the folder `interrupted`.

    Raises:
        UsageError, ConfigError: the request, the bench file or the baseline is invalid, or the night cannot
            be resumed.
    """
    nightly = request.nightly
    assert nightly is not None
    kind = A_A if nightly.same_images else NIGHTLY

    def folder_for(board: Board, code: Code | None = None) -> RunFolder[RunRecord]:
        if interrupted:
            return folders.resume(RUN, interrupted, board.describe(), code)
        return folders.begin(RUN, output, _identity(board, request.entry().name), request.about(kind), code)

    def find_board() -> Board:
        return board_of(request.entry(), find_bench(request.bench))

    if nightly.same_images:
        board = find_board()
        name = request.entry().name
        meter = _meter_of(find_bench(request.bench), board)
        return measure_same_images(board, nightly, name, folder_for, meter)
    try:
        setup = request.setup(any_board=True)
    except (UsageError, ConfigError):
        raise
    except EarshotError as failure:
        board = find_board()
        return _record_failure(failure, board, folder_for(board), nightly)
    return measure_night(Run(setup, folder_for(setup.board)), nightly)


def _identity(board: Board, name: str) -> BoardRow:
    """Describe a board; a computer that cannot be asked is known by its kind's name, as a board on USB is."""
    try:
        return board.describe()
    except EarshotError:  # the night's fault says why
        return BoardRow(board.name, board.name, name, None, "measured", None, None)


def _meter_of(bench: Bench, board: Board) -> Meter | None:
    """Return the meter of a board that takes current, which it powers from now on; None without one.

    A meter of this host does not measure a computer over SSH.
    """
    is_elsewhere = isinstance(board, Linux) and board.computer.host
    if bench.meter is None or is_elsewhere or board.describe().clock != "measured":
        return None
    meter = meter_of(bench.meter)
    try:
        meter.power_up()
    except MeterFailed as failure:  # each block tells that it has no energy
        progress.warn(str(failure))
    return meter


def measure_night(run: Run, request: NightlyRequest) -> NightlyResult:
    """Measure a night whose folder is there."""
    with run.interruptible():
        meter = _meter_of(run.setup.bench, run.board)
        session = NightlySession(run.board, run.folder, request, meter)
        targets = {}
        try:
            targets = targets_of(run, run.measure_all())
        except (UsageError, ConfigError, ConnectionLost):
            raise
        except UserFacingError as failure:  # nothing could be measured: the record says so
            run.folder.write(fault=Fault(failure.failure, str(failure)))
        session.measure(targets, run.broken)
        verdict = session.judge()
        record = run.folder.ended()
        if session.succeeded:
            keep_images(request, record, targets)
        text = _write_result(verdict, record, run.folder.path)
    record, page = run.close()
    return NightlyResult(record, verdict, page, text, verdict.exit_code)


def measure_same_images(
    board: Board, request: NightlyRequest, name: str, folder_for: Any, meter: Meter | None = None
) -> NightlyResult:
    """Measure the images of a board's last night again (A/A); nothing is prepared, built or played.

    `name` is the board's on the bench; `folder_for` returns the run's folder for a board and the code of its
    images.

    Raises:
        UsageError: no images are kept, or others than when the night was interrupted.
    """
    with board:
        kept, targets = read_images(request, name)
        now = provenance.code()
        code = {**now, "commit": kept.code["commit"], "dirty": kept.code["dirty"]}
        folder = folder_for(board, code)
        try:
            folder.write(variants=list(kept.variants))
            session = NightlySession(board, folder, request, meter)
            session.measure(targets)
            verdict = session.judge()
            nights = session.earlier_nights()
            folder.put(*(_with_times(row, folder.record.blocks) for row in folder.record.variants))
            if verdict.exit_code == EXIT_BROKEN:
                return _ended(folder, verdict)
            tonight = night_of(folder.ended(), "tonight")
            repeated = describe_repeatability(tonight, a_a([*nights, tonight]))
            return replace(_ended(folder, verdict, repeated), exit_code=EXIT_CLEAN)
        finally:
            folder.release()


def _record_failure(
    failure: EarshotError, board: Board, folder: RunFolder[RunRecord], request: NightlyRequest
) -> NightlyResult:
    """Write the record of a night that could not begin, as without the tools that know the board."""
    with board:
        try:
            folder.write(fault=Fault(failure.failure, str(failure)))
            return _ended(folder, NightlySession(board, folder, request).judge())
        finally:
            folder.release()


def _ended(folder: RunFolder[RunRecord], verdict: RunVerdict, more: str = "") -> NightlyResult:
    """End a night with its files and its page, see `_write_result`."""
    with folder.ending() as record:
        text = _write_result(verdict, record, folder.path, more)
        page = render_run(record, folder.path)
    return NightlyResult(record, verdict, page, text, verdict.exit_code)


def _write_result(verdict: RunVerdict, record: RunRecord, folder: Path, more: str = "") -> str:
    """Write the verdict's files; return the summary, with `more` as its last paragraph."""
    text = "\n".join(filter(None, [summarize(verdict), more]))
    write_files(text, verdict, record, folder)
    return text


def _with_times(row: VariantRow, blocks: list[BlockRow]) -> VariantRow:
    """Give a row the times of its blocks, for the report: those while listening, if there are any."""
    found: dict[str, list[int | float]] = {}
    for block in blocks:
        if block.subject != row.id or block.phase != ROUND:
            continue
        for key, samples in block.samples_us.items():
            metric, _, mode = key.partition("/")
            if samples and (mode != "clip" or len(block.samples_us) == 1):
                found.setdefault(metric.removesuffix("_us"), []).extend(samples)
    return replace(row, stage_us=found)
