"""`python -m harness.runs.measure_commit`: build one variant and measure it in one block.

`earshot bisect` runs this module of every commit in that commit's checkout: no conformance checks, no host,
no page. Later versions of Earshot rely on its options and its record, so their meaning must not change.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from harness import options
from harness.bench_file import Bench, BoardEntry, Optimization
from harness.boards.emulated import EmulatedBoard
from harness.errors import EXIT_BROKEN, EXIT_CLEAN
from harness.firmware.engine import Engine
from harness.footprint import FAST, Footprint
from harness.measure.block import SAMPLES
from harness.records.record import ROUND, RunRecord, write_record
from harness.runs import folder, rows
from harness.runs.nightly.blocks import BlockId, Blocks
from harness.runs.nightly.images import targets_of
from harness.runs.request import Setup, engine_of
from harness.runs.run import Run
from harness.runs.selection import Selection
from models.errors import UserFacingError
from models.scratch import ScratchFolder

_KIND = EmulatedBoard.name


def options_of(
    selection: Selection, engine: str, footprint: Footprint = FAST, optimization: Optimization = ""
) -> list[str]:
    """Return the options that select the same models and build the same images from any folder.

    Args:
        selection: of one variant, or of a model from elsewhere.
        engine: by name.
        footprint: of the images. Defaults are left out: older commits do not have the options.
        optimization: the compiler's level; "" for a stock sketch's.
    """
    chosen = ["--variants", selection.pattern, "--engine", engine]
    if footprint != FAST:
        chosen += ["--footprint", footprint]
    if optimization:
        chosen += ["--optimization", optimization]
    if selection.dataset:
        chosen += ["--dataset", str(selection.dataset.resolve())]
    if selection.voices:
        chosen += ["--voices", selection.voices]
    if selection.model_file:
        chosen += ["--model", str(selection.model_file.resolve()), "--labels", ",".join(selection.labels)]
    if selection.front_end:
        chosen += ["--front-end", selection.front_end]
    return chosen


def measured(selection: Selection, engine: Engine, entry: BoardEntry) -> RunRecord:
    """Build and measure the selected models, one block each.

    Raises:
        UserFacingError: a model could not be prepared, built or measured.
    """
    with ScratchFolder("block") as temporary, EmulatedBoard.from_bench(entry, Bench()) as board:
        about = {"kind": "run", "board": board.name, "engine": engine.name}
        run = Run(
            Setup(selection, board, engine), folder.begin(folder.RUN, temporary, board.describe(), about)
        )
        models = list(selection.models())
        for model in models:
            run.folder.put(run.with_firmware(rows.variant_row(model), run.build(model)))
        run.folder.write()
        blocks = Blocks(board, run.folder, SAMPLES)
        blocks.measure([BlockId(ROUND, 1, model.id) for model in models], targets_of(run, models))
        record = run.folder.ended()
        run.folder.release()
        return record


def main(argv: Sequence[str] | None = None) -> int:
    """Write the record to --output."""
    parser = argparse.ArgumentParser(prog="measure_commit", description=__doc__)
    options.add_models(parser)
    options.add_engine(parser)
    options.add_optimization(parser)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    arguments = parser.parse_args(argv)
    try:
        entry = BoardEntry(name=_KIND, kind=_KIND, optimization=arguments.optimization)
        engine = engine_of(entry, arguments.engine, arguments.footprint)
        write_record(measured(options.selection(arguments), engine, entry), arguments.output)
    except UserFacingError as failure:
        print(f"earshot: {failure}", file=sys.stderr)
        return EXIT_BROKEN
    return EXIT_CLEAN


if __name__ == "__main__":
    sys.exit(main())
