"""What is looked at: the host always, the bench when there is one."""

from __future__ import annotations

from harness.doctor.finding import Finding
from harness.doctor.host import examine_host


def examine() -> list[Finding]:
    """Looks at everything; never raises for a missing thing."""
    return examine_host()
