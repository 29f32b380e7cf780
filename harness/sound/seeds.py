"""Seeds of their own for whatever is random in a plan, so that nothing depends on what was drawn before."""

from __future__ import annotations

import hashlib


def seed_of(*names: object) -> int:
    """A number below 2**32 from the plan's seed and names, such as (1, "order", 2)."""
    text = "\0".join(str(name) for name in names)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")
