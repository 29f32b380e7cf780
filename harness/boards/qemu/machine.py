"""One QEMU process that is a board; it never outlives its caller."""

from __future__ import annotations

import errno
import fcntl
import math
import os
import pty
import select
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import tty
import weakref
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from harness.boards.qemu.clock import Clock
from harness.boards.qemu.tools import COMMAND, Qemu
from harness.errors import AcousticFailed, ProtocolError, UploadFailed
from harness.firmware.elf import core_address
from harness.link.deadline import Deadline
from models import progress
from models.scratch import ScratchFolder

_SOUND_FILE, _STARTED_FILE, _STDERR_FILE = "mic.pcm", "started", "stderr"  # as the emulated core has it
_INPUT_FILE, _PORT_FILE, _WAIT_FILE = "serial.in", "serial.open", "wait"  # of a live board
_PIN_FILE = "pins.log"
PIN_CHANGE = np.dtype(
    [("cycles", "<u8"), ("pin", "<u4"), ("is_high", "<u4")]
)  # as the core's pins.cpp has it
_NOISE = "nic lan9118.0 has no peer"  # a warning about the unused network interface
_START_S = 30.0  # takes 0.1 s on an idle machine
_BEGIN_S = 10.0  # from `listen%` to PDM.begin(): milliseconds
_PROGRESS_S = 60.0  # a pipe's 2 s of audio at 64 MHz, at a hundredth of the usual speed
_DYING_S = 0.5  # the kernel closes the files of a killed process before that process has ended
_POLL_S = 0.002
_BOARD_TIMES = struct.Struct("<QQ")  # cycles since reset, and those of them that the board slept
_CATCH_UP_S = 0.1
CLOCK_HZ = 64_000_000


