"""One call of arduino-cli: its environment, its end, and its JSON or the trouble with it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.arduino import answers, failures
from harness.arduino.failures import Trouble
from harness.arduino.process import Finished, run
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
    command: str,
    arguments: Sequence[str],
    deadline: Deadline,
    *,
    folder: Path,
    build_cache: Path | None = None,
) -> Any | Trouble:
    """Runs arduino-cli with `--json`.

    Args:
        command: path or name of arduino-cli.
        arguments: verb and options, without `--json`.
        deadline: when to kill it.
        folder: to run in; a sketch.yaml there would have a say.
        build_cache: where compiled cores are kept; None for arduino-cli's own place.

    Returns:
        The answer: what was on stdout, parsed; None if it was silent and ended with status 0. A compilation
        that failed answers on stdout as well. Everything else that went wrong is a `Trouble`.
    """
    line = shlex.join([command, *arguments, "--json"])
    path = shutil.which(command)
    if path is None:
        return failures.missing(line)
    environment = os.environ | _ENVIRONMENT
    if build_cache:
        environment["ARDUINO_BUILD_CACHE_PATH"] = str(build_cache)
    try:
        ended = run([path, *arguments, "--json"], deadline, environment, folder)
    except OSError as problem:
        return failures.not_startable(line, str(problem))
    if ended.cut_off == "timeout":
        return failures.hung(line, deadline.seconds, ended.stderr)
    if ended.cut_off:
        return failures.flooded(line, ended.stderr)
    return _answer(line, ended)


def _answer(line: str, ended: Finished) -> Any | Trouble:
    answer = _json(ended.stdout)
    if ended.status == 0:
        silent = not ended.stdout.strip()
        return answer if silent or answer is not None else failures.crashed(line, ended)
    if isinstance(answer, dict) and "success" in answer:
        return answer
    for answer in (_json(ended.stderr), answer):
        if sentence := answers.error(answer):
            said = [sentence, answers.error_output(answer), *answers.warnings(answer)]
            return failures.failed(line, ended.status, "\n".join(filter(None, said)))
    return failures.crashed(line, ended)


def _json(text: str) -> Any:
    """The document in what a stream said; None if there is none."""
    try:
        return json.loads(text)
    except ValueError:  # RecursionError of hostile nesting is one of CPython's own limits
        return None
