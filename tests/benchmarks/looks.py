"""Looks for one of two attached boards through a real arduino-cli, under load of its own.

    PYTHONPATH=tests python -m benchmarks.looks [--looks N]

Only arduino-cli lists the boards, since they are emulated; on USB, pyserial finds a board first. A look makes
the calls that the search for a board makes before it gives up. The exit code is 1 if a look misses its board
or takes the other one.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from plugged_desk import Desk
from rehearsal.real_cli import find_real, offline
from started import dies_with_its_parent

from harness.arduino_cli.answers import DetectedPort
from harness.arduino_cli.cli import ArduinoCli
from harness.boards.plugged.control import ask
from harness.boards.port_search import Sought, wait_for_port
from harness.errors import BoardNotFound
from harness.firmware.arduino_platform import FQBN, install
from harness.link.deadline import Deadline

BOARDS = ("LEFT", "RIGHT")
LOOPS_PER_PROCESSOR = 2


@contextlib.contextmanager
def load() -> Iterator[int]:
    """Keep the processors busy; yield the number of loops that do so."""
    command = [*dies_with_its_parent(), sys.executable, "-c", "while True: pass"]
    loops = [subprocess.Popen(command) for _ in range(LOOPS_PER_PROCESSOR * (os.cpu_count() or 1))]
    try:
        yield len(loops)
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def look(program: str, desk: Desk, looks: int) -> int:
    """Look for the boards in turn, and print and return how many looks went wrong."""
    addresses = {number: str(ask(desk.board(number), do="state")["port"]) for number in BOARDS}
    cli = ArduinoCli(program)
    calls = left_out = missed = taken = 0

    def list_ports() -> list[DetectedPort]:
        nonlocal calls, left_out
        calls += 1
        ports = cli.detected_ports()
        left_out += not set(addresses.values()) <= {port.address for port in ports}
        return ports

    chance = random.Random(0)
    with load() as loops:
        begin = time.monotonic()
        for _ in range(looks):
            number = chance.choice(BOARDS)
            sought = Sought("emulated board", FQBN, (), serial_number=number)
            try:
                taken += wait_for_port(sought, list_ports, Deadline(0)).address != addresses[number]
            except BoardNotFound:
                missed += 1
        seconds = time.monotonic() - begin
    print(f"{looks} looks beside {loops} busy loops: {missed} missed their board, {taken} took the other one")
    print(f"{left_out} of {calls} calls of arduino-cli left a board out; {seconds / looks:.1f} s a look")
    return missed + taken


def main() -> int:
    """Plug two boards in and look for them; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looks", type=int, default=20)
    looks = parser.parse_args().looks
    program = find_real()
    if program is None:
        print("no real arduino-cli: put one on the PATH, or name it with EARSHOT_ARDUINO_CLI")
        return 0
    desk = Desk()
    try:
        with tempfile.TemporaryDirectory() as folder:
            environment = desk.environment | offline(Path(folder) / "arduino")
            environment |= {"EARSHOT_EMULATED": desk.environment["EARSHOT_EMULATED"]}
            install(Path(environment["ARDUINO_DIRECTORIES_USER"]))
            for number in BOARDS:
                desk.plug_in("--serial-number", number)
            with patch.dict(os.environ, environment):
                return bool(look(program, desk, looks))
    finally:
        desk.close()


if __name__ == "__main__":
    sys.exit(main())
