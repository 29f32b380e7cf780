"""`earshot train`."""

from __future__ import annotations

import argparse

from harness import options
from harness.errors import EXIT_CLEAN, EXIT_INCONCLUSIVE
from models.errors import UserFacingError
from models.variants import IMAGE_NETWORKS

SUMMARY = "Train and convert the variants; print accuracies and the models' .tflite files."


def add_options(parser: argparse.ArgumentParser) -> None:
    options.add_models(parser)
    parser.epilog = (
        "Accuracies count clips. A recording of a keyword is 3 to 10 training clips, with another shift and "
        "noise each time, and --voices both adds those of the synthetic corpus. Every set has clips of other "
        "words and of silence, too."
    )


def run(arguments: argparse.Namespace) -> int:
    from harness import format as fmt

    failures: dict[str, UserFacingError] = {}
    for model in options.selection(arguments).models(failures):
        print(model.title)
        clips = "images" if model.network in IMAGE_NETWORKS else "clips"
        for split, counts in model.accuracy.items():
            correct = sum(count["correct"] for count in counts)
            total = sum(count["total"] for count in counts)
            print(f"  {split:<10} {fmt.share(correct / total):>7}  ({correct:,} of {total:,} {clips})")
        print(f"  {model.tflite if model.deployable else 'no .tflite: no board can run it'}")
    return EXIT_INCONCLUSIVE if failures else EXIT_CLEAN
