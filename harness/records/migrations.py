"""Night records of older schemas, in the newest schema: one step for each schema, kept for good. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Migration = Callable[[dict[str, Any]], dict[str, Any]]
"""A record's JSON of one schema made into that of the next."""


def to_2(data: dict[str, Any]) -> dict[str, Any]:
    """Schema 1 had neither kinds of runs nor blocks, verdict or seal: every record was of `earshot run`."""
    run = data["run"]
    return {**data, "run": {**run, "kind": "run"} if isinstance(run, dict) else run}


NIGHT: Mapping[int, Migration] = {1: to_2}
"""By the schema that they read."""


def migrated(data: dict[str, Any], migrations: Mapping[int, Migration], newest: int) -> dict[str, Any]:
    """A record's JSON in the newest schema.

    Args:
        data: with a "schema" from 1 to `newest`.
        migrations: of every schema below the newest.
        newest: schema.
    """
    for schema in range(data["schema"], newest):
        data = {**migrations[schema](data), "schema": schema + 1}
    return data
