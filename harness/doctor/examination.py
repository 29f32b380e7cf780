"""What is looked at: the host always, and what stands on the bench."""

from __future__ import annotations

from harness.bench_file import Bench
from harness.doctor.arduino import examine_arduino
from harness.doctor.finding import Finding
from harness.doctor.host import examine_host
from harness.doctor.ports import examine_ports
from harness.doctor.sound import examine_sound


def examine(bench: Bench | None = None) -> list[Finding]:
    """Looks at everything; never raises for a missing thing.

    Args:
        bench: what a bench file says. Where it names boards, those, arduino-cli and the speaker are required;
            without, they are looked for all the same, and missed by nobody.
    """
    bench = bench or Bench()
    required = bool(bench.boards)
    return [
        *examine_host(),
        *examine_arduino(bench.boards, required),
        *examine_ports(required),
        *examine_sound(bench.speaker, required),
    ]


def ready_for(bench: Bench) -> str:
    """What is ready when nothing that is required is missing."""
    boards = ", ".join(board.name for board in bench.boards)
    return f"the emulated board and for {boards}" if boards else "the emulated board"
