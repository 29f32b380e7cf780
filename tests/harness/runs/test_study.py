"""Run a small study: points, baselines, gaps, resume."""

from __future__ import annotations

import shutil

import pytest
from reported import reported
from small_datasets import tone_dataset

from harness.runs.study import point_of, run_study
from models.errors import ModelError
from models.parallel import Outcome
from models.store import Store
from models.studies import load_study

STUDY = """
id = "cuts-{threshold}-{seed}"
title = "{threshold} % cut"
network = "tinyconv"
precision = "float32"
seed = [1, 2]

[study]
title = "Cuts"
question = "How much can go?"
x = "threshold"
plots = ["accuracy over remaining"]

[training]
epochs = 2
batch_size = 32

[pruning]
kind = "weights"
threshold = [0.5, 0.9]
fine_tune_epochs = 1
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return tone_dataset(tmp_path_factory.mktemp("dataset"))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies")
    (folder / "cuts.toml").write_text(STUDY)
    return load_study("cuts", folder)


@pytest.fixture(scope="module")
def record(study, dataset, store):
    return run_study(study, dataset, store, jobs=1)


def test_every_point_has_its_predictions_before_and_after(record):
    assert [point.id for point in record.points] == ["cuts-50-1", "cuts-90-1", "cuts-50-2", "cuts-90-2"]
    for point in record.points:
        for network in (record.baselines[point.baseline].network, point.before, point.after):
            assert len(network.predictions) == len(record.test_labels) > 10
    assert record.labels == ["silence", "unknown", "yes", "no"]
    assert list(record.baselines) == ["seed = 1", "seed = 2"]
    assert [point.baseline for point in record.points] == ["seed = 1"] * 2 + ["seed = 2"] * 2
    assert record.code["commit"] and record.environment["cpu"]


def test_a_pruned_network_has_fewer_parameters_than_its_baseline(record):
    for point in record.points:
        whole = record.baselines[point.baseline].network
        assert whole.remaining_parameters > 1.9 * point.after.remaining_parameters
        assert whole.macs == point.after.macs  # zeros are multiplied too
        assert point.mse > 0


def test_an_interrupted_study_resumes(record, study, dataset, store):
    shutil.rmtree(sorted((store.root / "compress").glob("????????????????"))[0])
    with reported() as lines:
        again = run_study(study, dataset, store, jobs=1)
    assert [line.split(": ")[1] for line in lines] == ["compress …"]
    assert again.points == record.points


def test_a_point_that_fails_is_a_gap(study):
    failure = ModelError("it broke", "cuts-50-1", "Mend it.")
    point = point_of(study, Outcome(study.variants[0], failure=failure), {})
    assert (point.after, point.baseline) == (None, None)
    assert "it broke" in point.failure.message
    assert (point.seed, point.x) == (1, 0.5)
