"""`earshot profile`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

from harness import layout, options
from harness.errors import EXIT_CLEAN, EXIT_INCONCLUSIVE, UsageError
from models.errors import UserFacingError
from models.scratch import ScratchFolder
from models.store import Store

SUMMARY = "Show where the cycles of a variant go: by operator, by function, and as a flame graph."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "variants",
        nargs="?",
        default="",
        metavar="VARIANT",
        help="id of models/configs/, or a pattern over them",
    )
    options.add_request(parser, variants=False)
    parser.add_argument(
        "--counter",
        action="store_true",
        help="time operators by the processor's counter, in an image built for it; so always on a real board",
    )
    options.add_output(parser, layout.REPORTS / "profiles", "folder for the flame graphs and rooflines")


def run(arguments: argparse.Namespace) -> int:
    from harness.commands.run import request_of
    from harness.files import file_name
    from harness.measure.profile import counted_profile, profile
    from harness.records.calibration import calibrations_of
    from harness.report.html import write_text
    from harness.report.plot import standalone_svg
    from harness.report.profile import flame_graph_of, functions_table, operators_table, roofline
    from harness.report.variants import calibration_note, footprint_cell
    from harness.runs import rows

    if bool(arguments.variants) == bool(arguments.model):
        raise UsageError("name one variant or --model", remedy="`earshot variants` lists the variants.")
    setup = request_of(arguments).setup()
    failures: dict[str, UserFacingError] = {}
    store, engine = Store(layout.store_root()), setup.engine
    with setup.board as board, ScratchFolder("arena") as folder:
        described, new_log = board.describe(), partial(Path, folder, "arena.log")
        counter = arguments.counter or described.clock == "measured"
        for model in setup.selection.models(failures):
            firmware = setup.build(model, new_log, "operators" if counter else "")
            row = rows.with_firmware(rows.variant_row(model), firmware, described, setup.calibrations)
            found = (
                counted_profile(board, firmware, engine, model, folder / "profile.log")
                if counter
                else profile(board, firmware, engine, model, store)
            )
            row = replace(row, profile=found)
            if found is None:
                raise UsageError(
                    f"{described.title} cannot count the cycles of code",
                    remedy="Profile on the emulated board with --clock cycles.",
                )
            print(f"{operators_table([row]).aligned()}\n\n{functions_table([row]).aligned()}\n")
            if described.clock != "measured":
                print(f"{calibration_note(calibrations_of([row]))}\n")
            parts = [model.id, engine.name, footprint_cell(engine.footprint), "counter" * counter]
            name = file_name("-".join(filter(None, parts)))
            graphs = {"flame": flame_graph_of(row, described)}
            if plot := roofline(row):
                graphs["roofline"] = standalone_svg(plot)
            for kind, svg in graphs.items():
                arguments.output.mkdir(parents=True, exist_ok=True)
                path = arguments.output / f"{name}.{kind}.svg"
                write_text(path, svg)
                print(f"{kind}: {path}")
    return EXIT_INCONCLUSIVE if failures else EXIT_CLEAN
