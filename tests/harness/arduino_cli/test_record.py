from __future__ import annotations

import os
import subprocess
import sys

from cli_stand_in import recorded

ANSWERS = {
    "version": "version",
    "board list": "board_list",
    "config get directories.data": "config_get_directories_data",
    "core list": "core_list",
    "lib list": "lib_list",
    "compile": "compile",
    "upload": "upload",
}


def test_answers_are_recorded_byte_for_byte_from_either_stream(stand_in, tmp_path):
    for verb, name in ANSWERS.items():
        stand_in.answers(verb, recorded(name))
    stand_in.answers("core install", stderr=recorded("error_not_found"), status=1)
    command = [sys.executable, "-m", "harness.arduino_cli.record", str(tmp_path)]
    options = ["--sketch", "/sketch", "--fqbn", "a:b:c", "--port", "/dev/ttyACM0"]
    environment = os.environ | {"EARSHOT_ARDUINO_CLI": stand_in.command}
    subprocess.run([*command, *options], check=True, env=environment)
    for name in (*ANSWERS.values(), "error_not_found"):
        assert (tmp_path / f"{name}.json").read_text() == recorded(name)
