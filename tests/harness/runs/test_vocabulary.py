"""Vocabularies of ten words, trained, and of 35, from the model to the report on the emulated board."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from emulated_runs import Models
from small_datasets import tone_dataset
from small_models import classifier

from harness.boards.emulated import EmulatedBoard
from harness.firmware.engine import get_engine
from harness.runs.folder import RUN, begin
from harness.runs.request import Setup
from harness.runs.run import Run
from models.data.corpus import OTHER_WORDS, CorpusConfig, synthetic_corpus
from models.data.dataset import DatasetConfig, SpeechCommands
from models.parallel import prepare_all
from models.pipeline import external
from models.variants import load_family

PLAYED = 12
"""Words that are played of those in the test set."""


@pytest.fixture
def measured(store, tmp_path):
    """Return a function that runs a model on recordings of the test set of a corpus."""

    def run(model, corpus, words):
        clips = [
            clip for clip in SpeechCommands(corpus, DatasetConfig.of(words)).clips("testing") if clip.label
        ]
        for clip in list({clip.word: clip for clip in clips}.values())[:PLAYED]:
            (tmp_path / clip.word).mkdir()
            shutil.copy(corpus / clip.key, tmp_path / clip.word)
        board = EmulatedBoard()
        setup = Setup(Models(model, store=store), board, get_engine("codegen"), recordings=tmp_path)
        record, page = Run(setup, begin(RUN, tmp_path / "nights", board.describe(), {"kind": "run"})).run()
        (row,) = record.variants
        assert row.faults == [] and row.records_lost == 0
        assert row.parity.outputs_equal == row.parity.clips > 0
        return row, page

    return run


@pytest.mark.slow
def test_ten_words_are_trained_and_run(measured, store):
    (variant,), _ = load_family(patterns="ten-words-tinyconv-int8")
    words = variant.vocabulary
    assert words == ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
    variant = replace(variant, training=replace(variant.training, epochs=12))
    config = replace(
        CorpusConfig.of(words), others=("cat", "dog"), wanted_each=30, others_each=20, noise_s=2.0
    )
    corpus = synthetic_corpus(store, config)
    (outcome,) = prepare_all([variant], corpus, store, jobs=1)
    model = outcome.result
    assert model.labels == ("silence", "unknown", *words)
    counts = model.accuracy["testing"]
    chance = 1 / len(model.labels)
    assert sum(count["correct"] for count in counts) / sum(count["total"] for count in counts) > 2 * chance
    row, page = measured(model, corpus, words)
    assert {word.label for word in row.stimuli} == {"unknown", *words}
    assert len(row.stage_us["inference"]) > 0 and "ten words" in page.read_text()


@pytest.mark.slow
def test_35_words_run(measured, store, tmp_path_factory):
    words = ("yes", "no", *OTHER_WORDS)
    assert len(words) == 35
    pitches_hz = {word: 200 * number for number, word in enumerate(words, start=1)}
    corpus = tone_dataset(tmp_path_factory.mktemp("tones"), 20, pitches_hz)
    file = classifier(tmp_path_factory.mktemp("model") / "wide.tflite", 1960, labels=37)
    model = external(file, ("silence", "unknown", *words), store, corpus)
    assert {count["label"] for count in model.accuracy["testing"]} == {"silence", "unknown", *words}
    row, _ = measured(model, corpus, words)
    assert len({word.label for word in row.stimuli}) > 10
