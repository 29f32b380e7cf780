"""Finding: one thing that was looked for, and a list of them as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for.

    Attributes:
        name: what it is.
        present: whether it is there and usable.
        required: whether what was asked for needs it: the emulated board, or the bench of a bench file.
        detail: version or place; for a missing thing, what it is for.
        remedy: how to get it; empty when it is there.
    """

    name: str
    present: bool
    required: bool
    detail: str
    remedy: str = ""


def as_text(findings: Sequence[Finding], ready_for: str) -> str:
    """One line a finding, the remedy beneath what is missing, and at the end what that comes to.

    Args:
        findings: in the order in which they are read.
        ready_for: what is ready when nothing that is required is missing, such as "the emulated board".
    """
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        mark = "ok     " if finding.present else ("MISSING" if finding.required else "absent ")
        lines.append(f"{mark}  {finding.name:<{width}}  {finding.detail}")
        if finding.remedy:
            lines.append(f"{'':9}{'':{width}}  → {finding.remedy}")
    ready = all(finding.present for finding in findings if finding.required)
    lines += ["", f"Ready for {ready_for}." if ready else "Not ready: see the arrows."]
    return "\n".join(lines)
