"""The night record as tables, plots and pages."""
