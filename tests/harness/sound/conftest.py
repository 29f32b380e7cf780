from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pulse import RATE_HZ, NullSink, null_sink

from harness.errors import SoundGap

_MOST_PLAYBACKS = 5
_LONGEST_S = 60.0  # of an answer; seconds on an idle machine


class SoundChild:
    """A process of `sound_child.py` that is connected to a sound system."""

    def __init__(self, sink: NullSink) -> None:
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("sound_child.py")],
            env=os.environ | sink.environment | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.answer()  # before a test starts a sound: the child's imports may take long

    def send(self, *call: str) -> None:
        self.process.stdin.write(json.dumps(call) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict:
        assert select.select([self.process.stdout], [], [], _LONGEST_S)[0]
        return json.loads(self.process.stdout.readline())

    def __call__(self, *call: str) -> dict:
        self.send(*call)
        return self.answer()

    def heard(self, sink: NullSink, *call: str) -> tuple[dict, np.ndarray]:
        """Return the answer to a call that plays, and its sound; repeat it if this host was late for it."""
        for _ in range(_MOST_PLAYBACKS):
            with sink.listening() as blocks:
                answer = self(*call)
            if answer.get("problem") != SoundGap.__name__:
                break
        return answer, np.concatenate(blocks)


@contextlib.contextmanager
def started(sink: NullSink) -> Iterator[SoundChild]:
    child = SoundChild(sink)
    try:
        yield child
    finally:
        child.process.kill()
        child.process.communicate()


@pytest.fixture(scope="module")
def sink() -> Iterator[NullSink]:
    with null_sink(RATE_HZ) as running:
        yield running


@pytest.fixture(scope="module")
def child(sink) -> Iterator[SoundChild]:
    with started(sink) as running:
        yield running


@pytest.fixture
def vanishing() -> Iterator[tuple[NullSink, SoundChild]]:
    """A sound system to close, and a child connected to it."""
    with null_sink(RATE_HZ) as running, started(running) as child:
        yield running, child
