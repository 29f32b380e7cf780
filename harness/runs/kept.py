"""What a run was asked for, as text in its record, and back: it may be taken up from another folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import UsageError
from harness.runs.selection import Selection

T = TypeVar("T")


def as_text(selection: Selection, **values: Any) -> str:
    """The options of a run.

    Args:
        selection: which models.
        values: everything else by name, JSON or paths; those become absolute.
    """
    kept: dict[str, Any] = {
        "variants": selection.pattern,
        "dataset": selection.dataset,
        "model": selection.model_file,
        "labels": list(selection.labels),
        **values,
    }
    return json.dumps(
        {name: str(value.resolve()) if isinstance(value, Path) else value for name, value in kept.items()}
    )


def from_text(text: str, make: Callable[[Selection, dict[str, Any]], T], where: Path, command: str) -> T:
    """What `as_text` wrote, as what was asked for.

    Args:
        text: of the record; "" where it has none.
        make: takes the selection and all that was kept.
        where: the run's folder, for the message.
        command: which writes such records, likewise.

    Raises:
        UsageError: the text is none of these.
    """
    try:
        kept = json.loads(text)
        selection = Selection(
            kept["variants"], path(kept["dataset"]), path(kept["model"]), tuple(kept["labels"])
        )
        return make(selection, kept)
    except (ValueError, KeyError, TypeError) as problem:
        raise UsageError(
            "this run's record does not say what it was asked for",
            where=str(where),
            remedy=f"Call again what made it: only what `{command}` began can be taken up.",
        ) from problem


def path(text: str | None) -> Path | None:
    """A path that was kept."""
    return Path(text) if text else None
