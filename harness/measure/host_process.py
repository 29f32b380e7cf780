"""Timing on the host in a process of its own, which imports torch while this process does other work."""

from __future__ import annotations

import signal
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import EarshotError
from harness.records.record import HostRow

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact


class HostProcess:
    """A process for `harness.measure.host.time_host`; leave its context to end it.

    The import of torch takes two seconds, which a second core spends meanwhile.
    """

    def __init__(self) -> None:
        spawning = get_context("spawn")  # torch has threads that do not survive a fork
        self._connection, theirs = spawning.Pipe()
        self._process = spawning.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> HostProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()

    def time_host(
        self, model: ModelArtifact, model_input: np.ndarray, board_output: np.ndarray | None = None
    ) -> list[HostRow]:
        """Time a model; see `harness.measure.host.time_host`.

        Raises:
            EarshotError: the process was killed.
        """
        try:
            self._connection.send((model, model_input, board_output))
            answer: list[HostRow] | BaseException = self._connection.recv()
        except (EOFError, OSError):
            raise EarshotError(
                "the process that times the host was killed", remedy="Free some memory and run again."
            ) from None
        if isinstance(answer, BaseException):
            raise answer
        return answer


def _serve(connection: Connection) -> None:
    """Time what the other process sends until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both: the other process ends this one
    from harness.measure.host import time_host

    while True:
        try:
            given = connection.recv()
        except EOFError:
            return
        try:
            connection.send(time_host(*given))
        except Exception as problem:
            connection.send(problem)
