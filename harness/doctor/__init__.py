"""Checks of this machine: installed tools, attached boards, sound devices, each with a remedy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.doctor.finding import Finding

if TYPE_CHECKING:
    from harness.bench_file import Bench

__all__ = ["Finding", "as_text", "examine"]


def examine(bench: Bench) -> list[Finding]:
    """Check everything; a missing thing is a finding, never an exception.

    Args:
        bench: boards that it names make arduino-cli, those boards and its speaker required.
    """
    from harness.doctor.bench import examine_arduino, examine_ports, examine_sound
    from harness.doctor.host import examine_host

    required = bool(bench.boards)
    return [
        *examine_host(),
        *examine_arduino(bench.boards, required),
        *examine_ports(required),
        *examine_sound(bench.speaker, required),
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
