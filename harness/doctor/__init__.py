"""What this machine has of what Earshot needs, what is missing, and how to get it."""

from harness.doctor.examination import examine
from harness.doctor.finding import Finding, as_text

__all__ = ["Finding", "as_text", "examine"]
