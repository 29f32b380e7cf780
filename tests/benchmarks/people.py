"""People's words in a stream on the emulated board, with a recognizer that was tuned on other speakers.

    python -m benchmarks.people --dataset FOLDER --variants tinyconv-int8 --voices both
    python -m benchmarks.people --dataset FOLDER --model FILE --labels silence,unknown,yes,no

The dataset has lists of its validation and testing set. The recognizer is tuned on the validation set
without a false accept in the dataset's noise, which is repeated to last 30 minutes, and judged on the
testing set with the same noise. Its false accepts then say nothing about other noise: `--halves` tunes on
one half of each file of noise and judges on the other. The logs of both also tell what TensorFlow's
recognizer and other limits bring. All other options go to `earshot field`.
"""

from __future__ import annotations

import argparse
import sys
from itertools import product
from pathlib import Path

import numpy as np
from recognizer_library import TENSORFLOW

from harness import cli
from harness import format as fmt
from harness.bench_file import recognizer_tables
from harness.errors import EXIT_CLEAN, EXIT_INCONCLUSIVE
from harness.records.field_record import FieldVariant
from harness.runs.field.logs import read_logs
from harness.runs.folder import FIELD
from harness.stats.matching import is_keyword
from harness.stats.tuning.judging import judge, point
from harness.stats.tuning.limits import Limits
from harness.stats.tuning.search import Search
from models.data.dataset import BACKGROUND_FOLDER
from models.data.sound_folder import list_sounds
from models.data.wav import SAMPLE_RATE_HZ, read_wav, write_wav
from models.scratch import ScratchFolder

MINUTES = 30
MOST_FALSE = (0, 2, 5, 10, 20, 30, 40, 50, 60)
ACCEPTED = (0.05, 0.1, 0.125, Limits().accepted)
"""False accepts, and other words taken for a keyword, that a choice may have in the validation set's log."""
LEVELS = (1.0, 1.0, 1.0, 1.0, 1.0, 0.7, 0.5, 0.3, 0.15, 0.06)
"""The noise of each part of the time: half of it is as recorded."""


def write_noise(dataset: Path, folder: Path, half: int | None = None) -> None:
    """Write 30 minutes of a dataset's noise or of a half of each file, each part from another place."""
    files, _ = list_sounds(dataset / BACKGROUND_FOLDER)
    sounds = [read_wav(path)[0] for path in files]
    if half is not None:
        sounds = [np.array_split(sound, 2)[half] for sound in sounds]
    noise = np.concatenate(sounds)
    folder.mkdir(exist_ok=True)
    draw = np.random.default_rng(1)
    samples = MINUTES * 60 * SAMPLE_RATE_HZ // len(LEVELS)
    for number, level in enumerate(LEVELS):
        part = np.resize(np.roll(noise, int(draw.integers(len(noise)))), samples)
        write_wav(folder / f"noise{number}.wav", (part * level).astype(np.int16))


def figures(variant: FieldVariant) -> str:
    """Describe keywords, other words and false accepts of a variant."""
    counted = [row for row in variant.stimuli if row.counts]
    keywords = [row for row in counted if is_keyword(row.label)]
    others = [row for row in counted if not is_keyword(row.label)]
    heard, taken = sum(row.correct for row in keywords), sum(not row.correct for row in others)
    minutes = sum(segment.keyword_free_s for segment in variant.segments) / 60
    false = len(variant.false_accepts)
    return (
        f"{heard} of {len(keywords)} keywords ({fmt.share(heard / len(keywords))}), {taken} of {len(others)} "
        f"other words taken for one ({fmt.share(taken / len(others))}), {false} false accepts "
        f"in {minutes:.1f} min"
    )


def print_others(validation: Path, testing: Path) -> None:
    """Print the testing set's counts with TensorFlow's recognizer, and with recognizers of other limits."""
    for (variant, known), (_, judged) in zip(read_logs([validation]), read_logs([testing]), strict=True):
        search = Search(known)
        chosen = [("TensorFlow's recognizer", TENSORFLOW)]
        for accepted, false in [*product(ACCEPTED, MOST_FALSE[:1]), *product(ACCEPTED[-1:], MOST_FALSE)]:
            place = search.best(false, int(accepted * known.words.others))
            name = f"tuned with at most {false} false accepts and {fmt.share(accepted)} of other words"
            if search.recognizers[place] != chosen[-1][1]:
                chosen.append((name, search.recognizers[place]))
        for name, recognizer in chosen:
            found = point(judged, judge(judged, recognizer).counts)
            print(
                f"{variant.id}, {name}: {found.keywords - found.misses} of {found.keywords} keywords, "
                f"{found.accepted_non_keywords} of {found.non_keywords} other words taken for one, "
                f"{found.false_accepts} false accepts"
            )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dataset", type=Path)
    parser.add_argument("--halves", action="store_true", help="judge with noise that tuning did not know")
    options, others = parser.parse_known_args()
    if options.dataset is None:
        print("skipped: give a dataset of people with --dataset FOLDER")
        return
    dataset = options.dataset.resolve()
    trained = [] if "--model" in others else ["--dataset", str(dataset)]
    with ScratchFolder("people") as folder:
        bench = folder / "bench.toml"
        bench.write_text("")
        folders = []
        for half, split in enumerate(("validation", "testing")):
            noise = folder / f"noise-{split}"
            write_noise(dataset, noise, half if options.halves else None)
            played = ["--recordings", str(dataset), "--split", split, "--keyword-free", str(noise)]
            chosen = ["--bench", str(bench), "--output", str(folder / "runs"), *trained, *others]
            if code := cli.main(["field", *played, *chosen]):
                sys.exit(code)
            record = FIELD.latest(folder / "runs")
            folders.append(record.parent)
            for variant in FIELD.read(record).variants:
                recognizer = recognizer_tables({variant.id: variant.recognizer}).replace("\n", " ")
                print(f"{variant.id}, {split} set: {figures(variant)}\n  {recognizer}", flush=True)
            if split == "validation":
                write = ["--write", "--bench", str(bench), "--output", str(folder / "tuning")]
                # If no choice is worth writing, the testing set is played to the default recognizer.
                if cli.main(["tune", str(record.parent), *write]) not in (EXIT_CLEAN, EXIT_INCONCLUSIVE):
                    sys.exit(1)
        print_others(*folders)


if __name__ == "__main__":
    main()
