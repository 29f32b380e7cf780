"""`earshot mlperf`."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness import layout, options
from harness.errors import EXIT_CLEAN, MeterFailed, UsageError
from models import progress
from models.store import Store

if TYPE_CHECKING:
    from harness.bench_file import Bench
    from harness.meters.meter import Meter
    from harness.records.record import BoardRow

SUMMARY = "Run MLPerf Tiny's keyword benchmark by its rules, and show the result beside the published ones."

_ARENA_LOG = "arena.log"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", type=Path, metavar="MODEL", help="a .tflite, such as the benchmark's kws_ref_model.tflite"
    )
    parser.add_argument(
        "--labels",
        metavar="A,B,…",
        help="labels in the order of the outputs (default: the benchmark's twelve)",
    )
    inputs = parser.add_mutually_exclusive_group()
    inputs.add_argument(
        "--files", type=Path, metavar="FOLDER", help="the benchmark's inputs: y_labels.csv and .bin files"
    )
    inputs.add_argument(
        "--dataset",
        type=Path,
        metavar="FOLDER",
        help="make them of the test clips of this dataset in the Speech Commands layout (default: random "
        "inputs, and no accuracy)",
    )
    parser.add_argument(
        "--front-end",
        default="mfcc",
        metavar="NAME",
        help="front end that makes the features of --dataset (default: mfcc, the benchmark's)",
    )
    parser.add_argument(
        "--energy",
        action="store_true",
        help="the benchmark's energy mode: µJ per inference by the bench file's [meter], between timestamps "
        "that the board shows by pin D2",
    )
    options.add_board(parser)
    options.add_engine(parser)
    options.add_output(parser, layout.REPORTS / "mlperf", "folder for the record, the report and its tables")
    options.add_open(parser)


def run(arguments: argparse.Namespace) -> int:
    from harness.commands.run import request_of
    from harness.measure.mlperf import WINDOWS, measure_accuracy, measure_energy, measure_performance
    from harness.measure.mlperf_files import LABELS, make_files, random_files, read_files
    from harness.measure.session import noise_inputs
    from harness.records import provenance
    from harness.records.mlperf import MlperfRecord, write_mlperf
    from harness.report.html import page_tables, write_csvs, write_page
    from harness.report.mlperf import accuracy_table, results_table, sentences, windows_table
    from harness.runs import rows
    from harness.runs.selection import Selection
    from models.reference import ReferenceModel

    options.check_output(arguments.output)
    labels = tuple(label.strip() for label in arguments.labels.split(",")) if arguments.labels else LABELS
    front_end = arguments.front_end if arguments.dataset else ""
    selection = Selection(model_file=arguments.model, labels=labels, front_end=front_end)
    setup = request_of(arguments, selection).setup()
    started = datetime.now(UTC)
    folder = arguments.output / started.strftime("%Y%m%dT%H%M%SZ")
    (model,) = setup.selection.models()
    reference = ReferenceModel(model.tflite, model.front_end)
    if arguments.files:
        inputs, files = "files", read_files(arguments.files, model)
    elif arguments.dataset:
        store = Store(layout.store_root())
        inputs, files = "dataset", make_files(arguments.dataset, model, store, folder / "kws01")
    else:
        inputs, files = "random", random_files(noise_inputs(reference, WINDOWS))
    with setup.board as board, contextlib.ExitStack() as recording, contextlib.ExitStack() as failed:
        failed.callback(_discard, folder)
        described = setup.describe_timed()
        wiring = setup.bench.meter
        meter = _meter(setup.bench, described) if arguments.energy else None
        if meter:
            meter.power_up()
        folder.mkdir(parents=True, exist_ok=True)
        firmware = setup.build(model, lambda: folder / _ARENA_LOG, "timestamps" if meter else "")
        if meter:
            meter.start(folder / "samples")
            recording.callback(_stop, meter)
        failed.pop_all()
        board.upload(firmware)
        device = board.open(folder / "transcript.log")
        boot = device.handshake(firmware)
        with progress.about(model.id):
            with progress.task("measure accuracy" if inputs != "random" else "compare outputs"):
                # As the benchmark's runner, energy mode leaves the accuracy to the other mode.
                checked = files[:WINDOWS] if meter else files
                accuracy = measure_accuracy(device, reference, checked, model.labels)
            with progress.task("measure energy" if meter else "measure performance"):
                if meter and wiring:
                    windows = measure_energy(device, files, meter, wiring.stage_inputs[0])
                    meter.stop()
                else:
                    windows = measure_performance(device, files)
    row = rows.with_firmware(rows.variant_row(model), firmware, described, setup.calibrations)
    assert row.model is not None and row.firmware is not None  # of a model that was built
    record = MlperfRecord(
        run={
            "started": started.isoformat(),
            "ended": datetime.now(UTC).isoformat(),
            "command": os.fsencode(" ".join(sys.argv)).decode(errors="replace"),
        },
        code=provenance.code(),
        environment=provenance.environment(),
        id=model.id,
        board=described,
        model=row.model,
        firmware=replace(row.firmware, icache=boot.icache, arena_bytes_reported=boot.arena_bytes),
        inputs=inputs,
        source=str((arguments.files or arguments.dataset or Path()).resolve()) if inputs != "random" else "",
        files=len(checked),
        outputs_equal=len(checked),  # measure_accuracy refuses a board that differs
        accuracy=[] if meter else accuracy,
        windows=windows,
        meter=meter.describe() if meter else "",
    )
    write_mlperf(record, folder / "mlperf.json")
    tables = {table.name: table for table in (results_table(record), windows_table(record))}
    if accuracy:
        tables |= {"accuracy": accuracy_table(record)}
    page = write_page(
        "mlperf.html.j2",
        folder / "report.html",
        title="Earshot: MLPerf Tiny's keyword benchmark",
        sentences=sentences(record),
        tables=page_tables(tables),
        plots={},
        files=write_csvs(tables.values(), folder),
    )
    for sentence in sentences(record):
        print(sentence)
    for table in tables.values():
        print(f"\n{table.aligned()}\n{table.note}")
    options.show_page(page, arguments.open)
    return EXIT_CLEAN


def _meter(bench: Bench, board: BoardRow) -> Meter:
    from harness.meters.registry import required_meter

    if board.clock != "measured":
        raise UsageError(
            f"{board.title} takes no current that a meter could measure",
            remedy="Name a real board; `earshot energy` estimates the energy on the emulated board.",
        )
    meter = required_meter(bench)
    if not meter.has_logic:
        raise UsageError(
            f"a meter of kind {meter.name} has no digital input for the timestamps",
            where=str(bench.path),
            remedy="The energy mode needs one, such as ppk2; `earshot energy` measures without.",
        )
    return meter


def _discard(folder: Path) -> None:
    """Remove the folder of a benchmark that never began, unless a transcript is in it."""
    if not (folder / _ARENA_LOG).exists():
        shutil.rmtree(folder, ignore_errors=True)


def _stop(meter: Meter) -> None:
    with contextlib.suppress(MeterFailed):  # stopped before, or the failure is told already
        meter.stop()
