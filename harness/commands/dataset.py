"""`earshot dataset`: download a public dataset, or show what a dataset holds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from harness import layout, options
from harness.errors import EXIT_CLEAN

if TYPE_CHECKING:
    from harness.report.table import Table
    from harness.sound.dataset_survey import Survey

SUMMARY = "Download a public dataset, or show words, speakers, sets, lengths, levels and broken files of one."

_DATASETS = ("speech-commands",)


def add_options(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="get|show")
    get = verbs.add_parser("get", help="download a public dataset, resume a broken download, and unpack it")
    get.add_argument("name", choices=_DATASETS, help="Speech Commands 0.02: 2.4 GB, unpacked 3.8 GB")
    get.add_argument(
        "--to", type=Path, metavar="FOLDER", help="folder of the dataset (default: datasets/<name>/)"
    )
    get.add_argument("--url", metavar="URL", help="mirror of the archive, which must have the same content")
    get.set_defaults(do=_get)
    show = verbs.add_parser("show", help="read every file of a dataset and print what it holds")
    show.add_argument("folder", type=Path, metavar="FOLDER", help="a folder in the Speech Commands layout")
    show.set_defaults(do=_show)
    for verb in (get, show):
        options.add_verbosity(verb)


def run(arguments: argparse.Namespace) -> int:
    code: int = arguments.do(arguments)
    return code


def _get(arguments: argparse.Namespace) -> int:
    from dataclasses import replace

    from models.data.download import PUBLISHED, get_dataset

    archive = PUBLISHED[arguments.name]
    if arguments.url:
        archive = replace(archive, url=arguments.url)
    # Resolved, since "." has no name that the download could have beside it.
    folder = (arguments.to or layout.ROOT / "datasets" / arguments.name).resolve()
    get_dataset(archive, folder)
    print(f"Dataset: {folder}\nTrain with it: earshot train --dataset {folder}")
    return EXIT_CLEAN


def _show(arguments: argparse.Namespace) -> int:
    from harness.format import plural
    from harness.sound.dataset_survey import survey
    from models.data.dataset import SPLITS
    from models.data.sound_folder import reasons, warn_of

    found = survey(arguments.folder)
    print(_table(found).aligned() if found.sounds else "No recording can be used.")
    if found.noise_s:
        print(f"\nBackground noise: {plural(len(found.noise_s), 'file')}, {sum(found.noise_s):,.0f} s")
    else:
        print("\nBackground noise: none. Training needs some in _background_noise_/.")
    if longer := sum(sound.seconds > 1 for sound in found.sounds):
        print(f"Recordings longer than 1 s: {longer:,} (a network learns their loudest second)")
    if found.unplayed:
        print(
            f"Recordings that training uses, but `earshot run`, `field` and `play` do not play: "
            f"{len(found.unplayed):,}{reasons(found.unplayed)}"
        )
    if empty := [split for split in SPLITS if all(sound.split != split for sound in found.sounds)]:
        print(
            f"Splits without a recording: {', '.join(empty)}. Training needs all three: record more "
            "speakers, or list files in validation_list.txt and testing_list.txt."
        )
    if several := found.speakers_of_several_splits:
        print(f"Speakers of several sets: {len(several)}, such as {several[0]}")
    for name, lines in found.unmatched.items():
        if lines:
            verb = "names" if len(lines) == 1 else "name"
            print(f"{plural(len(lines), 'line')} of {name} {verb} no recording, such as {lines[0]}")
    if both := found.in_all_lists:
        print(
            f"Recordings in both {' and '.join(found.unmatched)}: {len(both):,}, such as {both[0]} "
            "(they count as validation)"
        )
    print(f"Files that cannot be used: {len(found.excluded)}")
    warn_of(found.excluded, arguments.folder)
    return EXIT_CLEAN


def _table(found: Survey) -> Table:
    from harness import format as fmt
    from harness.report.table import Column, Table
    from harness.sound.dataset_survey import rows_of

    return Table(
        "dataset",
        "Dataset",
        (
            Column("word", "Word"),
            *(
                Column(name, name.capitalize(), fmt.count)
                for name in ("recordings", "speakers", "training", "validation", "testing")
            ),
            Column("shortest_s median_s longest_s", "Length in s: least, median, most", _seconds),
            Column("lowest_dbfs median_dbfs highest_dbfs", "Level in dBFS", _levels),
            Column("unplayed", "Not played", fmt.count),
            Column("clipped", "Clipped", fmt.count),
        ),
        rows_of(found),
    )


def _seconds(shortest: float, median: float, longest: float) -> str:
    return f"{shortest:.2f} {median:.2f} {longest:.2f}"


def _levels(lowest: float, median: float, highest: float) -> str:
    return f"{lowest:.0f} {median:.0f} {highest:.0f}"
