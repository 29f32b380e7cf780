"""The emulated board with small sketches: serial port, microphone, time, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from board_program import PRINT, Terminal, clock_of, image_of, running

from harness.boards.qemu.clock import Clock, CycleClock, TimingParameters
from harness.boards.qemu.machine import Machine
from harness.boards.qemu.tools import find_qemu
from harness.errors import AcousticFailed, ProtocolError, UploadFailed

ECHO = """
void setup() {
  Serial.begin(115200);
  while (!Serial) {}
  Serial.write("ready\\n", 6);
}
void loop() {
  while (Serial.available()) {
    const char c = Serial.read();
    Serial.write(&c, 1);
  }
}
"""

# Prints the time and the sum of the samples of each buffer. 'r' starts; later bytes wait for the end.
METER = (
    "#include <PDM.h>\n"
    + PRINT
    + """
static volatile uint32_t buffers;
static uint32_t last_sum, last_at;
static void receive() {
  int16_t samples[256];
  last_sum = 0;
  last_at = micros();
  const int count = PDM.read(samples, PDM.available()) / 2;
  for (int i = 0; i < count; ++i) last_sum += samples[i];
  buffers = buffers + 1;
}
static uint32_t started, reported;
void setup() {
  Serial.begin(115200);
  PDM.onReceive(receive);
}
void loop() {
  if (Serial.available()) {
    const char c = Serial.read();
    if (c == 'r') {
      buffers = reported = 0;
      const int ok = PDM.begin(1, 16000);
      started = micros();
      print(ok, '\\n');
    } else {
      Serial.write(&c, 1);
      Serial.write("\\n", 1);
    }
  }
  yield();
  if (reported != buffers) {
    reported = buffers;
    print(last_at - started, ' ');
    print(last_sum, '\\n');
  }
}
"""
)

DEAF = """
#include <PDM.h>
void setup() {
  Serial.begin(115200);
  while (!Serial) {}
  Serial.read();
  PDM.begin(1, 16000);
}
void loop() { yield(); }
"""

FAULT = """
void setup() {
  Serial.begin(115200);
  while (!Serial) {}
  *reinterpret_cast<volatile uint32_t*>(0xA0000000) = 1;
}
void loop() {}
"""


@pytest.fixture(scope="module", params=["modeled cycles", "instructions"])
def clock(request):
    chosen = clock_of() if request.param == "modeled cycles" else Clock()
    assert chosen.unit == request.param
    return chosen


def test_every_byte_passes_in_both_directions():
    everything = bytes(range(256)) * 8
    with running(ECHO) as (machine, terminal):
        terminal.send(b"x")
        assert terminal.read_until(b"x") == b"ready\nx"
        terminal.send(everything + b"end")
        assert terminal.read_until(b"end") == everything + b"end"
        again = Terminal(machine.port)
        again.send(b"b")
        assert again.read_until(b"b") == b"b"
        again.close()


def test_the_board_sends_nothing_before_the_host_does():
    with running(ECHO) as (_, terminal), pytest.raises(TimeoutError, match="after b''"):
        terminal.read_until(b"ready\n", timeout_s=0.5)


def hear(terminal, machine, samples):
    """Play samples to METER; return (µs since the start, sum) of each buffer."""
    terminal.send(b"r!")
    assert terminal.read_until(b"1\n") == b"1\n"
    player = threading.Thread(target=machine.play, args=([samples.astype("<i2").tobytes()],))
    player.start()
    lines = terminal.read_until(b"!\n").splitlines()
    player.join()
    return [tuple(int(word) for word in line.split()) for line in lines[:-1]]


def test_buffers_come_every_16_ms_with_all_samples(clock):
    samples = np.arange(256 * 50, dtype=np.int16)
    with running(METER, clock) as (machine, terminal):
        heard = hear(terminal, machine, samples)
    at_us = np.array([at for at, _ in heard])
    sums = np.array([total for _, total in heard])
    assert len(heard) == 50
    assert (sums == samples.reshape(50, 256).astype(np.int64).sum(axis=1)).all()
    assert np.abs(at_us - 16_000 * np.arange(1, 51)).max() <= 20


def test_the_microphone_can_be_used_again_after_a_sound_that_ends_within_a_buffer(clock):
    with running(METER, clock) as (machine, terminal):
        first = hear(terminal, machine, np.full(300, 7, np.int16))
        second = hear(terminal, machine, np.full(512, 1, np.int16))
    assert [total for _, total in first] == [256 * 7, 44 * 7]
    assert [total for _, total in second] == [256, 256]


def test_a_long_sound_takes_no_more_memory_than_a_pipe():
    """100 s of sound are more than pipe and port hold, so blocks are requested while the board listens."""
    requested_at = []

    def blocks():
        for _ in range(200):
            requested_at.append(time.monotonic())
            yield bytes(16000)

    with running(METER) as (machine, terminal):
        terminal.send(b"r!")
        terminal.read_until(b"1\n")
        played = []
        player = threading.Thread(target=lambda: played.append(machine.play(blocks())))
        player.start()
        time.sleep(0.3)  # nobody reads the port, so the board stands still
        assert len(requested_at) < 150
        terminal.read_until(b"!\n")
        player.join()
    assert played == [200 * 16000]


def test_a_buffer_that_is_not_read_switches_the_microphone_off():
    with running(DEAF) as (machine, terminal):
        terminal.send(b"!")
        with pytest.raises(AcousticFailed, match="switched its microphone off"):
            machine.play([bytes(1 << 20)])


def test_a_board_that_does_not_listen_is_an_acoustic_failure(monkeypatch):
    monkeypatch.setattr("harness.boards.qemu.machine._BEGIN_S", 0.2)
    with (
        running(ECHO) as (machine, _),
        pytest.raises(AcousticFailed, match="did not switch its microphone on"),
    ):
        machine.play([b"12"])


def spent_us(clock, iterations: int) -> int:
    source = (
        PRINT
        + f"""
