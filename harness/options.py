"""What several commands take: models, board, bench file and engine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.runs.selection import Selection

DEFAULT_VARIANTS = "tinyconv-*"
"""What is benched where nobody chooses: the first light. "*" is the whole family."""

DEFAULT_BOARD = "emulated"


def say(line: str) -> None:
    """Tells the user of a step; stdout is for results."""
    print(line, file=sys.stderr, flush=True)


def jobs(text: str) -> int:
    """A number of things to be done at a time, as an argument."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def add_models(parser: argparse.ArgumentParser) -> None:
    """Adds the options that choose models; `selection` reads them."""
    parser.add_argument(
        "--variants",
        default=DEFAULT_VARIANTS,
        metavar="PATTERN",
        help=f"which of models/configs/ by id, such as 'pruned-*' or '*' (default: {DEFAULT_VARIANTS})",
    )
    add_dataset(parser)
    parser.add_argument(
        "--model", type=Path, metavar="FILE", help="bench this .tflite instead of the variants"
    )
    parser.add_argument(
        "--labels",
        metavar="A,B,…",
        help="the labels of --model in the order of its outputs, such as silence,unknown,yes,no",
    )


def add_dataset(parser: argparse.ArgumentParser) -> None:
    """Adds the option that chooses what networks learn from and are measured with."""
    parser.add_argument(
        "--dataset",
        type=Path,
        metavar="FOLDER",
        help="a dataset in the Speech Commands layout (default: a synthetic corpus, made once)",
    )


def add_bench(parser: argparse.ArgumentParser) -> None:
    """Adds the option that chooses the bench file."""
    parser.add_argument(
        "--bench",
        type=Path,
        metavar="FILE",
        help="what stands on the bench (default: $EARSHOT_BENCH, or else bench.toml in the checkout)",
    )


def add_board(parser: argparse.ArgumentParser) -> None:
    """Adds the options that choose a board."""
    parser.add_argument(
        "--board",
        metavar="NAME",
        help=f"of the bench file's, or a kind of board; see `earshot boards` (default: {DEFAULT_BOARD})",
    )
    add_bench(parser)
    parser.add_argument(
        "--port",
        default="",
        metavar="PORT",
        help="where the board's serial port is, instead of finding it: /dev/…, socket://…, rfc2217://…",
    )


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Adds the option that chooses an engine."""
    parser.add_argument(
        "--engine",
        default="",
        metavar="NAME",
        help="what runs the model (default: the board's in the bench file, or else its kind's)",
    )


def selection(arguments: argparse.Namespace) -> Selection:
    """The models that `add_models`' options chose.

    Raises:
        UsageError: they contradict each other.
    """
    from harness.runs.selection import Selection

    labels = tuple(label.strip() for label in arguments.labels.split(",")) if arguments.labels else ()
    return Selection(
        pattern=arguments.variants, dataset=arguments.dataset, model_file=arguments.model, labels=labels
    )
