"""`earshot energy`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness import layout, options
from harness.errors import EXIT_CLEAN, MeterFailed, UsageError

if TYPE_CHECKING:
    from harness.bench_file import Bench
    from harness.boards.linux import Linux
    from harness.firmware.firmware import Firmware
    from harness.firmware.stage import Instrument
    from harness.meters.meter import Meter
    from harness.meters.trace import Trace
    from harness.report.table import Table
    from harness.runs.request import Setup
    from models.model_artifact import ModelArtifact

SUMMARY = "Measure the energy of a variant on a board: by stage and inference, of an hour; a battery's life."

_LONGEST_S = 24 * 3600.0
_HIGHEST_V = 60.0
_CELLS = ("CR2032", "2xAAA", "2xAA")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        nargs="?",
        default="",
        metavar="VARIANT|TRACE",
        help="id of models/configs/ to build, upload and measure with the bench file's [meter], or on the "
        "emulated board to estimate from the datasheet; or a recorded trace, .ppk2, .jls or .csv (default: "
        "record what the meter measures now)",
    )
    parser.add_argument(
        "--seconds", type=_seconds, default=30.0, metavar="S", help="length of a measurement (default: 30)"
    )
    parser.add_argument(
        "--volts", type=_volts, metavar="V", help="the board's supply, for a trace without a voltage"
    )
    parser.add_argument(
        "--stage-inputs",
        type=_inputs,
        metavar="A,B",
        help="digital inputs of the meter that the stage pins D2 and D3 are wired to (default: the bench "
        "file's, or else 0,1)",
    )
    parser.add_argument(
        "--no-stages",
        action="store_true",
        help="the stage pins are not wired: measure bursts of inferences, and print totals only",
    )
    parser.add_argument(
        "--cell", choices=_CELLS, default="", help="battery whose life is printed (default: all of them)"
    )
    options.add_request(parser, variants=False)
    options.add_output(parser, layout.REPORTS / "energy", "folder for the tables and the measured samples")


def run(arguments: argparse.Namespace) -> int:
    from harness.bench_file import find_bench

    options.check_output(arguments.output)
    is_trace = arguments.source.lower().endswith((".ppk2", ".jls", ".csv"))
    if Path(arguments.source).is_file() and not is_trace:
        raise UsageError(
            "a recorded trace is a .ppk2, a .jls or a .csv",
            where=arguments.source,
            remedy="Export it as CSV in the program that recorded it.",
        )
    arguments.variants = "" if is_trace else arguments.source
    options.check_variants(arguments)
    arguments.output.mkdir(parents=True, exist_ok=True)
    if arguments.model or arguments.variants:
        return _measure_variants(arguments)
    return _split_trace(arguments, find_bench(arguments.bench))


def _measure_variants(arguments: argparse.Namespace) -> int:
    from harness.boards.linux import Linux
    from harness.commands.run import request_of
    from harness.meters.registry import required_meter
    from models import progress

    if arguments.source and arguments.model:
        raise UsageError("name one variant or --model", remedy="`earshot variants` lists the variants.")
    request = request_of(arguments)
    if host := request.entry().host:
        raise UsageError(
            "a meter of this host does not measure another computer",
            where=host,
            remedy="Run `earshot energy` on that computer, on its board linux without `host`.",
        )
    setup = request.setup(any_board=True)
    meter = required_meter(setup.bench) if setup.describe_timed().clock == "measured" else None
    with setup.board:
        for model in setup.selection.models():
            with progress.about(model.id):
                if isinstance(setup.board, Linux):
                    _measure_computer(arguments, setup.board, setup, model, meter)
                elif meter:
                    _measure(arguments, setup, model, meter)
                else:
                    _estimate(arguments, setup, model)
    return EXIT_CLEAN


def _build(setup: Setup, model: ModelArtifact, folder: Path, instrument: Instrument = "") -> Firmware:
    folder.mkdir(exist_ok=True)
    return setup.build(model, lambda: folder / "arena.log", instrument)


def _estimate(arguments: argparse.Namespace, setup: Setup, model: ModelArtifact) -> None:
    """Build and run one model on the emulated board, and print the datasheet's energy of its modeled time."""
    from harness.measure.energy import model_board
    from harness.report.energy import as_estimate, battery_table, stage_table, totals_table
    from models.reference import ReferenceModel

    folder = arguments.output / model.id
    reference, firmware = ReferenceModel(model.tflite, model.front_end), _build(setup, model, folder)
    found = model_board(setup.board, firmware, reference, arguments.seconds, folder)
    print(f"{model.id} on {setup.board.describe().title}\n")
    tables: list[Table | None] = [stage_table(found)]
    if reference.hears:
        tables = [totals_table(found), *tables, battery_table(found, arguments.cell)]
    _show([as_estimate(table) for table in tables if table], folder)


