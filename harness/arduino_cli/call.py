"""One call of arduino-cli: its environment, its end, and its JSON or the trouble with it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.arduino_cli import answers, failures
from harness.arduino_cli.failures import Trouble
from harness.arduino_cli.process import Finished, run
from harness.link.deadline import Deadline

_ENVIRONMENT = {
    "ARDUINO_LOCALE": "en",
    "CI": "1",  # no question, no update check
    "ARDUINO_UPDATER_ENABLE_NOTIFICATION": "false",
    "ARDUINO_NETWORK_CLOUD_API_SKIP_BOARD_DETECTION_CALLS": "true",  # an unknown USB id stalls offline
    "ARDUINO_NETWORK_CONNECTION_TIMEOUT": "5s",
    "LC_ALL": "C",  # compiler and linker speak English, whatever the user's terminal does (too_large.py)
}


def call(
    command: str, arguments: Sequence[str], deadline: Deadline, build_cache: Path | None
) -> Any | Trouble:
    """Runs arduino-cli, in the root folder: a sketch.yaml where it runs would have a say.

    Args:
        command: path or name of arduino-cli.
        arguments: verb and options, paths absolute, with the option that asks for JSON.
        deadline: when to kill it.
        build_cache: where compiled cores are kept; None for arduino-cli's own place.

    Returns:
        The answer: what was on stdout, parsed; None if it was silent and ended with status 0. A compilation
        that failed answers on stdout as well. Everything else that went wrong is a `Trouble`.
    """
    line = shlex.join([command, *arguments])
    path = shutil.which(command)
    if path is None:
        return failures.missing(line)
    environment = quiet_environment()
    if build_cache:
        environment["ARDUINO_BUILD_CACHE_PATH"] = str(build_cache.resolve())
    try:
        ended = run([str(Path(path).absolute()), *arguments], deadline, environment, Path("/"))
    except OSError as problem:
        return failures.not_startable(line, str(problem))
    if ended.cut_off == "timeout":
        return failures.hung(line, deadline.seconds, ended.stderr)
    if ended.cut_off:
        return failures.flooded(line, ended.stderr)
    return _answer(line, ended)


def quiet_environment() -> dict[str, str]:
    """This process's environment, with arduino-cli told to speak English and to leave the network alone."""
    return os.environ | _ENVIRONMENT


def _answer(line: str, ended: Finished) -> Any | Trouble:
    answer = _json(ended.stdout)
    if ended.status == 0 and (answer is not None or not ended.stdout.strip()):
        return answer
    if isinstance(answer, dict) and "success" in answer:
        return answer
    for report in (_json(ended.stderr), answer):
        if sentence := answers.error(report):
            said = [sentence, answers.error_output(report), *answers.warnings(report)]
            return failures.failed(line, ended.status, "\n".join(filter(None, said)))
    return failures.crashed(line, ended.status, ended.stderr.strip() or ended.stdout)


def _json(text: str) -> Any:
    """The document that a stream consists of; None if it is something else."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
