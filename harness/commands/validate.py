"""`earshot validate`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from harness import layout
from harness.errors import EXIT_CLEAN, EXIT_REGRESSED, UsageError
from models.store import Store

SUMMARY = "Compare the cycle model with published benchmarks of real chips, built from their own sources."

BOUND = 0.05
"""Largest error of a modeled figure."""


def add_options(parser: argparse.ArgumentParser) -> None:
    for option, project in (("coremark", "eembc/coremark"), ("pqm4", "mupq/pqm4")):
        parser.add_argument(
            f"--{option}",
            type=Path,
            metavar="FOLDER",
            help=f"checkout of https://github.com/{project}, with its submodules",
        )


def run(arguments: argparse.Namespace) -> int:
    from harness import format as fmt
    from harness.boards.qemu.validation import BENCHMARKS, modeled_cycles
    from harness.firmware.arm_gcc import find_compiler
    from harness.report.table import Column, Table

    chosen = [(one, folder) for one in BENCHMARKS if (folder := getattr(arguments, one.option))]
    if not chosen:
        raise UsageError("there is nothing to build", remedy="Name a checkout with --coremark or --pqm4.")
    store = Store(layout.store_root())
    rows: list[dict[str, Any]] = []
    for benchmark, checkout in chosen:
        modeled = modeled_cycles(benchmark, checkout, store)
        rows += [
            {
                "benchmark": benchmark.name,
                "part": part,
                "silicon": benchmark.silicon,
                "compiler": benchmark.compiler,
                "published": published,
                "modeled": round(modeled[part]),
                "error": modeled[part] / published - 1,
            }
            for part, published in benchmark.published.items()
        ]
    columns = [
        Column("benchmark", "Benchmark"),
        Column("part", "part"),
        Column("silicon", "silicon"),
        Column("compiler", "compiler"),
        Column("published", "published cycles", fmt.count),
        Column("modeled", "modeled cycles", fmt.count),
        Column("error", "error", fmt.precise_change),
    ]
    print(Table("validation", "Modeled against published", columns, rows).aligned())
    print(f"Modeled: {find_compiler().version}, with the flags of the published builds.")
    return EXIT_CLEAN if all(abs(row["error"]) <= BOUND for row in rows) else EXIT_REGRESSED
