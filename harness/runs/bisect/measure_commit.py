"""`python -m harness.runs.bisect.measure_commit`: builds one variant and measures it in one block.

What a bisection asks of every commit, in that commit's checkout: no chain of trust, no host, no page, and one
block of the emulated board is the same as any other. Its options and the record are what other versions of
Earshot rely on; neither is ever to change its meaning.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness import options
from harness.bench_file import BoardEntry
from harness.boards.emulated import EmulatedBoard
from harness.errors import EXIT_BROKEN, EXIT_CLEAN
from harness.firmware.engine import Engine
from harness.measure.block import SAMPLES
from harness.records.record import RunRecord, write_record
from harness.runs import rows
from harness.runs.night import Night
from harness.runs.nightly.blocks import Blocks
from harness.runs.nightly.schedule import ROUND, Slot
from harness.runs.nightly.subjects import subjects_of
from harness.runs.plan import engine_of
from harness.runs.selection import Selection
from models.errors import UserFacingError

_KIND = EmulatedBoard.name


def options_of(selection: Selection, engine: str) -> list[str]:
    """The options that choose the same, wherever it is called.

    Args:
        selection: of one variant, or of a model from elsewhere.
        engine: by name.
    """
    chosen = ["--variants", selection.pattern, "--engine", engine]
    if selection.dataset:
        chosen += ["--dataset", str(selection.dataset.resolve())]
    if selection.model_file:
        chosen += ["--model", str(selection.model_file.resolve()), "--labels", ",".join(selection.labels)]
    return chosen


def measured(selection: Selection, engine: Engine) -> RunRecord:
    """Builds and measures what is selected, one block of each.

    Args:
        selection: which models.
        engine: runs them.

    Raises:
        UserFacingError: what could not be prepared, built or measured, by class what went wrong.
    """
    with tempfile.TemporaryDirectory(prefix="earshot-block-") as folder, EmulatedBoard() as board:
        night = Night(selection, board, engine, output=Path(folder))
        models = list(selection.models(options.say))
        for model in models:
            row = rows.variant_row(model)
            night.journal.rows[model.id] = rows.with_firmware(row, night.firmware(model))
        night.journal.write()
        blocks = Blocks(board, night.journal, SAMPLES, options.say)
        blocks.measure([Slot(ROUND, 1, model.id) for model in models], subjects_of(night, models))
        record = night.journal.ended()
        night.journal.let_go()
        return record


def main(argv: Sequence[str] | None = None) -> int:
    """Writes the record to where it is asked for."""
    parser = argparse.ArgumentParser(prog="one_block", description=__doc__)
    options.add_models(parser)
    options.add_engine(parser)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    arguments = parser.parse_args(argv)
    try:
        engine = engine_of(BoardEntry(name=_KIND, kind=_KIND), arguments.engine)
        write_record(measured(options.selection(arguments), engine), arguments.output)
    except UserFacingError as failure:
        options.say(f"earshot: {failure}")
        return EXIT_BROKEN
    return EXIT_CLEAN


if __name__ == "__main__":
    sys.exit(main())
