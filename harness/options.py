"""Options shared by several commands and by the pytest plugin."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from harness import layout
from harness.bench_file import MOST_WAIT_S, Optimization
from harness.errors import UsageError
from harness.footprint import FAST, Footprint
from harness.runs.selection import DEFAULT_VARIANTS, Selection
from models.progress import Level
from models.variants import VOICES

if TYPE_CHECKING:
    from harness.records.verdict import SeriesName

DEFAULT_BOARD = "emulated"


T = TypeVar("T")


def expected(what: str) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """Return a decorator of an option's parser, whose ValueError then says what the option takes."""

    def decorate(parse: Callable[[str], T]) -> Callable[[str], T]:
        def read(text: str) -> T:
            try:
                return parse(text)
            except ValueError:
                raise argparse.ArgumentTypeError(f"{text!r} is not {what}") from None

        return read

    return decorate


@expected("a whole number of 1 or more")
def positive(text: str) -> int:
    """Parse a whole number of 1 or more."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"it must be 1 or more, not {text}")
    return int(text)


@expected("a number of seconds")
def seconds(text: str) -> float:
    """Parse a number of seconds from 0 up to a week."""
    if not 0 <= float(text) <= MOST_WAIT_S:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to {MOST_WAIT_S}")
    return float(text)


def add_variants(parser: Any) -> None:
    parser.add_argument(
        "--variants",
        default=DEFAULT_VARIANTS,
        metavar="PATTERN,…",
        help="ids of models/configs/ or patterns over them, such as 'pruned-*', separated by commas; '*' is "
        f"all (default: {DEFAULT_VARIANTS})",
    )
    add_dataset(parser)


def add_models(parser: argparse.ArgumentParser) -> None:
    """Add the options that `selection` reads, and the one that says where the models are prepared."""
    add_variants(parser)
    add_model_file(parser, "--variants")
    add_scheduler(parser)


def add_request(parser: argparse.ArgumentParser, variants: bool = True) -> None:
    """Add the options for models, board and engine.

    Without `variants`, the command has an argument for them.
    """
    if variants:
        add_models(parser)
    else:
        add_dataset(parser)
        add_model_file(parser)
    add_board(parser)
    add_engine(parser)


def add_model_file(parser: argparse.ArgumentParser, instead_of: str = "VARIANT") -> None:
    """Add the options of a model from elsewhere, measured in place of the named option or argument."""
    parser.add_argument(
        "--model", type=Path, metavar="FILE", help=f"measure this .tflite file instead of {instead_of}"
    )
    parser.add_argument(
        "--labels",
        metavar="A,B,…",
        help="labels of --model in the order of its outputs, such as silence,unknown,yes,no",
    )
    parser.add_argument(
        "--front-end",
        default="",
        metavar="NAME",
        help="front end of --model: micro (default), mfcc (of MLPerf Tiny's and Arm's models) or log_mel",
    )


def add_dataset(parser: Any) -> None:
    """Add the options for what variants learn from."""
    parser.add_argument(
        "--dataset",
        type=Path,
        metavar="FOLDER",
        help="dataset in the Speech Commands layout (default: a synthetic corpus, made once)",
    )
    parser.add_argument(
        "--voices",
        default="",
        choices=VOICES,
        help="voices that the variants learn from: synthetic ones, people of --dataset, or both; tested on "
        "--dataset (default: the variants' own, else --dataset alone, or the synthetic corpus without it)",
    )


def add_scheduler(parser: Any) -> None:
    parser.add_argument(
        "--scheduler",
        default="",
        metavar="ADDRESS",
        help="running Dask scheduler, such as tcp://host:8786, whose workers share EARSHOT_HOME or "
        "EARSHOT_STORE (default: the one of Dask's configuration, else processes of this machine)",
    )


def add_bench(parser: Any) -> None:
    parser.add_argument(
        "--bench",
        type=Path,
        metavar="FILE",
        help="bench file (default: $EARSHOT_BENCH, else bench.toml in the checkout)",
    )


def add_board(parser: Any) -> None:
    parser.add_argument(
        "--board",
        metavar="NAME",
        help=f"board of the bench file or kind of board, see `earshot boards` (default: {DEFAULT_BOARD}; "
        "with pytest -m hardware, the only attached board)",
    )
    add_bench(parser)
    parser.add_argument(
        "--port",
        default="",
        metavar="PORT",
        help="serial port, instead of searching for it: /dev/…, or with upload_command in the bench file "
        "socket://… or rfc2217://…",
    )
    parser.add_argument(
        "--wait",
        type=seconds,
        metavar="SECONDS",
        help="longest wait for a board that another process holds (default: the bench file's, else none)",
    )
    add_clock(parser)
    add_optimization(parser)


def add_clock(parser: Any) -> None:
    parser.add_argument(
        "--clock",
        default="",
        choices=["cycles", "instructions"],
        help="clock of the emulated board: modeled cycles (default) or instructions",
    )


def add_optimization(parser: Any) -> None:
    parser.add_argument(
        "--optimization",
        default="",
        choices=[level for level in get_args(Optimization) if level],
        help="the compiler's level for the whole image (default: the board's in the bench file, else Os, "
        "that of a stock sketch)",
    )


def add_engine(parser: Any) -> None:
    parser.add_argument(
        "--engine",
        default="",
        metavar="NAME",
        help="engine that runs the models (default: the board's in the bench file, else that of its kind)",
    )
    add_footprint(parser)


def add_footprint(parser: Any) -> None:
    parser.add_argument(
        "--footprint",
        default=FAST,
        choices=get_args(Footprint),
        help="kernels of the engine: fast (default), or small, which take less flash and RAM and more cycles",
    )


def add_output(parser: Any, default: Path = layout.NIGHTS, meaning: str = "folder of all runs") -> None:
    parser.add_argument(
        "--output",
        type=Path,
        default=default,
        metavar="FOLDER",
        help=f"{meaning} (default: {os.path.relpath(default, layout.ROOT)}/)",
    )


def check_output(folder: Path) -> None:
    """Check that a folder can be written into, whether it exists or not.

    Raises:
        UsageError: it is a file or in one, or may not be written.
    """
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(path))
    if not existing.is_dir():
        raise UsageError("--output is no folder", where=str(existing), remedy="Name a folder.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UsageError("--output may not be written", where=str(existing), remedy="Name another folder.")


def add_baselines(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--baselines",
        type=Path,
        default=layout.REPORTS / "baselines",
        metavar="FOLDER",
        help="accepted figures, one <board>.toml per board (default: reports/baselines/)",
    )


def add_recordings(parser: Any) -> None:
    parser.add_argument(
        "--recordings",
        type=Path,
        metavar="FOLDER",
        help="recordings to play: a folder with a manifest.csv, or your own <word>/*.wav "
        "(default: the bench file's, else recordings/)",
    )


def add_verbosity(parser: argparse.ArgumentParser) -> None:
    """Add -q and -v, without a default: that of a verb would replace what its command was given."""
    chosen = parser.add_mutually_exclusive_group()
    for name, level, shown in (
        ("quiet", Level.QUIET, "results, warnings and errors only"),
        ("verbose", Level.VERBOSE, "also the commands that are run, and where artifacts lie"),
    ):
        chosen.add_argument(
            f"-{name[0]}",
            f"--{name}",
            dest="verbosity",
            action="store_const",
            const=level,
            default=argparse.SUPPRESS,
            help=f"show {shown}",
        )


def add_open(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--open", action="store_true", help="open the report in a browser")


def show_page(page: Path, open_page: bool, title: str = "\nReport: ") -> None:
    """Print where a page is, and open it in a browser if wanted."""
    print(f"{title}{page}")
    if open_page:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())


def series(text: str) -> SeriesName:
    """Parse the name of a series.

    Raises:
        UsageError: the text is not the name of a series.
    """
    from harness.records.verdict import SeriesName

    try:
        return SeriesName.parse(text)
    except ValueError as problem:
        raise UsageError(str(problem), remedy="Copy it from a verdict or from `earshot compare`.") from None


def check_variants(arguments: argparse.Namespace) -> None:
    """Check that every named variant or pattern has a variant, before a command's slow imports.

    Raises:
        ConfigError: there is none.
    """
    if (pattern := getattr(arguments, "variants", "")) and not getattr(arguments, "model", None):
        Selection(pattern).variants()


def check_board(arguments: argparse.Namespace) -> None:
    """Check the bench file and the name of the board to build for, before a command's slow imports.

    Raises:
        UsageError, ConfigError: one is missing or invalid.
    """
    if {"board", "engine"} <= vars(arguments).keys():
        from harness.bench_file import find_bench
        from harness.boards.registry import find_entry

        find_entry(arguments.board or DEFAULT_BOARD, find_bench(arguments.bench))


def selection(arguments: argparse.Namespace, pattern: str = "") -> Selection:
    """Return the models chosen by the options of `add_models`, or by those of `add_model_file` and a pattern.

    Raises:
        UsageError: the options contradict each other.
    """
    labels = tuple(label.strip() for label in arguments.labels.split(",")) if arguments.labels else ()
    return Selection(
        pattern or arguments.variants,
        arguments.dataset,
        arguments.model,
        labels,
        arguments.front_end,
        arguments.voices,
    )
