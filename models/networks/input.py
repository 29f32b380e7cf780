"""What every network takes: a second of micro features, flat."""

from __future__ import annotations

SLICES = 49
CHANNELS = 40
