"""Trains a variant's network: seeded, repeatable, kept as a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from models import networks
from models.augmentation import augmented
from models.dataset import SPLITS, Split
from models.evaluation import LabelCount, count_correct
from models.features import CHANNELS, SLICES, float_features
from models.variants import NETWORKS, Training, Variant

_THREADS = 1
"""However many cores there are: the weights depend on it, by the order of summation. A second thread saves a
third of the time on an idle machine and triples it on a busy one, where threads wait for each other."""


class Splits(Protocol):
    """The features of a dataset, as `models.features.FeatureSets` has them."""

    @property
    def labels(self) -> Sequence[str]:
        """The names of the labels in the order of their indices."""

    def split(self, name: Split) -> tuple[np.ndarray, np.ndarray]:
        """Features uint16 (N, 49, 40) and labels int64 (N,) of "training", "validation" or "testing"."""


@dataclass(frozen=True)
class Epoch:
    """One epoch of training; losses are mean cross entropy, accuracies 0 to 1.

    Those of training are taken as the epoch goes: augmented, with dropout, while the weights move.
    """

    epoch: int
    training_loss: float
    training_accuracy: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True)
class Trained:
    """A trained network with its history.

    Attributes:
        network: in evaluation mode, with the weights of the epoch that was kept.
        epochs: the learning curves.
        kept_epoch: counts from 1.
        accuracy: of the float network, by split.
    """

    network: nn.Module
    epochs: list[Epoch]
    kept_epoch: int
    accuracy: dict[str, list[LabelCount]]


def new_network(variant: Variant, labels: int) -> nn.Module:
    """The network that the variant names, with weights that have learned nothing."""
    return getattr(networks, NETWORKS[variant.network])(labels=labels, dropout=variant.training.dropout)


def fit(variant: Variant, features: Splits, show_bar: bool = True) -> Trained:
    """Trains the variant's network with Adam on cross entropy.

    The epoch with the lowest validation loss is kept (the first of equals): the last one is no better than
    its neighbours but by luck, and with few clips the loss rises again long before it.

    The same variant and features give the same weights on the same kind of processor.

    Args:
        variant: network, seed and training; its precision does not matter here.
        features: the dataset's.
        show_bar: whether to show the epochs on stderr as they pass.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(_THREADS)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(variant.seed)
            return _fit(variant, features, show_bar)
    finally:
        torch.set_num_threads(threads)


def _fit(variant: Variant, features: Splits, show_bar: bool) -> Trained:
    data = {name: _tensors(features, name) for name in SPLITS}
    network = new_network(variant, len(features.labels))
    settings = variant.training
    optimizer = torch.optim.Adam(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    epochs: list[Epoch] = []
    best = 0
    best_weights: dict[str, torch.Tensor] = {}
    with tqdm(
        total=settings.epochs, desc="training", unit=" epochs", disable=not show_bar, leave=False
    ) as bar:
        for number in range(1, settings.epochs + 1):
            training = _train_epoch(network, optimizer, *data["training"], settings)
            logits = _logits(network, data["validation"][0])
            validation = _loss_and_accuracy(logits, data["validation"][1])
            epochs.append(Epoch(number, *training, *validation))
            if epochs[-1].validation_loss < epochs[best].validation_loss or not best_weights:
                best = number - 1
                best_weights = {name: weights.clone() for name, weights in network.state_dict().items()}
            bar.update()
            bar.set_postfix(validation=f"{epochs[-1].validation_accuracy:.1%}")
    network.load_state_dict(best_weights)
    accuracy: dict[str, list[LabelCount]] = {
        name: count_correct(_logits(network, values).argmax(1).numpy(), labels.numpy(), features.labels)
        for name, (values, labels) in data.items()
    }
    return Trained(network.eval(), epochs, best + 1, accuracy)


def _tensors(features: Splits, name: Split) -> tuple[torch.Tensor, torch.Tensor]:
    values, labels = features.split(name)
    # (N, 1960) float32 and (N,) int64, whole: no loader is as fast as indexing a tensor.
    flat = torch.from_numpy(float_features(np.asarray(values)).reshape(len(values), -1))
    return flat, torch.from_numpy(np.asarray(labels))


def _train_epoch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    values: torch.Tensor,
    labels: torch.Tensor,
    settings: Training,
) -> tuple[float, float]:
    """One pass in a new order; mean loss and accuracy as it went."""
    network.train()
    loss_sum, correct = 0.0, 0
    for batch in torch.randperm(len(labels)).split(settings.batch_size):
        clips = augmented(
            values[batch].reshape(-1, SLICES, CHANNELS),
            shift_slices=settings.shift_slices,
            shift_channels=settings.shift_channels,
            mask_slices=settings.mask_slices,
            mask_channels=settings.mask_channels,
        )
        logits = network(clips.flatten(1))
        loss = nn.functional.cross_entropy(logits, labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(batch)
        correct += int((logits.argmax(1) == labels[batch]).sum())
    return loss_sum / len(labels), correct / len(labels)


def _logits(network: nn.Module, values: torch.Tensor) -> torch.Tensor:
    """(N, labels), without dropout; in pieces that stay in the processor's cache."""
    network.eval()
    with torch.no_grad():
        return torch.cat([network(piece) for piece in values.split(256)])


def _loss_and_accuracy(logits: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    accuracy = (logits.argmax(1) == labels).float().mean()
    return float(nn.functional.cross_entropy(logits, labels)), float(accuracy)


def save(trained: Trained, folder: Path) -> None:
    """Writes `checkpoint.pt` (the weights) and `training.json` (everything else) into a folder."""
    torch.save(trained.network.state_dict(), folder / "checkpoint.pt")
    history = {
        "kept_epoch": trained.kept_epoch,
        "epochs": [asdict(epoch) for epoch in trained.epochs],
        "accuracy": {name: [asdict(count) for count in counts] for name, counts in trained.accuracy.items()},
    }
    (folder / "training.json").write_text(json.dumps(history, indent=1))


def load(variant: Variant, labels: int, folder: Path) -> nn.Module:
    """The trained network of a folder that `save` wrote, in evaluation mode."""
    network = new_network(variant, labels)
    network.load_state_dict(torch.load(folder / "checkpoint.pt", weights_only=True))
    return network.eval()
