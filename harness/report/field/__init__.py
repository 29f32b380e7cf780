"""The page of a field run: how well each variant hears, how sure that is, and why it misses."""

from harness.report.field.page import render_field
from harness.report.field.summary import summary_text

__all__ = ["render_field", "summary_text"]
