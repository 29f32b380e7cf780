"""Steps of a preparation: each an artefact of the store, and one line for the reader."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from models.artefacts import Store

Say = Callable[[str], None]


class Steps:
    """Runs steps by the store, and tells of each how long it took or that it was there.

    Args:
        store: keeps what the steps make.
        name: of what is prepared.
        say: told one line about each step; None for no output at all.
    """

    def __init__(self, store: Store, name: str, say: Say | None) -> None:
        self.store, self.name, self.say = store, name, say
        self.show_bars = say is not None and sys.stderr.isatty()

    def build(
        self,
        step: str,
        inputs: Mapping[str, Any],
        make: Callable[[Path], None],
        code: Iterable[Path],
        packages: Iterable[str] = (),
    ) -> Path:
        """Like `Store.build`; the versions of the packages that do the step are inputs of it too."""
        took = "cached"

        def timed(folder: Path) -> None:
            nonlocal took
            started = time.monotonic()
            make(folder)
            took = f"{time.monotonic() - started:.1f} s"

        versions = {package: version(package) for package in packages}
        path = self.store.build(step, {**inputs, "packages": versions}, timed, code)
        if self.say is not None:
            self.say(f"{self.name}: {step} … {took}")
        return path
