"""Fuzzing of everything that users give to Earshot: `python -m benchmarks.fuzz --cases 1000`.

Each case is a real input with random damage. A command takes it in a process of its own, with limits on
memory and processor time. It must succeed, or refuse the input in one line. Any other input is kept, with its
output.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NoReturn

from harness.errors import EXIT_BROKEN

_MEMORY_BYTES = 2 << 30  # beyond what the process has before the case
_PROCESSOR_S, _LONGEST_S = 30, 3600  # of a case; the second ends one that waits, on a busy machine too
_LINE_CHARACTERS = 2000
_RESULTS, _REFUSALS = (0, 3, 5), (2, 4)

Mutate = Callable[[bytes, Random], bytes]
Take = Callable[[Path], int]


@dataclass(frozen=True)
class Input:
    """A real input.

    Attributes:
        name: of its file; may be in folders.
        data: its content.
        mutate: damages it.
        take: passes the folder with the damaged file to a command, and returns its exit status.
    """

    name: str
    data: bytes
    mutate: Mutate
    take: Take


def run_case(case: Input, folder: Path) -> str:
    """Let a command take the file of a case in `folder`.

    Returns:
        What is wrong with the outcome; "" if nothing is.
    """
    output, errors = folder.with_suffix(".out"), folder.with_suffix(".err")
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        _take(case, folder, output, errors)
    _, state = os.waitpid(child, 0)
    told = errors.read_text(errors="replace")
    if os.WIFSIGNALED(state):
        return f"ended by {signal.Signals(os.WTERMSIG(state)).name}"
    status = os.waitstatus_to_exitcode(state)
    if "Traceback" in told:
        return told.strip().splitlines()[-1][:200]
    lines = [line for line in told.splitlines() if line.startswith("earshot: ")]
    refused = status in _REFUSALS and len(lines) == 1 and len(lines[0]) <= _LINE_CHARACTERS
    # A comparison with a record of two images ends in a verdict of 4.
    result = status in _RESULTS or (status == EXIT_BROKEN and " broken" in output.read_text(errors="replace"))
    if refused or (result and not lines):
        return ""
    return f"status {status} with {len(lines)} lines of error, {max(map(len, lines), default=0)} characters"


def _take(case: Input, folder: Path, output: Path, errors: Path) -> NoReturn:
    """Run a case in the forked process, and end it."""
    status = 1
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + _MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR_S, _PROCESSOR_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(_LONGEST_S)
    with output.open("w") as out, errors.open("w") as err:
        os.dup2(out.fileno(), 1)  # C++ libraries write there
        os.dup2(err.fileno(), 2)
        with redirect_stdout(out), redirect_stderr(err):
            try:
                status = case.take(folder)
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 1
            except BaseException:
                traceback.print_exc()
    os._exit(status)


def fuzz(kinds: Sequence[str], cases: int, seed: int, kept: Path) -> Iterator[tuple[str, Counter[str]]]:
    """Run cases of each kind; yield the kind and how many cases there were for each outcome.

    Args:
        cases: of each kind.
        seed: the same seed gives the same cases.
        kept: receives each input with a wrong outcome, and its output.
    """
    from benchmarks.fuzz_inputs import KINDS

    with tempfile.TemporaryDirectory(prefix="earshot-fuzz-") as scratch:
        os.environ["EARSHOT_HOME"] = f"{scratch}/home"
        for kind in kinds:
            inputs = KINDS[kind](Path(scratch) / "inputs" / kind)
            outcomes: Counter[str] = Counter()
            for number in range(cases):
                random = Random(f"{seed} {kind} {number}")
                case = random.choice(inputs)
                folder = Path(scratch) / f"{kind}-{seed}-{number}"
                file = folder / case.name
                file.parent.mkdir(parents=True)
                file.write_bytes(case.mutate(case.data, random))
                wrong = run_case(case, folder)
                outcomes[wrong] += 1
                if wrong:
                    kept.mkdir(parents=True, exist_ok=True)
                    for path in Path(scratch).glob(f"{folder.name}*"):
                        shutil.move(path, kept / path.name)
                    print(f"{kept / folder.name / case.name}: {wrong}", flush=True)
                else:
                    shutil.rmtree(folder)
            yield kind, outcomes


def main(argv: Sequence[str] | None = None) -> int:
    from benchmarks.fuzz_inputs import KINDS

    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument(
        "--cases", type=int, default=25, metavar="N", help="of each kind (default: %(default)s)"
    )
    parser.add_argument(
        "--kind", choices=list(KINDS), action="append", help="repeatable (default: all kinds)"
    )
    parser.add_argument("--seed", type=int, help="of the cases (default: a new one)")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(tempfile.gettempdir()) / "earshot-fuzz",
        metavar="FOLDER",
        help="receives the inputs with a wrong outcome (default: %(default)s)",
    )
    options = parser.parse_args(argv)
    seed = Random().randrange(1 << 32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    wrong = 0
    for kind, outcomes in fuzz(options.kind or list(KINDS), options.cases, seed, options.output):
        found = outcomes.total() - outcomes[""]
        print(f"{kind:<9} {outcomes.total():>6} cases, {found} with a wrong outcome", flush=True)
        wrong += found
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