def _measure(arguments: argparse.Namespace, setup: Setup, model: ModelArtifact, meter: Meter) -> None:
    """Build, upload and measure one model."""
    from harness.measure.energy import measure_board
    from harness.report.energy import battery_table, inference_table, stage_table, totals_table
    from models.reference import ReferenceModel

    folder = arguments.output / model.id
    meter.power_up()  # the build may run a first image
    inputs = _stage_inputs(arguments, setup.bench) if meter.has_logic and not arguments.no_stages else None
    firmware = _build(setup, model, folder, "stages" if inputs else "")
    reference = ReferenceModel(model.tflite, model.front_end)
    found = measure_board(setup.board, firmware, reference, meter, inputs, arguments.seconds, folder)
    print(f"{model.id} on {setup.board.describe().title}, measured by {meter.describe()}\n")
    tables: list[Table | None] = []
    if found.listening:
        tables += [totals_table(found.listening), stage_table(found.listening)]
    if found.bursts:
        tables.append(inference_table(found.bursts))
    if found.listening:
        tables.append(battery_table(found.listening, arguments.cell))
    _show(tables, folder)


def _measure_computer(
    arguments: argparse.Namespace, board: Linux, setup: Setup, model: ModelArtifact, meter: Meter | None
) -> None:
    """Compare and time one model on this host, then measure its energy."""
    from harness.measure.energy import measure_host
    from harness.measure.host import float_input
    from harness.measure.onnx import time_linux
    from harness.measure.session import compared_input
    from harness.report.energy import inference_table
    from harness.sound.recording_scan import read_recordings
    from models.reference import ReferenceModel

    assert meter is not None  # its clock is measured
    recordings = read_recordings(setup.recordings, model.labels).recordings
    time_linux(model, recordings, board.computer)  # refuses a model whose outputs differ
    folder = arguments.output / model.id
    folder.mkdir(exist_ok=True)
    assert model.onnx is not None  # or it would have been refused
    reference = ReferenceModel(model.tflite, model.front_end)
    model_input = float_input(reference, compared_input(model, recordings))
    found = measure_host(model.onnx, model_input, meter, folder / "samples")
    print(f"{model.id} on {board.describe().title}, one thread, measured by {meter.describe()}\n")
    _show([inference_table(found)], folder)


def _split_trace(arguments: argparse.Namespace, bench: Bench) -> int:
    """Print the figures of a trace that was recorded before, or is now."""
    from harness.report.energy import battery_table, stage_table, totals_table
    from harness.stats.energy import BrokenTrace, energy_of

    trace = _trace(arguments, bench)
    inputs = _stage_inputs(arguments, bench) if trace.has_logic and not arguments.no_stages else None
    try:
        energy = energy_of(trace.blocks(), inputs)
    except BrokenTrace as error:
        failure = UsageError if arguments.source else MeterFailed
        raise failure(
            str(error),
            where=str(arguments.source or trace.file),
            remedy=error.remedy
            or "Name the right inputs with --stage-inputs A,B, or print totals only with --no-stages.",
        ) from error
    _show(
        [totals_table(energy), stage_table(energy), battery_table(energy, arguments.cell)], arguments.output
    )
    return EXIT_CLEAN


def _show(tables: list[Table | None], folder: Path) -> None:
    from harness.files import write_atomic

    shown = [table for table in tables if table]
    for number, table in enumerate(shown, 1):
        print(f"{table.title}\n\n{table.aligned()}\n")
        if table.note not in [later.note for later in shown[number:]]:
            print(f"{table.note}\n")
        write_atomic(table.csv(), folder / f"{table.name}.csv")
    print(f"Tables: {folder}")


def _trace(arguments: argparse.Namespace, bench: Bench) -> Trace:
    from harness.meters.recorded import read_trace
    from harness.meters.registry import required_meter

    file = arguments.output / "samples"
    if arguments.source:
        return read_trace(Path(arguments.source), file, arguments.volts)
    meter = required_meter(bench)
    meter.start(file)
    time.sleep(arguments.seconds)
    return meter.stop()


def _stage_inputs(arguments: argparse.Namespace, bench: Bench) -> tuple[int, int]:
    return arguments.stage_inputs or (bench.meter.stage_inputs if bench.meter else (0, 1))


@options.expected("a number of seconds")
def _seconds(text: str) -> float:
    if not 0.1 <= float(text) <= _LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text} is not from 0.1 to {_LONGEST_S:.0f}")
    return float(text)


@options.expected("a number of volts")
def _volts(text: str) -> float:
    if not 0 < float(text) <= _HIGHEST_V:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most {_HIGHEST_V:.0f}")
    return float(text)


@options.expected("two of the inputs 0 to 7, such as 0,1")
def _inputs(text: str) -> tuple[int, int]:
    low, high = (int(part) for part in text.split(","))
    if low == high or not {low, high} <= set(range(8)):
        raise argparse.ArgumentTypeError(f"{text} is not two of the inputs 0 to 7")
    return low, high
