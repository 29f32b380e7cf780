"""A private PulseAudio for tests, whose only output is a null sink.

Child processes play into and record from the PortAudio device "pulse". PortAudio lists the devices once per
process, so players and recorders must be children, with `environment` added to theirs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from started import dies_with_its_parent

SINK = "earshot"
DEVICE = "pulse"
"""PortAudio's name of the sound system."""

RATE_HZ = 16_000
_START_S = 120.0  # takes 0.2 s on an idle machine
_QUIET_BLOCKS = 25  # of 20 ms: after so many the monitor delivers nothing more of a player's sound
_ENDING_S = 60.0  # for a killed process


@dataclass
class NullSink:
    """A running sound system.

    Attributes:
        environment: variables that connect a child process to it.
        daemon: the sound system's process.
    """

    environment: dict[str, str]
    daemon: subprocess.Popen[bytes]
    _clients: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def open_capture(self) -> subprocess.Popen[bytes]:
        """Start a process whose stdout is the played sound: raw int16, mono, 16 kHz, in real time.

        It listens when this returns, until the sound system ends or `end` is called.
        """
        parec = self._client("parec", f"--device={SINK}.monitor", "--latency-msec=20")
        assert parec.stdout is not None
        parec.stdout.read(2)  # the monitor delivers silence from the beginning
        return parec

    def capture(self, seconds: float) -> np.ndarray:
        """Capture the sound of the next seconds: int16 (N,) at 16 kHz."""
        parec = self.open_capture()
        assert parec.stdout is not None
        sound = parec.stdout.read(round(seconds * RATE_HZ) * 2)
        self.end(parec)
        return np.frombuffer(sound, "<i2")

    @contextlib.contextmanager
    def listening(self) -> Iterator[list[np.ndarray]]:
        """Capture all sound within the context as a list of int16 blocks, complete at its end."""
        blocks: list[np.ndarray] = []
        parec = self.open_capture()
        stdout = parec.stdout
        assert stdout is not None

        def collect() -> None:
            while data := stdout.read(RATE_HZ // 50 * 2):
                blocks.append(np.frombuffer(data[: len(data) // 2 * 2], "<i2"))

        collector = threading.Thread(target=collect, daemon=True)
        collector.start()
        try:
            yield blocks
            ended = len(blocks)
            while collector.is_alive() and (
                len(blocks) < ended + _QUIET_BLOCKS or np.any(blocks[-_QUIET_BLOCKS:])
            ):
                time.sleep(0.02)
        finally:
            parec.kill()
            collector.join()
            self.end(parec)

    def play(self, samples: np.ndarray) -> subprocess.Popen[bytes]:
        """Start playing int16 samples (N,) at 16 kHz into the sink."""
        handle, name = tempfile.mkstemp(dir=self.environment["PULSE_STATE_PATH"], suffix=".pcm")
        with os.fdopen(handle, "wb") as stream:
            stream.write(samples.astype("<i2").tobytes())
        return self._client("pacat", f"--device={SINK}", "--playback", "--latency-msec=100", name)

    def end(self, client: subprocess.Popen[bytes]) -> None:
        """End a client before the sound system ends."""
        _end(client)
        self._clients.remove(client)

    def close(self) -> None:
        for process in [*self._clients, self.daemon]:
            _end(process)
        self._clients.clear()

    def _client(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        raw = ("--raw", "--format=s16le", f"--rate={RATE_HZ}", "--channels=1")
        client = subprocess.Popen(
            [*dies_with_its_parent(), program, *raw, *arguments],
            env=os.environ | self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._clients.append(client)
        return client


@contextlib.contextmanager
def null_sink(rate_hz: int = 48_000) -> Iterator[NullSink]:
    """Start a sound system for the length of a test; skip the test without PulseAudio.

    Args:
        rate_hz: rate of the sink.
    """
    for program, package in {"pulseaudio": "pulseaudio", "parec": "pulseaudio-utils"}.items():
        if not shutil.which(program):
            pytest.skip(f"{program} is not there: `apt-get install {package} libasound2-plugins`")
    folder = Path(tempfile.mkdtemp(prefix="earshot-pulse-"))
    try:
        sink = _start(folder, rate_hz)
        try:
            yield sink
        finally:
            sink.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path, rate_hz: int) -> NullSink:
    for name in ("runtime", "state", "home"):
        (folder / name).mkdir(mode=0o700)
    address = folder / "runtime" / "native"
    environment = {
        "PULSE_SERVER": f"unix:{address}",
        "PULSE_RUNTIME_PATH": str(folder / "runtime"),
        "PULSE_STATE_PATH": str(folder / "state"),
        "PULSE_SINK": SINK,
        "PULSE_SOURCE": f"{SINK}.monitor",
    }
    own = {"HOME": str(folder / "home"), "XDG_RUNTIME_DIR": str(folder / "runtime")}
    log = folder / "log"
    with log.open("wb") as stderr:
        daemon = subprocess.Popen(
            [
                *dies_with_its_parent(),
                *("pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"),
                *("--high-priority=no", "--realtime=no", "--log-target=stderr"),
                "--resample-method=speex-float-5",  # the default cuts at 6 kHz
                *("-L", f"module-null-sink sink_name={SINK} rate={rate_hz} channels=2"),
                *("-L", f"module-native-protocol-unix auth-anonymous=1 socket={address}"),
            ],
            env=os.environ | environment | own,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
    sink = NullSink(environment, daemon)
    started = time.monotonic()
    while not _answers(address):
        if daemon.poll() is not None or time.monotonic() - started > _START_S:
            sink.close()
            pytest.fail(f"PulseAudio did not start: {log.read_text(errors='replace')[-500:]}")
        time.sleep(0.02)
    sink.open_capture()  # a null sink that nobody listens to works in steps of 2 s
    return sink


def _answers(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(address)) == 0


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with contextlib.suppress(BrokenPipeError):
        process.communicate(timeout=_ENDING_S)
