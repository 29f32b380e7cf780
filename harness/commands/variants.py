"""`earshot variants`: list the variants and their progress."""

from __future__ import annotations

import argparse

from harness import layout, options
from harness.errors import EXIT_CLEAN

SUMMARY = "List the variants with their state, from described to measured."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "pattern",
        nargs="?",
        default="*",
        metavar="PATTERN",
        help="ids or patterns over them, such as 'pruned-*', separated by commas (default: *)",
    )
    parser.epilog = (
        "States: described (only its file exists), trained, compressed (pruned or quantized), converted (to "
        ".tflite), prepared (its accuracy is measured), built (an image for a board), measured (on a board), "
        "and refused (its file is not valid)."
    )
    options.add_dataset(parser)


def run(arguments: argparse.Namespace) -> int:
    from harness.inventory import inventory
    from harness.runs.selection import Selection
    from models.store import Store

    selection = Selection(arguments.pattern, arguments.dataset, voices=arguments.voices)
    listed = inventory(layout.CONFIGS, selection, Store(layout.store_root()), layout.NIGHTS)
    rows = [("Variant", "Runs on", "State", "Title", "")]
    rows += [
        (one.id, "board" if one.deployable else "torch only", one.state, one.title, one.detail)
        for one in listed
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for *cells, detail in rows:
        texts = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        print("  ".join([*texts, detail]).rstrip())
    return EXIT_CLEAN
