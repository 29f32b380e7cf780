"""The `earshot` command: a thin layer over calls that library users can make."""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import io
import os
import pkgutil
import select
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import harness.commands
from harness import display, layout, options
from harness.errors import EXIT_BROKEN, EXIT_INCONCLUSIVE, EXIT_USAGE, EarshotError, UsageError
from harness.runs.interruption import sigterm_interrupts
from models import cluster
from models.errors import ClusterError, ModelError, meant
from models.progress import Level
from models.remote import RemoteFailed, check_address
from models.shared_store import VARIABLE as SHARED_STORE

_FEW_COMMANDS = 3
"""So many commands are named as those that an option belongs to."""

_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
_UNUSABLE = (*_READ_ONLY, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP)


def _is_of_cache(failure: OSError) -> bool:
    """Return whether the cache or a folder above it could not be made, or the cache is read-only.

    EISDIR comes from a file to be written whose path is a folder above the cache.
    """
    if not isinstance(failure.filename, str) or failure.errno == errno.EISDIR:
        return False
    path, root = Path(failure.filename).absolute(), layout.store_root().absolute()
    return root.is_relative_to(path) or (failure.errno in _READ_ONLY and path.is_relative_to(root))


class _Parser(argparse.ArgumentParser):
    """A parser that refuses arguments in one line, with the name that was probably meant."""

    def error(self, message: str) -> NoReturn:
        end = "" if message.endswith("?") else "."  # of a question what was meant
        self.exit(EXIT_USAGE, f"earshot: usage: {message}{end} See `{self.prog} --help`.\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as failure:
            failure.message += meant(str(value), map(str, action.choices or ()))
            raise

    def refuse(self, words: Sequence[str], commands: Mapping[str, _Parser]) -> NoReturn:
        """Refuse words that no option of this command takes."""
        message = f"unrecognized arguments: {' '.join(words)}"
        names = [word.partition("=")[0] for word in words if word.startswith("-")]
        for name in names:
            owners = [f"`{one.prog}`" for one in commands.values() if name in one._option_string_actions]
            if owners:
                few = len(owners) <= _FEW_COMMANDS
                message += f". {name} belongs to {' and '.join(owners) if few else 'other commands'}"
            else:
                message += meant(name, self._option_string_actions)
        if not names and any(action.dest == "variants" for action in self._actions):
            message += ". Separate several variants by commas"
        self.error(message)


def _parser() -> _Parser:
    """Return a parser with one command per module of harness/commands."""
    parser = _Parser(
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
        refuse = partial(sub.refuse, commands=commands.choices)
        sub.set_defaults(verbosity=Level.NORMAL, action=command.run, refuse=refuse)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code, see `harness.errors`."""
    sys.stdout = sys.stdout or io.TextIOWrapper(io.FileIO(os.devnull, "w"))  # closed by the shell: >&-
    sys.stderr = sys.stderr or io.TextIOWrapper(io.FileIO(os.devnull, "w"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # pytest and embedders have others
            stream.reconfigure(errors="backslashreplace")
    arguments, surplus = _parser().parse_known_args(argv)
    if surplus:
        arguments.refuse(surplus)
    progress = display.PlainDisplay(arguments.verbosity)
    try:
        with (
            sigterm_interrupts(),
            display.shown(arguments.verbosity) as progress,
            cluster.scheduler(getattr(arguments, "scheduler", ""), layout.store_root),
        ):
            _check_names(arguments)
            if address := os.environ.get(SHARED_STORE):
                check_address(address)
            options.check_variants(arguments)
            options.check_board(arguments)
            if isinstance(output := getattr(arguments, "output", None), Path):
                options.check_output(output)
            code: int = arguments.action(arguments)
            sys.stdout.flush()
            return code
    except BrokenPipeError:
        if not _reader_left():
            raise
        _discard_output()
        return EXIT_INCONCLUSIVE
    except EarshotError as failure:
        _complain(str(failure))
        return failure.exit_code
    except ModelError as failure:
        _complain(str(failure))
        return EXIT_BROKEN if isinstance(failure, (ClusterError, RemoteFailed)) else EXIT_USAGE
    except OSError as failure:
        if failure.filename is None and _output_fails():
            _discard_output()
            _complain(
                f"the results cannot be written to the standard output: {failure.strerror}. Redirect it to "
                "another file. What was measured so far is kept."
            )
        elif layout.is_disk_full(failure):
            place, remedy = layout.full_disk(failure, _output(arguments))
            _complain(f"the disk is full ({place}). {remedy} What was measured so far is kept.")
        elif _is_of_cache(failure):
            _complain(
                f"the cache of artifacts cannot be written: {failure.strerror} ({layout.store_root()}). "
                "Point EARSHOT_HOME at a folder that can be written."
            )
        elif failure.errno in _UNUSABLE and isinstance(failure.filename, str):
            _complain(f"{failure.filename} cannot be used: {failure.strerror}. Choose another.")
        elif failure.errno is not None:
            named = "" if failure.filename is None else f" ({_shown(failure.filename)})"
            _complain(f"the system refused a step: {failure.strerror}{named}. Correct that and try again.")
        else:
            raise
        return EXIT_BROKEN
    except MemoryError as failure:
        _complain(
            f"the memory is used up: {failure or 'none is left'}. End other programs, or raise the limit of "
            "Earshot's memory."
        )
        return EXIT_BROKEN
    except KeyboardInterrupt as stop:
        again = f" It starts again: {', '.join(names)}." if (names := progress.unfinished()) else ""
        without_run = (
            f"No run had begun that could be resumed; call the same command again.{again} What was trained, "
            "built or measured on the emulated board before is taken from the cache."
        )
        _complain(" ".join(["interrupted.", *getattr(stop, "__notes__", [without_run])]))
        return EXIT_INCONCLUSIVE


def _check_names(arguments: argparse.Namespace) -> None:
    """Refuse names that are no text, which records and the libraries for sound and models cannot hold.

    Raises:
        UsageError: there is one.
    """
    for value in (layout.ROOT, layout.store_root(), *vars(arguments).values()):
        for name in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(name, (str, Path)) and any("\ud800" <= letter <= "\udfff" for letter in str(name)):
                encoding = sys.getfilesystemencoding()
                remedy = "Rename it." if encoding == "utf-8" else "Set PYTHONUTF8=1."
                raise UsageError(f"a name is not {encoding.upper()}", where=str(name), remedy=remedy)


def _output(arguments: argparse.Namespace) -> Path | None:
    """Return the folder that a command writes into; `resume` and `field --read` write where a run is."""
    named = (getattr(arguments, name, None) for name in ("read", "run", "output"))
    return next((path for path in named if isinstance(path, Path)), None)


def _reader_left() -> bool:
    """Return whether nobody reads the standard output any more, such as `head` after its last line."""
    waiting = select.poll()
    waiting.register(sys.stdout, 0)
    return any(events & select.POLLERR for _, events in waiting.poll(0))


def _shown(name: object) -> str:
    """Return the name of a file, which Python also gives as bytes or as a number."""
    return os.fsdecode(name) if isinstance(name, (str, bytes)) else f"file {name}"


def _output_fails() -> bool:
    """Return whether the standard output takes nothing more, such as a file on a full disk."""
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError:
        return True
    return False


def _discard_output() -> None:
    """Discard what the standard output has not taken: Python flushes once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(text: str) -> None:
    with contextlib.suppress(OSError):  # the exit code says that something failed
        print(f"earshot: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
