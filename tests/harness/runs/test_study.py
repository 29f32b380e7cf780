"""Run a small study: points, baselines, gaps, resume."""

from __future__ import annotations

import shutil
from functools import partial

import pytest
from reported import reported
from small_datasets import cifar_10_pickles, tone_dataset

from harness.errors import AccuracyFailed
from harness.meters.rapl import Rapl
from harness.report.pages.study_tables import means_table
from harness.runs import study as study_runs
from harness.runs.study import point_of, run_study
from models import networks
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
    compressed = (store.root / "compress").glob("*/inputs.json")  # those of the images' study too
    shutil.rmtree(next(file for file in compressed if '"kind": "weights"' in file.read_text()).parent)
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


IMAGES = """
id = "images-{threshold}"
title = "{threshold} % cut"
network = "mobilenet"
precision = "float32"

[study]
title = "Images"
question = "How much can go?"
x = "threshold"
plots = ["accuracy over threshold"]
on_linux = true

[training]
epochs = 1
batch_size = 32

[pruning]
kind = "channels"
threshold = [0.25, 0.5]
rounding = "up"
fine_tune_epochs = 1
"""


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Return a study, and 100 images in the layout of CIFAR-10 with 20 to test."""
    folder = tmp_path_factory.mktemp("images")
    (folder / "images.toml").write_text(IMAGES)
    return load_study("images", folder), cifar_10_pickles(folder / "cifar", 20)


@pytest.fixture
def narrow(monkeypatch):
    """Give MobileNet an eighth of its channels, so that it trains in a second."""
    monkeypatch.setattr(networks, "MobileNet", partial(networks.MobileNet, width=0.125))


@pytest.mark.usefixtures("narrow")
def test_networks_of_images_are_measured_as_onnx(images, store):
    study, dataset = images
    record = run_study(study, dataset, store, jobs=1)
    (trained,) = (base.network for base in record.baselines.values())
    pruned = [point.after for point in record.points]
    assert (record.samples, record.run["dataset"], record.meter) == ("images", "CIFAR-10", "")
    assert record.computer.startswith("this host, ")
    assert [point.fine_tune_epochs for point in record.points] == [1, 1]
    assert len(record.test_labels) == 20
    for network in (trained, *pruned):
        assert len(network.linux.samples_us) >= 300
        assert network.linux.difference <= network.linux.tolerance
        assert network.unfolded_parameters > network.parameters
        assert network.linux.model_bytes > 4 * network.parameters
    sizes = [network.linux.model_bytes for network in (trained, *pruned)]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.usefixtures("narrow")
def test_a_network_that_cannot_be_measured_keeps_its_accuracy(images, store, monkeypatch):
    def refuse(*_arguments, **_settings):
        raise AccuracyFailed("the outputs differ", where="model.onnx")

    monkeypatch.setattr(study_runs, "measure_onnx", refuse)
    study, dataset = images
    point = run_study(study, dataset, store, jobs=1).points[0]
    assert point.after.linux is None and "the outputs differ" in point.after.not_measured
    assert len(point.after.predictions) == 20


@pytest.mark.usefixtures("narrow")
def test_a_meter_that_fails_leaves_the_other_figures(images, store, tmp_path):
    study, dataset = images
    folder = tmp_path / "intel-rapl:0"  # its counter does not count
    folder.mkdir()
    for name, content in (("name", "package-0"), ("energy_uj", "1000"), ("max_energy_range_uj", "100000")):
        (folder / name).write_text(content)
    record = run_study(study, dataset, store, jobs=1, meter=Rapl(root=tmp_path))
    first, second, third = (*(base.network for base in record.baselines.values()), *_after(record))
    assert first.linux and second.linux and third.linux
    assert "meter" in first.not_measured and first.power is None
    assert (second.not_measured, second.power) == ("", None)  # the meter is not asked again
    assert record.meter.startswith("rapl, package-0")


def _after(record):
    return [point.after for point in record.points]


def test_a_network_that_is_neither_pruned_nor_quantized_is_a_point(tmp_path, dataset, store):
    (tmp_path / "seeds.toml").write_text(
        STUDY.partition("[pruning]")[0]
        .replace("cuts-{threshold}", "seeds")
        .replace("{threshold} % cut", "Seed")
        .replace('x = "threshold"', 'x = "epochs"')
        .replace("over remaining", "over epochs")
    )
    record = run_study(load_study("seeds", tmp_path), dataset, store, jobs=1)
    assert [(point.baseline, point.before, point.mse) for point in record.points] == [(None, None, None)] * 2
    assert all(len(point.after.predictions) == len(record.test_labels) for point in record.points)
    assert "accuracy" in means_table(record).rows[0]
