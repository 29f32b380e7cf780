"""A study as a page: verdicts on its claims, plots with intervals, tables."""

from harness.report.studies.page import Section, render_study, sections
from harness.report.studies.verdicts import summary_text

__all__ = ["Section", "render_study", "sections", "summary_text"]
