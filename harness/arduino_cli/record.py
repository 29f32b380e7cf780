"""Records what arduino-cli answers on this machine, as examples for tests."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from harness.arduino_cli.call import quiet_environment
from harness.arduino_cli.cli import COMMAND_VARIABLE, COMPILE_S
from harness.arduino_cli.process import run
from harness.link.deadline import Deadline

_CALLS = {
    "version": ["version"],
    "board_list": ["board", "list"],
    "config_get_directories_data": ["config", "get", "directories.data"],
    "core_list": ["core", "list"],
    "lib_list": ["lib", "list"],
    "error_bad_argument": ["compile", "--fqbn", "nano33ble", "."],
    "error_not_found": ["core", "install", "arduino:mbed_nano@9.9.9"],
}


def main() -> None:
    """Writes one file for each answer, byte for byte, whichever stream it came on."""
    parser = argparse.ArgumentParser(prog="python -m harness.arduino_cli.record", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the answers go")
    parser.add_argument("--sketch", help="compile this sketch as well; a full path")
    parser.add_argument("--fqbn", help="for that board")
    parser.add_argument("--port", help="and upload it to the board at this port")
    arguments = parser.parse_args()
    calls = dict(_CALLS)
    if arguments.sketch:
        calls["compile"] = ["compile", "--fqbn", arguments.fqbn, arguments.sketch]
    if arguments.port:
        calls["upload"] = ["upload", "--fqbn", arguments.fqbn, "--port", arguments.port, arguments.sketch]
    command = os.environ.get(COMMAND_VARIABLE) or "arduino-cli"
    for name, call in calls.items():
        ended = run([command, *call, "--json"], Deadline(COMPILE_S), quiet_environment(), Path("/"))
        (arguments.folder / f"{name}.json").write_text(ended.stdout or ended.stderr)
        print(f"{name}: status {ended.status}, on {'stdout' if ended.stdout else 'stderr'}")


if __name__ == "__main__":
    main()
