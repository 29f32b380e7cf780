"""Studies run: every point of a family of networks, and what they heard, as one record."""

from harness.runs.studies.running import run_study

__all__ = ["run_study"]
