"""The labels of a network: silence, unknown and the wanted words."""

SILENCE, UNKNOWN = 0, 1
LABELS = ("silence", "unknown", "yes", "no")
"""Labels of the default vocabulary; the first two are those of every vocabulary."""
MOST_WORDS = 35
