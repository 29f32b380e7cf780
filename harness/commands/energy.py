"""`earshot energy`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness import layout, options
from harness.errors import EXIT_CLEAN, UsageError

if TYPE_CHECKING:
    from harness.bench_file import Bench
    from harness.meters.trace import Trace

SUMMARY = "Split the power of a board by stage: energy of an inference, of an hour, and a battery's life."

_LONGEST_S = 24 * 3600.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "trace",
        type=Path,
        nargs="?",
        metavar="TRACE",
        help="a recorded trace, .ppk2 or .csv (default: measure with the bench file's [meter])",
    )
    parser.add_argument(
        "--seconds", type=_seconds, default=30.0, metavar="S", help="length of a measurement (default: 30)"
    )
    parser.add_argument(
        "--volts", type=float, metavar="V", help="the board's supply, for a trace without a voltage"
    )
    parser.add_argument(
        "--stage-inputs",
        type=_inputs,
        metavar="A,B",
        help="digital inputs of the meter that the stage pins are wired to (default: the bench file's, or "
        "else 0,1)",
    )
    parser.add_argument(
        "--no-stages", action="store_true", help="the stage pins are not wired: print totals only"
    )
    options.add_bench(parser)
    options.add_output(parser, layout.REPORTS / "energy", "folder for the tables and the measured samples")


def run(arguments: argparse.Namespace) -> int:
    from harness.bench_file import find_bench
    from harness.files import write_atomic
    from harness.report.energy import battery_table, stage_table, totals_table
    from harness.stats.energy import BrokenTrace, energy_of

    options.check_output(arguments.output)
    arguments.output.mkdir(parents=True, exist_ok=True)
    bench = find_bench(arguments.bench)
    trace = _trace(arguments, bench)
    inputs = arguments.stage_inputs or (bench.meter.stage_inputs if bench.meter else (0, 1))
    try:
        energy = energy_of(trace.blocks(), inputs if trace.has_logic and not arguments.no_stages else None)
    except BrokenTrace as error:
        raise UsageError(
            str(error),
            where=str(arguments.trace or trace.file),
            remedy="Name the right inputs with --stage-inputs A,B, or print totals only with --no-stages.",
        ) from error
    for table in filter(None, (totals_table(energy), stage_table(energy), battery_table(energy))):
        print(f"{table.title}\n\n{table.aligned()}\n\n{table.note}\n")
        write_atomic(table.csv(), arguments.output / f"{table.name}.csv")
    print(f"Tables: {arguments.output}")
    return EXIT_CLEAN


def _trace(arguments: argparse.Namespace, bench: Bench) -> Trace:
    from harness.meters.recorded import read_trace
    from harness.meters.registry import meter_of

    file = arguments.output / "samples"
    if arguments.trace is not None:
        return read_trace(arguments.trace, file, arguments.volts)
    if bench.meter is None:
        raise UsageError(
            "the bench file has no [meter]",
            where=str(bench.path or "no bench file"),
            remedy="Add one (docs/energy.md), or name a recorded trace.",
        )
    meter = meter_of(bench.meter)
    meter.start(file)
    time.sleep(arguments.seconds)
    return meter.stop()


def _seconds(text: str) -> float:
    if not 0.1 <= float(text) <= _LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text} is not from 0.1 to {_LONGEST_S:.0f}")
    return float(text)


def _inputs(text: str) -> tuple[int, int]:
    low, high = (int(part) for part in text.split(","))
    if low == high or not {low, high} <= set(range(8)):
        raise argparse.ArgumentTypeError(f"{text} is not two of the inputs 0 to 7")
    return low, high
