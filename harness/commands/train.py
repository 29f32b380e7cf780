"""`earshot train`."""

from __future__ import annotations

import argparse

from harness import options
from harness.errors import EXIT_CLEAN, EXIT_INCONCLUSIVE
from models.errors import UserFacingError

SUMMARY = "Train and convert the variants; print their accuracy."

add_options = options.add_models


def run(arguments: argparse.Namespace) -> int:
    from harness import format as fmt

    failures: dict[str, UserFacingError] = {}
    for model in options.selection(arguments).models(failures):
        print(f"{model.title}: {model.path}")
        for split, counts in model.accuracy.items():
            correct = sum(count["correct"] for count in counts)
            total = sum(count["total"] for count in counts)
            print(f"  {split:<10} {fmt.share(correct / total):>7}  ({correct:,} of {total:,})")
    return EXIT_INCONCLUSIVE if failures else EXIT_CLEAN
