"""`earshot calibrate`."""

from __future__ import annotations

import argparse

from harness import layout, options
from harness.errors import EXIT_BROKEN, EXIT_CLEAN, EXIT_INCONCLUSIVE
from models import progress
from models.errors import UserFacingError
from models.scratch import ScratchFolder
from models.store import Store

SUMMARY = (
    "Compare the emulated board's modeled times with a real board's, and keep the errors with the bench."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    options.add_request(parser)


def run(arguments: argparse.Namespace) -> int:
    from harness.bench_file import BoardEntry
    from harness.boards.registry import board_of
    from harness.commands.run import request_of
    from harness.measure.calibration import calibrate, calibration_file, check_boards
    from harness.records.calibration import Calibration, read_calibration, write_calibration
    from harness.report.profile import calibration_table

    request = request_of(arguments)
    setup, entry = request.setup(), request.entry()
    name = entry.name
    like = BoardEntry("emulated", kind="emulated", optimization=entry.optimization)
    path = calibration_file(setup.bench, name)
    store, failures, calibrated = Store(layout.store_root()), dict[str, UserFacingError](), 0
    with setup.board as real, board_of(like, setup.bench) as emulated, ScratchFolder("calibration") as folder:
        check_boards(real, emulated)
        calibration = Calibration(name, real.describe(), emulated.describe(), [])
        if path.exists():
            before = read_calibration(path)
            if (before.board.uid, before.emulated.uid) == (calibration.board.uid, calibration.emulated.uid):
                calibration = before
            else:
                progress.warn(f"{path} is of another board, clock or compiler: it is replaced.")
        for model in setup.selection.models(failures):
            recognizer = setup.bench.recognizer_of(model.id)
            try:
                image = calibrate(real, emulated, model, setup.engine, store, folder, recognizer)
            except UserFacingError as failure:
                progress.warn(str(failure))
                failures[model.id] = failure
                continue
            calibration = calibration.with_image(image)
            write_calibration(calibration, path)
            calibrated += 1
    if not calibrated:
        return EXIT_BROKEN
    print(f"{calibration_table(calibration).aligned()}\n\nKept in {path}")
    return EXIT_INCONCLUSIVE if failures else EXIT_CLEAN
