"""The `earshot` command. Thin: everything it does is a call that a library user can make."""

from __future__ import annotations

import argparse
import errno
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from harness import doctor, layout
from harness.errors import EXIT_BROKEN, EXIT_CLEAN, EXIT_INCONCLUSIVE, EXIT_USAGE, EarshotError
from models.errors import ModelError


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="earshot",
        description="Benchmark keyword spotters on a microcontroller board, real or emulated.",
        epilog="Exit codes: 0 clean, 2 usage, 3 regressed or changed, 4 broken or missing hardware or tools, "
        "5 inconclusive.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(
        name: str, action: Callable[[argparse.Namespace], int], summary: str
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.set_defaults(action=action)
        return sub

    run = command(
        "run", _run, "Train, convert, build, measure and report: the whole way, reusing what is there."
    )
    _model_options(run)
    _board_options(run)
    run.add_argument(
        "--recordings",
        type=Path,
        default=layout.RECORDINGS,
        metavar="FOLDER",
        help="what is played: a folder with a manifest.csv, or your own <word>/*.wav (default: recordings/)",
    )
    run.add_argument(
        "--output",
        type=Path,
        default=layout.NIGHTS,
        metavar="FOLDER",
        help="where the run's folder is made (default: reports/nights/)",
    )
    run.add_argument("--open", action="store_true", help="open the report in a browser when it is written")

    train = command("train", _train, "Train and convert the variants; print their accuracy.")
    _model_options(train)

    build = command("build", _build, "Compile the variants for a board; print what they take of it.")
    _model_options(build)
    _board_options(build)

    report = command("report", _report, "Render a night record again as HTML, Markdown and CSV.")
    report.add_argument(
        "record",
        type=Path,
        nargs="?",
        metavar="RECORD",
        help="a night.json or the folder it is in (default: the latest run)",
    )

    command("boards", _boards, "List the boards that can be measured and what each one needs.")

    examine = command("doctor", _doctor, "Tell what is installed, what is missing and how to get it.")
    examine.add_argument("--json", action="store_true", help="print the findings as JSON")
    return parser


def _model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--variants",
        default="*",
        metavar="PATTERN",
        help="which of models/configs/ by id, such as 'tinyconv-*' (default: all)",
    )
    parser.add_argument(
        "--dataset",
        type=Path,
        metavar="FOLDER",
        help="a dataset in the Speech Commands layout (default: a synthetic corpus, made once)",
    )
    parser.add_argument(
        "--model", type=Path, metavar="FILE", help="bench this .tflite instead of the variants"
    )
    parser.add_argument(
        "--labels",
        metavar="A,B,…",
        help="the labels of --model in the order of its outputs, such as silence,unknown,yes,no",
    )


def _board_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--board", default="emulated", metavar="NAME", help="see `earshot boards` (default: emulated)"
    )
    parser.add_argument(
        "--engine", default="static", metavar="NAME", help="what runs the model (default: static)"
    )


def _selection(arguments: argparse.Namespace):
    from harness.selection import Selection

    labels = tuple(label.strip() for label in arguments.labels.split(",")) if arguments.labels else ()
    return Selection(
        pattern=arguments.variants, dataset=arguments.dataset, model_file=arguments.model, labels=labels
    )


def _run(arguments: argparse.Namespace) -> int:
    from harness.night import Night
    from harness.report.summary import summary_text

    night = Night(
        selection=_selection(arguments),
        board_name=arguments.board,
        engine_name=arguments.engine,
        recordings=arguments.recordings,
        output=arguments.output,
        say=_say,
    )
    record, page = night.run()
    print(summary_text(record))
    print(f"\nReport: {page}")
    if arguments.open:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())
    if all(variant.faults for variant in record.variants):
        return EXIT_BROKEN
    return EXIT_INCONCLUSIVE if any(variant.faults for variant in record.variants) else EXIT_CLEAN


def _train(arguments: argparse.Namespace) -> int:
    for model in _selection(arguments).models(_say):
        print(f"{model.title}: {model.path}")
        for split, counts in model.accuracy.items():
            correct, total = (
                sum(count["correct"] for count in counts),
                sum(count["total"] for count in counts),
            )
            print(f"  {split:<10} {correct / total:6.1%}  ({correct:,} of {total:,})")
    return EXIT_CLEAN


def _build(arguments: argparse.Namespace) -> int:
    from harness.boards.registry import make_board
    from harness.firmware.registry import get_engine

    engine = get_engine(arguments.engine)
    with make_board(arguments.board) as board:
        for model in _selection(arguments).models(_say):
            firmware = board.build(model, engine)
            limits = board.describe()
            print(
                f"{model.id}: flash {firmware.flash_bytes:,} of {limits.flash_bytes:,} bytes, "
                f"RAM {firmware.ram_bytes:,} of {limits.ram_bytes:,} (arena {firmware.arena_bytes:,})\n"
                f"  {firmware.image}"
            )
    return EXIT_CLEAN


def _report(arguments: argparse.Namespace) -> int:
    from harness.night import latest_record
    from harness.report.page import render
    from harness.results.reading import read_record

    path = arguments.record or latest_record(layout.NIGHTS)
    if path.is_dir():
        path = path / "night.json"
    print(render(read_record(path), path.parent))
    return EXIT_CLEAN


def _boards(arguments: argparse.Namespace) -> int:
    from harness.boards.registry import board_kinds

    for name, kind in board_kinds().items():
        print(f"{name:<12} {kind.summary}")
    return EXIT_CLEAN


def _doctor(arguments: argparse.Namespace) -> int:
    findings = doctor.examine()
    if arguments.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        print(doctor.as_text(findings))
    return EXIT_CLEAN if all(finding.present for finding in findings if finding.required) else EXIT_BROKEN


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: the arguments after the program's name; None takes the process's own.

    Returns:
        The exit code, see `harness.errors`.
    """
    arguments = _parser().parse_args(argv)
    try:
        return arguments.action(arguments)
    except EarshotError as failure:
        _say(f"earshot: {failure}")
        return failure.exit_code
    except ModelError as failure:
        _say(f"earshot: {failure}")
        return EXIT_USAGE
    except OSError as failure:
        if failure.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _say(
            f"earshot: the disk is full ({failure.filename or layout.store_root()}). "
            "Free some space, or point EARSHOT_HOME at another disk; what was measured so far is kept."
        )
        return EXIT_BROKEN
    except KeyboardInterrupt:
        _say("earshot: interrupted. What was measured so far is kept; the same command goes on from there.")
        return EXIT_INCONCLUSIVE


if __name__ == "__main__":
    sys.exit(main())
