"""Requests to the board process: one JSON object there and one back over a socket in its folder."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

SOCKET = "control"
_ANSWER_S = 60.0  # an upload takes half a second on an idle machine


class BoardGone(RuntimeError):
    """A board process that does not answer, or that says why it cannot."""


def ask(state: Path, **request: Any) -> dict[str, Any]:
    """Send a request and return the answer.

    Args:
        state: the folder of the board process.
        request: `do` and what belongs to it; see `board_process`.
    """
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(_ANSWER_S)
        try:
            line.connect(str(state / SOCKET))
            line.sendall(json.dumps(request).encode() + b"\n")
            answer = line.makefile("rb").readline()
        except OSError as problem:
            raise BoardGone(f"the board process does not answer: {problem}") from problem
    if not answer:
        raise BoardGone("the board process ended meanwhile; its log is beside its socket")
    said = json.loads(answer)
    if "error" in said:
        raise BoardGone(said["error"])
    return said
