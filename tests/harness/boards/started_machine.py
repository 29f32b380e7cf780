"""A program that starts the emulated board, prints its process id and waits to be killed."""

from __future__ import annotations

import time

from board_program import clock_of, image_of

from harness.boards.qemu.machine import Machine
from harness.boards.qemu.tools import find_qemu

BUSY = "void setup() {} void loop() { for (volatile int i = 0;; i = i + 1) {} }"

machine = Machine(find_qemu(), image_of(BUSY), clock_of())
print(machine.pid, flush=True)
time.sleep(60)
