"""The kinds of power meters."""

from __future__ import annotations

import importlib
import pkgutil

import harness.meters
from harness.bench_file import Bench, MeterTable
from harness.errors import UsageError
from harness.meters.meter import Meter


def meter_kinds() -> dict[str, type[Meter]]:
    """Return the meter classes by name: one for each module of harness/meters with a class of its name."""
    kinds: dict[str, type[Meter]] = {}
    for found in pkgutil.iter_modules(harness.meters.__path__):
        module = importlib.import_module(f"{harness.meters.__name__}.{found.name}")
        for item in vars(module).values():
            if isinstance(item, type) and issubclass(item, Meter) and item.__dict__.get("name") == found.name:
                kinds[found.name] = item
    return kinds


def meter_of(table: MeterTable) -> Meter:
    """Return the meter of a bench file's table [meter], not opened yet.

    Raises:
        UsageError: there is no such kind.
    """
    kinds = meter_kinds()
    if table.kind not in kinds:
        raise UsageError(
            f"{table.kind!r} is no kind of power meter",
            where="[meter] of the bench file",
            remedy=f"Allowed: {', '.join(kinds)}.",
        )
    return kinds[table.kind].from_table(table)


def required_meter(bench: Bench) -> Meter:
    """Return the meter of a bench, not opened yet.

    Raises:
        UsageError: the bench file has none, or one of an unknown kind.
    """
    if bench.meter is None:
        raise UsageError(
            "the bench file has no [meter]",
            where=str(bench.path or "no bench file"),
            remedy="Add one (docs/energy.md); `earshot energy` also splits a recorded trace.",
        )
    return meter_of(bench.meter)
