"""`earshot history`: all nights of all benches as pages."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness import layout, options
from harness.errors import EXIT_CLEAN, UsageError

if TYPE_CHECKING:
    from harness.history.history import History
    from harness.records.record import VerdictRow

SUMMARY = "Show every series over all nights: last verdicts, sparklines, plots with the rule's band."

_REBUILD = "rebuild"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `history` takes."""
    parser.add_argument(
        "folders",
        type=Path,
        nargs="*",
        metavar="FOLDER",
        help="where nights are, of as many benches as there are (default: reports/nights/); the word "
        "'rebuild' does what --rebuild does",
    )
    parser.add_argument(
        "--rebuild", action="store_true", help="read every record again, in place of the index of them"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=layout.REPORTS / "history",
        metavar="FOLDER",
        help="where the pages are written (default: reports/history/)",
    )
    parser.add_argument(
        "--baselines",
        type=Path,
        default=layout.REPORTS / "baselines",
        metavar="FOLDER",
        help="where <board>.toml is (default: reports/baselines/)",
    )
    parser.add_argument("--open", action="store_true", help="open the index in a browser when it is written")


def run(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    from harness.history.folders import read_nights
    from harness.regression.baseline_file import read_baseline
    from harness.report.history.site import LeftOut, render_history

    folders, rebuild = _folders(arguments.folders)
    history = read_nights(folders, options.say, rebuild=rebuild or arguments.rebuild)
    boards = sorted({night.board for night in history.nights})
    found = {board: read_baseline(arguments.baselines / f"{board}.toml") for board in boards}
    baselines = {board: baseline for board, baseline in found.items() if baseline}
    page = render_history(
        history.nights,
        baselines,
        arguments.output,
        records={id: record.path for id, record in history.records.items()},
        said=_said(history, {*boards} - {*baselines}),
        left_out=[
            *(LeftOut(str(one.path), one.sentence) for one in history.refused),
            *(LeftOut(f"night {one.id}", one.sentence) for one in history.conflicts),
        ],
    )
    options.say(_summary(history, len(boards)))
    print(page)
    if arguments.open:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())
    return EXIT_CLEAN


def _folders(named: Sequence[Path]) -> tuple[list[Path], bool]:
    """Where nights are, and whether the word "rebuild" was among the folders."""
    rebuild = Path(_REBUILD) in named and not Path(_REBUILD).exists()
    folders = [folder for folder in named if not (rebuild and folder == Path(_REBUILD))]
    missing = [str(folder) for folder in folders if not folder.exists()]
    if missing:
        raise UsageError(
            f"there is no {', '.join(missing)}", remedy="Name folders with nights, or files of records."
        )
    if folders:
        return folders, rebuild
    return [layout.NIGHTS] if layout.NIGHTS.exists() else [], rebuild


def _said(history: History, boards: set[str]) -> dict[str, VerdictRow]:
    """What the records of the last nights of some boards say, by the nights' ids."""
    from harness.records.reading import read_record

    last = {night.board: night.id for night in history.nights if night.board in boards}
    verdicts = {id: read_record(history.records[id].path).verdict for id in last.values()}
    return {id: verdict for id, verdict in verdicts.items() if verdict}


def _summary(history: History, boards: int) -> str:
    if not history.nights:
        return "There are no nights yet: make the first with `earshot nightly --board emulated`."
    left_out = len(history.refused) + len(history.conflicts)
    text = f"{len(history.nights):,} night{'' if len(history.nights) == 1 else 's'} of {boards} board"
    text += "" if boards == 1 else "s"
    return f"{text}, {left_out} left out." if left_out else f"{text}."
