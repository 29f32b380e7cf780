"""Requests to a plugged-in board: one JSON object there and one back over a socket in its folder.

The platform's tools (sketches/arduino_platform/tools/board.py) speak the same, without Earshot's packages.
"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

from harness.errors import BoardNotFound

SOCKET = "control"
FOLDER_VARIABLE = "EARSHOT_EMULATED"
_ANSWER_S = 60.0  # an upload takes half a second on an idle machine


def boards_folder() -> Path:
    """Return the folder with a folder for each plugged-in board: $EARSHOT_EMULATED, or this user's own.

    A socket's path may have 107 bytes.
    """
    from models.decoding import user_path  # here: `ask` needs none of its packages

    if folder := os.environ.get(FOLDER_VARIABLE):
        return user_path(folder)
    run = Path(f"/run/user/{os.getuid()}")
    return run / "earshot" if run.is_dir() else Path(f"/tmp/earshot-{os.getuid()}")


def ask(board: Path, /, **request: Any) -> dict[str, Any]:
    """Send a request and return the answer.

    Args:
        board: the folder of the board.
        request: `do` and what belongs to it; see `process`.

    Raises:
        BoardNotFound: the board does not answer, or says why it cannot.
    """
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(_ANSWER_S)
        try:
            line.connect(str(board / SOCKET))
            line.sendall(json.dumps(request).encode() + b"\n")
            answer = line.makefile("rb").readline()
        except OSError as problem:
            raise BoardNotFound("no emulated board is plugged in", where=f"{board}: {problem}") from problem
    if not answer:
        raise BoardNotFound("the emulated board was unplugged meanwhile", where=str(board))
    said: dict[str, Any] = json.loads(answer)
    if "error" in said:
        raise BoardNotFound(said["error"])
    return said
