"""Training and fine-tuning."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from small_datasets import SyntheticFeatures

from models import train as training
from models.variants import Training, Variant

VARIANT = Variant("some", "Some", "tinyconv", "float32", seed=3, training=Training(epochs=4, batch_size=32))


@pytest.fixture(scope="module")
def trained():
    return training.fit(VARIANT, SyntheticFeatures())


def weights(result: training.Trained) -> list[torch.Tensor]:
    return list(result.network.state_dict().values())


def test_training_learns_and_is_repeatable(trained):
    assert sum(count.correct for count in trained.accuracy["testing"]) / 256 > 0.95
    again = training.fit(VARIANT, SyntheticFeatures())
    assert all(map(torch.equal, weights(trained), weights(again)))
    assert again.epochs == trained.epochs


def test_the_kept_weights_give_the_validation_loss_of_their_epoch():
    few = dataclasses.replace(VARIANT, training=Training(epochs=30, learning_rate=0.03, batch_size=16))
    result = training.fit(few, SyntheticFeatures(clips=40))
    losses = [epoch.validation_loss for epoch in result.epochs]
    assert result.kept_epoch == losses.index(min(losses)) + 1
    features, labels = SyntheticFeatures(clips=40).split("validation")
    inputs = torch.from_numpy(features.astype(np.float32) * np.float32(10 / 256)).reshape(40, -1)
    with torch.no_grad():
        loss = float(torch.nn.functional.cross_entropy(result.network(inputs), torch.from_numpy(labels)))
    assert loss == pytest.approx(result.epochs[result.kept_epoch - 1].validation_loss, rel=1e-4, abs=1e-7)


def test_the_generator_and_threads_of_the_caller_are_restored():
    torch.manual_seed(11)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    training.fit(dataclasses.replace(VARIANT, training=Training(epochs=1)), SyntheticFeatures(32))
    assert torch.equal(before, torch.get_rng_state()) and torch.get_num_threads() == threads


def test_a_saved_network_is_loaded(trained, tmp_path):
    training.save(trained, tmp_path)
    loaded = training.load(VARIANT, 4, tmp_path)
    assert all(map(torch.equal, weights(trained), loaded.state_dict().values()))
    assert not loaded.training


def l1_norm(result: training.Trained) -> float:
    return float(result.network.output.weight.detach().abs().sum())


def test_l1_shrinks_weights(trained):
    with_l1 = dataclasses.replace(VARIANT, training=dataclasses.replace(VARIANT.training, l1=1e-3))
    assert l1_norm(training.fit(with_l1, SyntheticFeatures())) < 0.9 * l1_norm(trained)


@pytest.fixture(scope="module")
def tuned(trained):
    return training.fine_tune(trained.network, VARIANT, SyntheticFeatures(), 3)


def test_fine_tuning_begins_with_the_original_network(trained, tuned):
    assert [epoch.epoch for epoch in tuned.epochs] == [0, 1, 2, 3]
    assert tuned.epochs[0].validation_loss == trained.epochs[trained.kept_epoch - 1].validation_loss


def test_fine_tuning_that_only_harms_keeps_the_original_network(trained):
    harmful = dataclasses.replace(VARIANT, training=Training(learning_rate=0.9, batch_size=16))
    worse = training.fine_tune(trained.network, harmful, SyntheticFeatures(), 1)
    assert worse.kept_epoch == 0 and all(map(torch.equal, weights(worse), weights(trained)))


def test_masked_weights_stay_zero():
    network = training.new_network(VARIANT, 4)
    mask = (torch.arange(network.output.weight.numel()).reshape(network.output.weight.shape) % 3 > 0).float()
    with torch.no_grad():
        network.output.weight.mul_(mask)
    tuned = training.fine_tune(network, VARIANT, SyntheticFeatures(), 2, {"output.weight": mask})
    assert tuned.kept_epoch > 0  # not the network as it came
    assert torch.equal(tuned.network.output.weight != 0, mask > 0)
