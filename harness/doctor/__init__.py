"""Checks of this machine: installed tools, attached boards, sound devices, each with a remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import EarshotError

if TYPE_CHECKING:
    from harness.bench_file import Bench


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        name: the thing that was checked.
        required: True if the emulated board or the bench file's boards need it.
        detail: version or place; for a missing thing, its purpose.
        remedy: instruction for a missing thing; empty if it is there and usable.
    """

    name: str
    required: bool
    detail: str
    remedy: str = ""

    @property
    def present(self) -> bool:
        return not self.remedy

    @classmethod
    def of_failure(cls, name: str, required: bool, failure: EarshotError) -> Finding:
        """Return the finding of a check that failed."""
        detail = ": ".join(filter(None, (failure.what, failure.where)))
        return cls(name, required, detail, failure.remedy or "Mend the cause that the message names.")


def examine(bench: Bench) -> list[Finding]:
    """Check everything; a missing thing is a finding, never an exception.

    Args:
        bench: boards that it names make arduino-cli, those boards and its speaker required.
    """
    from harness.boards.linux import Linux
    from harness.doctor.bench import (
        examine_arduino,
        examine_computers,
        examine_meter,
        examine_ports,
        examine_sound,
    )
    from harness.doctor.host import examine_host

    computers = [entry for entry in bench.boards if entry.kind == Linux.name]
    boards = [entry for entry in bench.boards if entry not in computers]
    required = bool(boards)
    return [
        *examine_host(),
        *examine_arduino(boards, required),
        *examine_computers(computers),
        *examine_ports(required),
        *examine_sound(bench.speaker, required),
        *examine_meter(bench.meter),
    ]


def as_text(findings: Sequence[Finding], bench: Bench) -> str:
    """Render one line per finding, with the remedy below a missing thing, and a last line in summary."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        mark = "ok     " if finding.present else ("MISSING" if finding.required else "absent ")
        lines.append(f"{mark}  {finding.name:<{width}}  {finding.detail}")
        if finding.remedy:
            lines.append(f"{'':9}{'':{width}}  → {finding.remedy}")
    boards = ", ".join(["the emulated board", *(board.name for board in bench.boards)])
    ready = all(finding.present for finding in findings if finding.required)
    lines += ["", f"Ready for: {boards}." if ready else "Not ready: follow the arrows."]
    return "\n".join(lines)
