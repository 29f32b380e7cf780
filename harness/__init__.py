"""Earshot's bench: firmware, boards, the serial link, measurements, results and reports."""
