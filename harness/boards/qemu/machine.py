"""One QEMU process that is a board: started, fed with sound, watched, and never left behind."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import termios
import time
import tty
import weakref
from collections.abc import Iterable
from pathlib import Path

from harness.boards.qemu.clock import Clock
from harness.boards.qemu.host_input import HostInput
from harness.boards.qemu.tools import COMMAND, Qemu
from harness.errors import AcousticFailed, ProtocolError, UploadFailed
from harness.firmware.elf import core_address
from harness.link.deadline import Deadline

_SOUND_FILE, _STARTED_FILE, _STDERR_FILE = "mic.pcm", "started", "stderr"  # as in sketches/emulated_core
_INPUT_FILE = "serial.in"  # likewise
_ALWAYS_SAID = "nic lan9118.0 has no peer"  # of the machine's network interface, which nobody uses
_START_S = 30.0  # takes 0.1 s on an idle machine
_BEGIN_S = 10.0  # from `listen%` to PDM.begin(): milliseconds
_PROGRESS_S = 60.0  # a pipe's 2 s of audio at 64 MHz, at a hundredth of the usual speed
_DYING_S = 0.5  # the kernel closes the files of a killed process before that process has ended
_POLL_S = 0.002


class Machine:
    """A running mps2-an386. It dies with the thread that made it, even if that is killed.

    The serial port is a pty, whose other end is the emulator's stdin and stdout; the microphone is a named
    pipe in the emulator's working folder. Neither drops anything: who is too fast waits. By semihosting the
    image can use the files of whoever runs it, as any program can: run images of your own making.

    Args:
        qemu: the emulator.
        image: an ELF file that the emulated core is linked into.
        clock: how its time passes.
        realtime: whether the board hears its host while the microphone plays, as a real one does: for sound
            that comes as it happens and never ends, which `stop%` has to end. Then the host's speed decides
            between which two samples a command is heard. Otherwise the board hears the sound to its end
            first, and everything it sends is determined by image, commands and sound.

    Raises:
        UploadFailed: it did not start.
    """

    def __init__(self, qemu: Qemu, image: Path, clock: Clock, realtime: bool = False) -> None:
        clock_arguments = clock.arguments(core_address(image))
        folder = self._folder = _working_folder(clock)
        master, slave = pty.openpty()
        tty.setraw(slave, termios.TCSANOW)  # no echo, and no byte translated
        self.port = os.ttyname(slave)
        command = [
            *_dies_with_its_parent(),
            *(qemu.path, "-M", "mps2-an386", "-nodefaults", "-display", "none"),
            *("-semihosting-config", "enable=on,target=native", "-kernel", str(image.resolve())),
            *clock_arguments,
        ]
        host = master
        try:
            if realtime:
                host = HostInput(master, folder / _INPUT_FILE).bell
            with (folder / _STDERR_FILE).open("wb") as stderr:
                self._process = subprocess.Popen(
                    command, cwd=folder, stdin=host, stdout=master, stderr=stderr, start_new_session=True
                )
        except OSError as problem:
            os.close(slave)
            shutil.rmtree(folder)
            raise UploadFailed(
                "the emulator cannot be started", command=COMMAND, stderr_tail=str(problem)
            ) from problem
        finally:
            for handle in {master, host}:
                os.close(handle)
        # An open slave keeps what the board sends while no link is open.
        self._finalizer = weakref.finalize(self, _end, self._process, slave, folder)
        self._wait_for_start()

    @property
    def pid(self) -> int:
        """The emulator's process id."""
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether the emulator is alive."""
        return self._process.poll() is None

    def has_died(self) -> bool:
        """Whether the emulator is about to be dead; asked when something went wrong, and in no hurry."""
        try:
            self._process.wait(_DYING_S)
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def stderr_tail(self) -> str:
        """The end of what the emulator wrote to stderr; empty after `close`."""
        path = self._folder / _STDERR_FILE
        if not path.exists():
            return ""
        lines = path.read_text(errors="replace").splitlines()
        return "\n".join(line for line in lines if _ALWAYS_SAID not in line)[-500:]

    def failure(self) -> ProtocolError:
        """What to raise when the emulator has died."""
        return ProtocolError(
            f"the emulated board stopped with status {self._process.returncode}",
            where=self.stderr_tail,
            remedy="Upload again; if it stops at the same place, the sketch is at fault.",
        )

    def play(self, blocks: Iterable[bytes]) -> int:
        """Feeds sound to the microphone, and returns when the board has taken all of it.

        Args:
            blocks: little-endian int16 mono, of any length.

        Returns:
            The number of bytes.

        Raises:
            AcousticFailed: the board does not listen, or stopped listening.
            ProtocolError: the emulator died, or takes no more sound.
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
        """Ends the emulator and deletes its working folder; may be called twice."""
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
            remedy="Does the sketch call yield()?",
        )


def _working_folder(clock: Clock) -> Path:
    """A folder with the files that the board shares with its host, and nothing else."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="earshot-board-"))
        try:
            os.mkfifo(folder / _SOUND_FILE)
            clock.prepare(folder)
        except BaseException:
            shutil.rmtree(folder)
            raise
    except OSError as problem:
        raise UploadFailed(
            f"no working folder for the emulator: {problem}",
            remedy=f"Free space under {tempfile.gettempdir()}, or point TMPDIR at another disk.",
        ) from problem
    return folder


def _dies_with_its_parent() -> list[str]:
    """A prefix of a command: the kernel kills it when the thread that started it ends, however it ends."""
    setpriv = shutil.which("setpriv")  # util-linux: on every Debian and Ubuntu
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def _bytes_in(pipe: int) -> int:
    count = bytearray(4)
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return int.from_bytes(count, sys.byteorder)


def _end(process: subprocess.Popen[bytes], slave: int, folder: Path) -> None:
    process.kill()
    process.wait()
    os.close(slave)
    shutil.rmtree(folder, ignore_errors=True)
