"""Benchmark of each step of Earshot, on a small job without a cache."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from harness.boards.emulated import EmulatedBoard
from harness.firmware.engine import get_engine
from harness.layout import CONFIGS, RECORDINGS
from harness.link.records import RecordParser
from harness.link.transcript import read_transcript
from harness.sound.recording_scan import read_recordings
from harness.sound.stimulus import compose
from models.data.corpus import CorpusConfig, synthetic_corpus
from models.data.dataset import DatasetConfig
from models.data.features import feature_sets, micro_features
from models.model_artifact import ModelArtifact
from models.pipeline import prepare
from models.store import Store
from models.train import fit
from models.variants import load_family

_CORPUS = CorpusConfig(wanted_each=100, others_each=10, noise_s=10.0)
_EPOCHS = 10
_PARSED_RECORDS = 200_000
T = TypeVar("T")


def measure(folder: Path) -> list[tuple[str, str, float, str]]:
    """Run every step once in an empty folder; return step, job, seconds, and the speed with its unit."""
    rows: list[tuple[str, str, float, str]] = []

    def timed(step: str, job: str, unit: str, run: Callable[[], T], amount: Callable[[T], float]) -> T:
        start = time.perf_counter()
        result = run()
        seconds = time.perf_counter() - start
        rows.append((step, job, seconds, f"{amount(result) / seconds:,.1f} {unit}"))
        print(f"{step}: {seconds:.1f} s", file=sys.stderr, flush=True)
        return result

    store = Store(folder)
    words = len(_CORPUS.wanted) * _CORPUS.wanted_each + len(_CORPUS.others) * _CORPUS.others_each
    corpus = timed(
        "corpus",
        f"{words} words",
        "words/s",
        lambda: synthetic_corpus(store, _CORPUS),
        lambda _: words,
    )
    micro_features(np.zeros(16_000, np.int16))  # starts TensorFlow, which is not measured
    features = timed(
        "features",
        "training, validation and test set",
        "clips/s",
        lambda: feature_sets(corpus, DatasetConfig(), store),
        lambda sets: sum(len(sets.split(name)[0]) for name in ("training", "validation", "testing")),
    )
    clips = len(features.split("training")[0])

    (variant,), _ = load_family(CONFIGS, "tinyconv-int8")
    short = replace(variant, training=replace(variant.training, epochs=_EPOCHS))
    timed(
        "training",
        f"{_EPOCHS} epochs of {clips} clips",
        "clips/s",
        lambda: fit(short, features),
        lambda _: _EPOCHS * clips,
    )
    model = timed(
        "conversion",
        "train, convert, check, evaluate",
        "models/s",
        lambda: prepare(short, corpus, store),
        lambda _: 1,
    )

    sound = compose(read_recordings(RECORDINGS, model.labels).recordings).samples[: 60 * 16_000]
    transcript = folder / "int8.log"
    with EmulatedBoard(store) as board:
        board.describe()  # builds the cycle model
        engine = get_engine("codegen")
        timed("build", "stage, compile, link", "images/s", lambda: board.build(model, engine), lambda _: 1)

        def hear(artifact: ModelArtifact) -> None:
            board.upload(board.build(artifact, engine))
            link = board.open(folder / f"{artifact.precision}.log")
            timed(
                "emulation",
                f"60 s of audio, {artifact.precision}",
                "× real time",
                lambda: list(link.listen(lambda: board.listen(sound))),
                lambda _: 60,
            )

        hear(model)
        hear(prepare(replace(short, precision="float32"), corpus, store))

    lines = [timed_line.line for timed_line in read_transcript(transcript) if not timed_line.from_host]
    repeats = -(-_PARSED_RECORDS // len(lines))

    def parse() -> None:
        for _ in range(repeats):
            parser = RecordParser()
            for line in lines:
                parser.feed(line, 0.0)

    count = repeats * len(lines)
    timed("parsing", f"{count:,} records", "records/s", parse, lambda _: count)
    return rows


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="earshot-bench-") as folder:
        rows = measure(Path(folder))
    print(f"\n{'step':<12}{'job':<34}{'seconds':>9}  speed")
    for step, job, seconds, speed in rows:
        print(f"{step:<12}{job:<34}{seconds:>9.2f}  {speed}")


if __name__ == "__main__":
    main()
