"""What this machine has of what Earshot needs, what is missing, and how to get it."""

from harness.doctor.examination import examine, ready_for
from harness.doctor.finding import Finding, as_text

__all__ = ["Finding", "as_text", "examine", "ready_for"]
