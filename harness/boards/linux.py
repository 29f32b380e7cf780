"""A small Linux computer, such as a Raspberry Pi, over SSH, or this host; it runs ONNX models."""

from __future__ import annotations

from harness.bench_file import Bench, BoardEntry
from harness.boards.board import Board, BoardDescription
from harness.boards.small_linux import wheels
from harness.boards.small_linux.computer import Computer
from harness.errors import UsageError


class Linux(Board):
    """A small Linux computer.

    Attributes:
        computer: runs the models.
    """

    name = "linux"
    marker = ""
    summary = "a small Linux computer over SSH (`host` in the bench file), or this host; runs ONNX models"
    default_engine = "onnxruntime"
    acoustic = False
    runs_firmware = False

    def __init__(self, computer: Computer) -> None:
        self.computer = computer

    @classmethod
    def from_bench(cls, entry: BoardEntry, bench: Bench) -> Linux:
        """Return the computer of an entry; without `host`, this host.

        Raises:
            UsageError: the entry has a serial port.
        """
        if entry.port:
            raise UsageError(
                "a small Linux computer has no serial port",
                where=entry.port,
                remedy="Leave --port out, or name the board that it is for with --board.",
            )
        return cls(Computer(entry.host, entry.wait_s))

    def check(self) -> None:
        """Connect, and install ONNX Runtime unless the computer has the version of this host.

        Raises:
            EarshotError: see `Computer.prepare`.
        """
        self.computer.prepare()

    def describe(self) -> BoardDescription:
        machine = self.computer.machine
        return BoardDescription(
            name=self.name,
            uid=f"{self.name}-{machine.id}",
            title=machine.title,
            clock_hz=machine.clock_hz,
            clock="measured",
            flash_bytes=None,
            ram_bytes=machine.ram_bytes,
            details={
                "computer": f"{self.computer.name}, {machine.host}",
                "system": machine.system,
                "cores": str(machine.cores),
                "python": machine.python,
                "onnxruntime": wheels.version(),
            },
        )
