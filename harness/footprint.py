"""Footprint: what the kernels of an image save."""

from __future__ import annotations

from typing import Literal

Footprint = Literal["fast", "small"]
"""Cycles, or flash and RAM."""

FAST: Footprint = "fast"
