"""Footprint of an image: "fast" saves cycles, "small" saves flash and RAM."""

from __future__ import annotations

from typing import Literal

Footprint = Literal["fast", "small"]

FAST: Footprint = "fast"