class Machine:
    """A running mps2-an386, which ends with the thread that made it, even if that is killed.

    The serial port is a pty whose other end is the emulator's stdin and stdout; the microphone is a named
    pipe in the emulator's working folder. Neither drops anything: the faster side waits. Semihosting
    gives an image access to the user's files, like any program: run only images that you trust.

    Args:
        image: ELF file with the emulated core.
        live: True for a board that takes commands while sound plays, like a real one, and sleeps in real
            time; for live sound, which only `stop%` ends. The host's speed then decides between which two
            samples a command arrives. Otherwise the board takes commands after the sound, and image,
            commands and sound determine everything that it sends.
        paced: True for a live board whose busy time, too, is real time; otherwise the emulator's speed is the
            limit.
        port_is_open: False for a live board whose port no program has open yet, see `set_port_open`.
        pin_log: a file to which every change of a pin is appended as a `PIN_CHANGE`.

    Raises:
        UploadFailed: the emulator did not start.
    """

    def __init__(
        self,
        qemu: Qemu,
        image: Path,
        clock: Clock,
        live: bool = False,
        paced: bool = False,
        port_is_open: bool = True,
        pin_log: Path | None = None,
    ) -> None:
        clock_arguments = clock.arguments(core_address(image))
        scratch = _working_folder(clock)
        folder = self._folder = scratch.path
        if pin_log:
            pin_log.touch()
            (folder / _PIN_FILE).symlink_to(pin_log.resolve())
        try:
            master, slave = pty.openpty()
        except OSError as problem:
            scratch.close()
            raise UploadFailed(
                f"no pseudo-terminal for the emulated board's serial port: {problem}",
                remedy="In a container or chroot, mount devpts: mount -t devpts devpts /dev/pts",
            ) from problem
        tty.setraw(slave, termios.TCSANOW)  # no echo, and no byte translated
        self.port = os.ttyname(slave)
        command = [
            *dies_with_its_parent(),
            *(qemu.path, "-M", "mps2-an386", "-nodefaults", "-display", "none"),
            *("-semihosting-config", "enable=on,target=native", "-kernel", str(image.resolve())),
            *clock_arguments,
        ]
        progress.detail(shlex.join(command))
        host = master
        try:
            if live:
                self.set_port_open(port_is_open)
                host = _LiveHost(master, folder, paced).wake_pipe
            with (folder / _STDERR_FILE).open("wb") as stderr:
                self._process = subprocess.Popen(
                    command, cwd=folder, stdin=host, stdout=master, stderr=stderr, start_new_session=True
                )
        except OSError as problem:
            os.close(slave)
            scratch.close()
            raise UploadFailed(
                "the emulator cannot be started", command=COMMAND, stderr_tail=str(problem)
            ) from problem
        finally:
            for handle in {master, host}:
                os.close(handle)
        # An open slave keeps what the board sends while no link is open.
        self._finalizer = weakref.finalize(self, _end, self._process, slave, scratch)
        self._wait_for_start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def has_died(self) -> bool:
        """Tell if the emulator has died, or does within half a second."""
        try:
            self._process.wait(_DYING_S)
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def stderr_tail(self) -> str:
        """The end of the emulator's stderr; "" after `close`."""
        path = self._folder / _STDERR_FILE
        if not path.exists():
            return ""
        lines = path.read_text(errors="replace").splitlines()
        return "\n".join(line for line in lines if _NOISE not in line)[-500:]

    def failure(self) -> ProtocolError:
        """Return the error of an emulator that has died."""
        return ProtocolError(
            f"the emulated board stopped with status {self._process.returncode}",
            where=self.stderr_tail,
            remedy="Upload again; if it stops at the same place, correct the sketch.",
        )

    def read_file(self, name: str) -> str:
        """Return a file of the working folder, such as the clock's."""
        return (self._folder / name).read_text()

    def set_port_open(self, is_open: bool) -> None:
        """Tell a live board whether a program has its port open."""
        handle = os.open(self._folder / _PORT_FILE, os.O_WRONLY | os.O_CREAT, 0o600)  # never empty
        os.write(handle, b"1" if is_open else b"0")
        os.close(handle)

    def play(self, blocks: Iterable[bytes]) -> int:
        """Feed sound to the microphone, and return when the board has taken all of it.

        Args:
            blocks: little-endian int16 mono, of any length.

        Returns:
            The number of bytes.

        Raises:
            AcousticFailed: the board does not listen, or stopped listening.
            ProtocolError: the emulator died or takes no more sound.
        """
        pipe = self._open_microphone()
        played = 0
        try:
            for block in blocks:
                played += self._write(pipe, block)
            self._wait_until_empty(pipe)
        except BrokenPipeError:
            if self.has_died():
                raise self.failure() from None
            raise AcousticFailed(
                f"the board switched its microphone off after {played} bytes",
                remedy="Read each buffer in the PDM callback: the library stops at an overflow.",
            ) from None
        finally:
            os.close(pipe)
        return played

    def close(self) -> None:
        """End the emulator and delete its working folder; a second call does nothing."""
        self._finalizer()

    def _wait_for_start(self) -> None:
        deadline = Deadline(_START_S)
        while not (self._folder / _STARTED_FILE).exists():
            if not self.runs or deadline.expired:
                tail, returncode = self.stderr_tail, self._process.poll()
                self.close()
                raise UploadFailed(
                    "the emulator did not start the image",
                    command=COMMAND,
                    returncode=returncode,
                    stderr_tail=tail,
                    remedy="Run `earshot doctor`.",
                )
            time.sleep(_POLL_S)

    def _open_microphone(self) -> int:
        deadline = Deadline(_BEGIN_S)
        while True:
            try:
                return os.open(self._folder / _SOUND_FILE, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as problem:
                if problem.errno != errno.ENXIO:  # nobody has the other end open
                    raise
            if not self.runs:
                raise self.failure()
            if deadline.expired:
                raise AcousticFailed(
                    f"the board did not switch its microphone on within {_BEGIN_S:.0f} s",
                    remedy="Send `listen%` before the sound.",
                )
            time.sleep(_POLL_S)

    def _write(self, pipe: int, block: bytes) -> int:
        rest = memoryview(block)
        while rest:
            if not select.select([], [pipe], [], _PROGRESS_S)[1]:
                raise self._stuck()
            rest = rest[os.write(pipe, rest) :]
        return len(block)

    def _wait_until_empty(self, pipe: int) -> None:
        deadline, last = Deadline(_PROGRESS_S), -1
        reader_gone = select.poll()
        reader_gone.register(pipe, 0)
        while waiting := _bytes_in(pipe):
            if reader_gone.poll(0):
                raise BrokenPipeError
            if waiting != last:
                deadline, last = Deadline(_PROGRESS_S), waiting
            if deadline.expired:
                raise self._stuck()
            time.sleep(_POLL_S)

    def _stuck(self) -> ProtocolError:
        return ProtocolError(
            f"the emulated board took no sound for {_PROGRESS_S:.0f} s",
            remedy="Check that the sketch calls yield().",
        )


class _LiveHost:
    """A thread that copies input of a live board from a pty into a file, and wakes the board.

    The board's semihosting cannot poll a terminal without waiting, but reading at the end of a file returns
    nothing. A board that is ahead of real time writes its time into a pipe and waits for a byte in another
    one: "t" when real time has reached the board's, "i" after input.

    Attributes:
        wake_pipe: read end of the pipe, for the board; the caller closes it. The thread ends when no process
            has it open.
    """

    def __init__(self, terminal: int, folder: Path, paced: bool) -> None:
        self.wake_pipe, self._wake = os.pipe()
        self._terminal = os.dup(terminal)
        self._file = os.open(folder / _INPUT_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.mkfifo(folder / _WAIT_FILE)
        self._wait = os.open(folder / _WAIT_FILE, os.O_RDWR)  # both: an end that nobody has open is ready
        self._paced = paced
        threading.Thread(target=self._serve, name="live host", daemon=True).start()

    def _serve(self) -> None:
        ready = select.poll()
        ready.register(self._terminal, select.POLLIN)
        ready.register(self._wait, select.POLLIN)
        ready.register(self._wake, 0)  # poll reports an error once no process has the read end open
        started, due = time.monotonic(), math.inf
        try:
            while True:
                left_ms = None if due == math.inf else max(0.0, due - time.monotonic()) * 1000
                handles = [handle for handle, _ in ready.poll(left_ms)]
                if self._wake in handles:
                    break
                if self._terminal in handles:
                    self._copy()
                if self._wait in handles:
                    now, slept = _BOARD_TIMES.unpack(os.read(self._wait, _BOARD_TIMES.size))
                    board_s = (now if self._paced else slept) / CLOCK_HZ
                    # A board that was held up catches up a little only.
                    started = max(started, time.monotonic() - board_s - _CATCH_UP_S)
                    due = started + board_s
                if time.monotonic() >= due:
                    due = math.inf
                    os.write(self._wake, b"t")
        except OSError:
            pass  # the board or the terminal is gone, or the disk is full
        finally:
            for handle in (self._terminal, self._file, self._wait, self._wake):
                os.close(handle)

    def _copy(self) -> None:
        arrived = os.read(self._terminal, 4096)
        while arrived:
            arrived = arrived[os.write(self._file, arrived) :]
        os.write(self._wake, b"i")


def _working_folder(clock: Clock) -> ScratchFolder:
    """Create the folder of files that the board shares with its host."""
    try:
        scratch = ScratchFolder("board")
        try:
            os.mkfifo(scratch.path / _SOUND_FILE)
            clock.prepare(scratch.path)
        except BaseException:
            scratch.close()
            raise
    except OSError as problem:
        raise UploadFailed(
            f"no working folder for the emulator: {problem}",
            remedy=f"Free space under {tempfile.gettempdir()}, or point TMPDIR at another disk.",
        ) from problem
    return scratch


def dies_with_its_parent() -> list[str]:
    """Return a command prefix: the kernel then kills the command when the thread that started it ends."""
    setpriv = shutil.which("setpriv")  # util-linux: on every Debian and Ubuntu
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def _bytes_in(pipe: int) -> int:
    count = bytearray(4)
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return int.from_bytes(count, sys.byteorder)


def _end(process: subprocess.Popen[bytes], slave: int, scratch: ScratchFolder) -> None:
    process.kill()
    process.wait()
    os.close(slave)
    scratch.close()
