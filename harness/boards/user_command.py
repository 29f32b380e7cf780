"""Commands of the bench file: a board's own upload and its recovery, by whatever tools the bench has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.bench_file import fill
from harness.errors import UploadFailed
from harness.link.deadline import Deadline
from harness.processes.command import run

_TAIL_CHARACTERS = 2000
_NOT_FOUND = (126, 127)  # of the shell: the program does not exist, or cannot be run


def run_command(
    key: str,
    command: str,
    values: Mapping[str, str],
    limit_s: float,
    folder: Path,
    environment: Mapping[str, str],
) -> None:
    """Run a shell command of the bench file; no process of its session outlives it.

    Args:
        key: of the bench file, for messages.
        values: of the placeholders.
        folder: working folder.

    Raises:
        UploadFailed: the command cannot be started, failed, or was killed at the time limit.
    """
    line = fill(command, values)
    try:
        ended = run(["sh", "-c", line], Deadline(limit_s), environment, folder)
    except OSError as problem:
        raise UploadFailed(
            f"{key} cannot be run", command=line, stderr_tail=str(problem), remedy="Install a shell, `sh`."
        ) from problem
    if ended.status == 0:
        return
    what, remedy = f"{key} failed", "Try the command by hand, and correct it in the bench file."
    if ended.cut_off:
        what = f"{key} was killed: it {ended.cut_off}"
        remedy = "Try the command by hand; if it needs longer, raise upload_timeout_s in the bench file."
    elif ended.status in _NOT_FOUND:
        what = f"{key} names a program that cannot be run"
    tail = (ended.stderr.strip() or ended.stdout.strip())[-_TAIL_CHARACTERS:]
    raise UploadFailed(what, command=line, returncode=ended.status, stderr_tail=tail, remedy=remedy)
