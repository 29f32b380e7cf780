"""Cross-validated search of the recognizer's default parameters.

    python -m benchmarks.recognizer_defaults --dataset PEOPLE
        [--micro-speech micro_speech_quantized.tflite] [--kws-reference kws_ref_model.tflite]

TinyConv variants of synthetic voices and of both kinds, and published models, listen to speakers of the
dataset's validation and testing list, to the project's synthetic recordings at three SNRs, and to an hour
without words, half of it the dataset's noise. The host computes their scores slice by slice; the emulated
board's are equal. The noise is the same in both folds: the false accepts compare recognizers, and are no
rates to expect.

One recognizer, with the same threshold for all labels, is chosen for all models: of those with at most as
many false accepts as TensorFlow's, and at most 15 % of other words taken for a keyword, the one that detects
most keywords. To judge the choice, each fold of a model's speakers is left to the recognizer that is chosen
for the other folds of all other models.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from benchmarks.people import write_noise
from numpy.typing import NDArray
from recognizer_library import TENSORFLOW

from harness.layout import RECORDINGS
from harness.measure.mlperf_files import LABELS
from harness.measure.streaming import streaming_scores, streaming_slices
from harness.recognizer import Recognizer
from harness.records.field_record import Condition, FieldSegment
from harness.runs.selection import Selection
from harness.sound.planning import make_plan
from harness.sound.playback_plan import PlanOptions, Segment
from harness.sound.recordings import label_of
from harness.sound.scene import render
from harness.stats.segment import FIRST_SLICE_MS, SLICE_MS, FieldWord, PlayedSegment
from harness.stats.statistics import cluster_interval
from harness.stats.tuning.grid import RULES, SUPPRESSIONS_MS, THRESHOLDS
from harness.stats.tuning.judging import Judge, judge
from harness.stats.tuning.limits import Limits
from harness.stats.tuning.log import FOLDS, Log, read_log
from models.data.front_ends import load_front_end
from models.interpreter import OPTIMIZED
from models.model_artifact import ModelArtifact
from models.reference import ReferenceModel
from models.scratch import ScratchFolder

VARIANTS = "tinyconv-int8,tinyconv-aware,pruned-weights-50,pruned-channels-25"
KEYWORD_FREE_S = 1800.0

CANDIDATES = tuple(
    replace(rule, threshold=threshold, suppression_ms=suppression_ms)
    for rule in RULES
    for threshold in THRESHOLDS
    for suppression_ms in SUPPRESSIONS_MS
)
BASELINE = CANDIDATES.index(TENSORFLOW)


@dataclass(frozen=True, eq=False)
class JudgedModel:
    """A model with its log, and the counts (candidates, FOLDS, 3) of every candidate, see `Judged`."""

    title: str
    log: Log
    counts: NDArray[np.int64]


class Streams:
    """The sound of all plans, as features of each front end."""

    def __init__(self, dataset: Path, scratch: Path) -> None:
        write_noise(dataset, scratch)
        conditions = tuple(Condition(f"{snr} dB", snr_db=snr) for snr in (20, 10, 5))
        options = {
            dataset: (
                PlanOptions(split="validation", keyword_free_s=KEYWORD_FREE_S),
                PlanOptions(split="testing", keyword_free=scratch),
            ),
            RECORDINGS: (PlanOptions(conditions=conditions),),
        }
        self._plans = [make_plan(folder, one) for folder, those in options.items() for one in those]
        self._slices: dict[str, list[tuple[Segment, NDArray[np.uint16]]]] = {}

    def play(self, model: ModelArtifact, every: int) -> Iterator[PlayedSegment]:
        """Compute the scores of a model that infers after every so many slices."""
        reference = ReferenceModel(model.tflite, model.front_end, OPTIMIZED)
        if model.front_end not in self._slices:
            self._slices[model.front_end] = [
                (segment, streaming_slices(load_front_end(model.front_end), render(plan, segment).samples))
                for plan in self._plans
                for segment in plan.segments
            ]
        for segment, slices in self._slices[model.front_end]:
            scores = streaming_scores(reference, slices, every)
            times_ms = FIRST_SLICE_MS + SLICE_MS * every * np.arange(len(scores), dtype=np.uint32)
            words = [
                FieldWord(
                    label_of(word.word, model.labels),
                    word.word,
                    word.source,
                    word.speaker,
                    word.onset_s,
                    word.end_s,
                )
                for word in segment.words
            ]
            row = FieldSegment(
                segment.number, segment.condition, segment.duration_s, 0.0, 0, 0, True, 0.0, "", 0, None, None
            )
            yield PlayedSegment(row, words, times_ms, scores, ())


def judge_all(title: str, log: Log) -> JudgedModel:
    """Judge all candidates on the log of a model."""
    each = len(CANDIDATES) // len(RULES)
    counts = []
    for place, averages in enumerate(log.averages(RULES)):
        candidates = CANDIDATES[place * each : (place + 1) * each]
        # Silence and unknown have the threshold of the keywords, so each threshold takes a judge of its own.
        counts += [Judge(log, averages, one).judge(one).counts for one in candidates]
    return JudgedModel(title, log, np.array(counts))


def choose(models: Sequence[JudgedModel], folds: Sequence[int]) -> Recognizer:
    """Choose one recognizer for some folds of all models."""
    missed, false, accepted = sum(one.counts[:, folds].sum(axis=1) for one in models).T
    words = [one.log.words for one in models]
    others = sum(int((np.isin(one.folds, folds) & ~one.are_keywords).sum()) for one in words)
    within = (false <= false[BASELINE]) & (accepted <= int(Limits().accepted * others))
    (places,) = np.nonzero(within)
    return CANDIDATES[places[np.lexsort(((false + accepted)[within], missed[within]))[0]]]


def held_out(models: Sequence[JudgedModel]) -> None:
    """Judge each fold of each model by what is chosen without both, and print."""
    gained: list[int] = []
    speakers: list[str] = []
    choices: Counter[str] = Counter()
    totals = np.zeros((2, 3), np.int64)
    for one, fold in product(models, range(FOLDS)):
        known = [other for other in models if other is not one]
        chosen = choose(known, [other for other in range(FOLDS) if other != fold])
        choices[described(chosen)] += 1
        new, old = judge(one.log, chosen), judge(one.log, TENSORFLOW)
        totals += np.stack([new.counts[fold], old.counts[fold]])
        words = one.log.words
        judged = words.are_keywords & (words.folds == fold)
        gained += (new.right[judged].astype(int) - old.right[judged]).tolist()
        speakers += [words.names[speaker] for speaker in words.speakers[judged]]
    number = len(gained)
    names = [*dict.fromkeys(speakers)]
    low, high = cluster_interval(gained, [names.index(speaker) for speaker in speakers])
    print("Held out:")
    for choice, times in choices.most_common():
        print(f"  chosen {times} times: {choice}")
    for name, (missed, false, accepted) in zip(("chosen", "TensorFlow"), totals.tolist(), strict=True):
        print(
            f"  {name}: {number - missed} of {number} keywords, {false} false accepts, {accepted} other words"
        )
    gain, low, high = (100 * share for share in (sum(gained) / number, low, high))
    print(f"  gain: {gain:.1f} points, {low:.1f} to {high:.1f} over {len(names)} speakers")


def described(one: Recognizer) -> str:
    return (
        f"{one.smoothing} {one.window_ms} ms, threshold {one.threshold}, suppression {one.suppression_ms} ms"
    )


def main() -> None:
    """Search and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--dataset", type=Path)
    parser.add_argument("--micro-speech", type=Path, metavar="FILE")
    parser.add_argument("--kws-reference", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.dataset is None:
        print("skipped: give a dataset of people with --dataset FOLDER")
        return
    dataset = options.dataset.resolve()
    selections = [
        (f", {voices} voices", Selection(VARIANTS, dataset, voices=voices), 1)
        for voices in ("synthetic", "both")
    ]
    if file := options.micro_speech:
        labels = ("silence", "unknown", "yes", "no")
        selections.append(("", Selection(model_file=file, labels=labels), 1))
    if file := options.kws_reference:
        # The emulated board takes 57 ms for an inference.
        selections.append(("", Selection(model_file=file, labels=LABELS, front_end="mfcc"), 3))
    with ScratchFolder("recognizer-defaults") as scratch:
        streams = Streams(dataset, scratch)
        models = [
            judge_all(f"{model.title}{voices}", read_log(model.labels, streams.play(model, every), 1.0))
            for voices, selection, every in selections
            for model in selection.models()
        ]
    held_out(models)
    chosen = choose(models, range(FOLDS))
    print(f"Of all: {described(chosen)}")
    for one in models:
        words, hours = one.log.words.are_keywords, one.log.hours.sum()
        for name, recognizer in (("chosen", chosen), ("TensorFlow", TENSORFLOW)):
            missed, false, accepted = judge(one.log, recognizer).counts.sum(axis=0).tolist()
            print(
                f"  {one.title}: {name} {words.sum() - missed} of {words.sum()}, {false} false accepts in "
                f"{hours:.1f} h, {accepted} of {(~words).sum()} other words"
            )


if __name__ == "__main__":
    main()
