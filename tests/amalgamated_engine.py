"""Several generated engines in one program for the emulated board."""

from __future__ import annotations

import re
from pathlib import Path


def amalgamated(folder: Path, namespace: str) -> str:
    """Return engine.cpp with our headers inlined, in a namespace of its own."""
    included = set()

    def expanded(path: Path) -> str:
        if path.resolve() in included:
            return ""
        included.add(path.resolve())

        def text_of(match: re.Match[str]) -> str:
            beside = path.parent / match[1]
            return expanded(beside if beside.exists() else folder / match[1])

        text = path.read_text().replace("#pragma once", "")
        return re.sub(r'^#include "(.*)"$', text_of, text, flags=re.MULTILINE)

    return re.sub(r"\bearshot\b", namespace, expanded(folder / "engine.cpp"))
