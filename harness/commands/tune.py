"""`earshot tune`."""

from __future__ import annotations

import argparse
import contextlib
import re
from pathlib import Path

from harness import layout, options
from harness.errors import EXIT_CLEAN, EXIT_INCONCLUSIVE

SUMMARY = "Find the recognizer's parameters that suit each model, from the logs of field runs."

_LIMIT = re.compile(r"(\d{1,6}(?:\.\d*)?)/((?!0)\d{0,6})h")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folders",
        type=Path,
        nargs="*",
        metavar="FOLDER",
        help="folders of field runs, whose logs are taken together (default: the last run)",
    )
    parser.add_argument(
        "--false-accepts",
        type=_per_hour,
        metavar="N/h",
        help="most false accepts without words, such as 1/h or 3/24h; the upper end of their 95 %% interval "
        "keeps it (default: none in the logs)",
    )
    parser.add_argument(
        "--other-words",
        type=_share,
        default=0.15,
        metavar="PERCENT",
        help="most other words that are taken for a keyword (default: 15%%)",
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="write the recognizers that are worth having into the bench file; make one if there is none",
    )
    options.add_bench(parser)
    options.add_output(parser, layout.REPORTS / "tuning", "folder for the page")
    options.add_open(parser)


def run(arguments: argparse.Namespace) -> int:
    from harness.bench_file import recognizer_tables, write_recognizers
    from harness.report.pages.tuning import TunedVariant, render_tuning, sentences, summary_table
    from harness.runs.field.logs import read_logs
    from harness.runs.field.tuning import tune_log
    from harness.runs.folder import FIELD
    from harness.stats.tuning.limits import Limits

    options.check_output(arguments.output)
    limits = Limits(arguments.false_accepts, arguments.other_words)
    folders = arguments.folders or [FIELD.latest(layout.FIELDS).parent]
    tuned = [
        TunedVariant(variant.id, variant.title, tune_log(variant, log, limits))
        for variant, log in read_logs(folders)
    ]
    for variant in tuned:
        print("\n".join(sentences(variant)))
    print(f"\n{summary_table(tuned).aligned()}\n")
    recognizers = {one.id: one.tuning.chosen.recognizer for one in tuned if not one.refusal}
    toml = recognizer_tables(recognizers) if recognizers else ""
    runs = [folder.parent if folder.is_file() else folder for folder in folders]
    page = render_tuning(tuned, toml, arguments.output, runs)
    for variant in tuned:
        if variant.refusal:
            print(f"Not for the bench file: [recognizer.{variant.id}], since {variant.refusal}.")
    if recognizers and arguments.write:
        print(f"Written: {write_recognizers(recognizers, arguments.bench)}")
        for variant in tuned:
            if variant.id in recognizers and variant.is_doubtful:
                print(f"To keep the default for {variant.title}, delete [recognizer.{variant.id}] there.")
    elif recognizers:
        print(f"For the bench file (--write writes it):\n\n{toml}", end="")
    options.show_page(page, arguments.open)
    return EXIT_INCONCLUSIVE if arguments.write and not recognizers else EXIT_CLEAN


def _per_hour(text: str) -> float:
    match = _LIMIT.fullmatch(text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text} is not a rate such as 1/h or 3/24h")
    return float(match[1]) / float(match[2] or 1)


def _share(text: str) -> float:
    with contextlib.suppress(ValueError):
        share = float(text.removesuffix("%")) / 100
        if text.endswith("%") and 0 <= share <= 1:
            return share
    raise argparse.ArgumentTypeError(f"{text} is not a percentage such as 15%")
