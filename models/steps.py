"""Steps of a preparation: each an artifact of the store, and one line for the reader."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from models.recipes import Recipe
from models.store import Store

Say = Callable[[str], None]


class Steps:
    """Runs steps by the store, and tells of each how long it took or that it was there.

    Args:
        store: keeps what the steps make.
        name: of what is prepared.
        say: told one line about each step; None for no output at all.
        bars: whether there may be progress bars, on a terminal.
    """

    def __init__(self, store: Store, name: str, say: Say | None, bars: bool = True) -> None:
        self.store, self.name, self.say = store, name, say
        self.show_bars = bars and say is not None and sys.stderr.isatty()

    def build(self, recipe: Recipe, make: Callable[[Path], None]) -> Path:
        """What the recipe gives, made by `make` unless it is there already; see `Store.build`."""
        took = "cached"

        def timed(folder: Path) -> None:
            nonlocal took
            started = time.monotonic()
            make(folder)
            took = f"{time.monotonic() - started:.1f} s"

        path = self.store.build(recipe.step, recipe.all_inputs(), timed, recipe.files())
        if self.say is not None:
            self.say(f"{self.name}: {recipe.step} … {took}")
        return path
