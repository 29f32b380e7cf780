from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from tone_dataset import tone_dataset

from harness.runs.studies import run_study
from harness.runs.studies.running import point_of
from harness.stats.claims import judge
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

[study.claims.most]
text = "half of it is more than a tenth"
this = ["threshold = 50"]
that = ["threshold = 90"]

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
    return run_study(study, dataset, store, print, jobs=1)


def test_every_point_has_what_its_network_heard(record):
    assert [point.id for point in record.points] == ["cuts-50-1", "cuts-90-1", "cuts-50-2", "cuts-90-2"]
    for point in record.points:
        for state in ("trained", "before", "after"):
            assert len(record.network_of(point, state).heard) == len(record.test_labels) > 10
    assert record.labels == ["silence", "unknown", "yes", "no"]


def test_a_point_has_less_than_the_network_it_was_made_of(record):
    for point in record.points:
        whole = record.network_of(point, "trained")
        assert whole.remaining_parameters > 1.9 * point.after.remaining_parameters
        assert whole.macs == point.after.macs  # zeros are multiplied with, too
        assert point.mse > 0


def test_points_of_one_training_share_their_baseline(record):
    assert list(record.baselines) == ["seed = 1", "seed = 2"]
    assert [point.baseline for point in record.points] == ["seed = 1"] * 2 + ["seed = 2"] * 2


def test_claims_can_be_judged(record):
    (found,) = [judge(claim, record) for claim in record.claims]
    assert (found.paired.runs, found.paired.seeds, found.missing) == (2, 2, 0)


def test_the_record_tells_where_it_comes_from(record, dataset):
    assert record.run["dataset"] == dataset.name
    assert record.run["started"] <= record.run["ended"]
    assert record.code["commit"] and record.environment["cpu"]


def test_an_interrupted_study_makes_only_what_is_missing(record, study, dataset, store):
    shutil.rmtree(sorted((store.root / "transform").glob("????????????????"))[0])
    lines: list[str] = []
    again = run_study(study, dataset, store, lines.append, jobs=1)
    assert [line.split(" … ")[0].split(": ")[1] for line in lines if " … " in line] == ["transform"]
    assert again.points == record.points


def test_a_point_that_fails_is_a_gap(study):
    failure = ModelError("it broke", "cuts-50-1", "Mend it.")
    point = point_of(study, Outcome(study.variants[0], failure=failure), {})
    assert (point.after, point.baseline) == (None, None)
    assert "it broke" in point.failure.message
    assert replace(point, failure=None).at == {"seed": "1", "threshold": "50"}