static volatile uint32_t sink;
void setup() {{ Serial.begin(115200); while (!Serial) {{}} }}
void loop() {{
  if (Serial.available()) Serial.read();
  const uint32_t start = micros();
  for (uint32_t i = 0; i < {iterations}; ++i) sink = i;
  print(micros() - start, '\\n');
}}
"""
    )
    with running(source, clock) as (_, terminal):
        terminal.send(b"!")
        return int(terminal.read_until(b"\n"))


def test_time_is_the_cycles_of_the_instructions(clock):
    """str 1, adds 1, cmp 1, bne 1 + 1: 5 cycles, or 4 instructions."""
    cycles = 5 if clock.unit == "modeled cycles" else 4
    assert spent_us(clock, 640_000) == pytest.approx(640_000 * cycles / 64, abs=2)


def test_a_hardware_fault_of_the_sketch_is_shown():
    with running(FAULT) as (machine, terminal):
        terminal.send(b"!")
        with pytest.raises(ProtocolError, match="hardware fault"):
            machine.play([bytes(1 << 20)])


def test_close_deletes_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with running(ECHO):
        assert [path.name.startswith("earshot-board-") for path in tmp_path.iterdir()] == [True]
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_image_is_a_failed_upload(tmp_path):
    image = tmp_path / "half.elf"
    image.write_bytes(image_of(ECHO).read_bytes()[:4000])
    with pytest.raises(UploadFailed, match="not an image for the emulated board"):
        Machine(find_qemu(), image, clock_of())


def test_the_message_of_a_qemu_that_does_not_start_is_shown(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    plugin = tmp_path / "no_plugin.so"
    with pytest.raises(UploadFailed, match="no_plugin"):
        Machine(find_qemu(), image_of(ECHO), CycleClock(plugin, TimingParameters()))
    assert list(tmp_path.iterdir()) == []


def test_a_system_without_pseudo_terminals_is_named(tmp_path, monkeypatch):
    def none_left():
        raise OSError("out of pty devices")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("pty.openpty", none_left)  # as in a chroot without /dev/pts
    with pytest.raises(UploadFailed, match=r"out of pty devices(?s:.*)mount devpts"):
        Machine(find_qemu(), image_of(ECHO), clock_of())
    assert list(tmp_path.iterdir()) == []


def test_a_killed_harness_leaves_no_emulator():
    program = Path(__file__).with_name("started_machine.py")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    harness = subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True, env=environment)
    assert harness.stdout is not None
    emulator = int(harness.stdout.readline())
    assert is_running(emulator)
    harness.send_signal(signal.SIGKILL)
    harness.wait()
    limit = time.monotonic() + 60
    while is_running(emulator) and time.monotonic() < limit:
        time.sleep(0.01)
    assert not is_running(emulator)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
