"""Turn links that lead out of docs/ into file names for the site, and check that the files exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError

ROOT = Path(__file__).resolve().parents[1]
_OUTSIDE = re.compile(r"(?<!!)\[([^\]]+)\]\(\.\./([^)#]+)\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Replace each link to a file of the checkout by its text and the file's name.

    Raises:
        PluginError: the file does not exist.
    """

    def replaced(match: re.Match[str]) -> str:
        text, target = match.groups()
        if not (ROOT / target).exists():
            raise PluginError(f"{page.file.src_uri}: dead link to ../{target}")
        return text if target in text else f"{text} (`{target}`)"

    return _OUTSIDE.sub(replaced, markdown)
