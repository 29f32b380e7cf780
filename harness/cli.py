"""The `earshot` command: a thin layer over calls that library users can make."""

from __future__ import annotations

import argparse
import errno
import importlib
import pkgutil
import sys
from collections.abc import Sequence

import harness.commands
from harness import display, layout, options
from harness.errors import EXIT_BROKEN, EXIT_INCONCLUSIVE, EXIT_USAGE, EarshotError
from harness.runs.interruption import sigterm_interrupts
from models.errors import ModelError


def _parser() -> argparse.ArgumentParser:
    """Return a parser with one command per module of harness/commands."""
    parser = argparse.ArgumentParser(
        prog="earshot",
        description="Benchmark keyword spotters on a microcontroller board, real or emulated.",
        epilog="Exit codes: 0 clean, 2 wrong usage, 3 a figure regressed or changed, 4 broken or missing "
        "hardware or tools, 5 inconclusive.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for found in pkgutil.iter_modules(harness.commands.__path__):
        command = importlib.import_module(f"{harness.commands.__name__}.{found.name}")
        sub = commands.add_parser(found.name, help=command.SUMMARY, description=command.SUMMARY)
        command.add_options(sub)
        options.add_verbosity(sub)
        sub.set_defaults(action=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code, see `harness.errors`."""
    arguments = _parser().parse_args(argv)
    try:
        with sigterm_interrupts(), display.shown(arguments.verbosity):
            return arguments.action(arguments)
    except EarshotError as failure:
        _complain(str(failure))
        return failure.exit_code
    except ModelError as failure:
        _complain(str(failure))
        return EXIT_USAGE
    except OSError as failure:
        if failure.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _complain(
            f"the disk is full ({failure.filename or layout.store_root()}). "
            "Free some space, or point EARSHOT_HOME at another disk. What was measured so far is kept."
        )
        return EXIT_BROKEN
    except KeyboardInterrupt:
        _complain(
            "interrupted. What was measured so far is kept: continue a run with `earshot resume`, "
            "anything else with the same command."
        )
        return EXIT_INCONCLUSIVE


def _complain(text: str) -> None:
    print(f"earshot: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
