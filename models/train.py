"""Training of a variant's network: seeded, repeatable, saved as a checkpoint."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models import networks, progress
from models.data.augmentation import augmented
from models.data.dataset import SPLITS, Split
from models.data.features import FeatureSets
from models.data.front_ends import load_front_end
from models.evaluation import count_correct
from models.metrics import LabelCount, TrainingEpoch
from models.variants import NETWORKS, Training, Variant

_THREADS = 1
"""Fixed, however many cores there are: the order of summation, and so the weights, depend on it. A second
thread saves a third of the time on an idle machine and triples it on a busy one, where threads wait for each
other."""


@dataclass(frozen=True)
class Trained:
    """A trained network with its history.

    Attributes:
        network: in evaluation mode, with the weights of the kept epoch.
        epochs: learning curves.
        kept_epoch: from 1; after `fine_tune` 0 is the original network.
        accuracy: in torch, by split.
    """

    network: nn.Module
    epochs: list[TrainingEpoch]
    kept_epoch: int
    accuracy: dict[str, list[LabelCount]]


def new_network(variant: Variant, labels: int) -> nn.Module:
    """Create the variant's network, untrained."""
    shape = {} if variant.takes_images else {"shape": load_front_end(variant.front_end).shape}
    return getattr(networks, NETWORKS[variant.network])(
        labels=labels, dropout=variant.training.dropout, **shape
    )


def fit(variant: Variant, features: FeatureSets) -> Trained:
    """Train the variant's network with Adam on cross entropy.

    The epoch with the lowest validation loss is kept (the first of equals): the last one is better than its
    neighbors only by luck, and with few clips the loss rises again long before it. The same variant and
    features give the same weights on the same kind of processor.

    Args:
        variant: network, seed and training.
        features: the dataset's.
    """
    with repeatable(variant.seed):
        data = {name: _tensors(features, name) for name in SPLITS}
        network = new_network(variant, len(features.labels))
        epochs, kept = _optimize(network, data, variant.training, variant.training.epochs, [], {})
        return Trained(network.eval(), epochs, kept, accuracy_of(network, features))


def fine_tune(
    network: nn.Module,
    variant: Variant,
    features: FeatureSets,
    epochs: int,
    masks: Mapping[str, torch.Tensor] | None = None,
) -> Trained:
    """Train a copy of a pruned or quantized network like `fit`.

    The epoch with the lowest validation loss is kept. Epoch 0 is the network as it came, so fine-tuning never
    raises the loss on the validation clips. The curves begin with epoch 0, whose training loss is taken
    without augmentation and dropout.

    Args:
        network: computes logits (N, labels) from float features (N, size).
        variant: gives learning rate, batch size, augmentation and seed.
        features: the dataset's.
        epochs: 0 or more.
        masks: by parameter name and of its shape, zeros where weights must stay zero.
    """
    with repeatable(variant.seed):
        data = {name: _tensors(features, name) for name in SPLITS}
        tuned = copy.deepcopy(network)
        untouched = TrainingEpoch(
            0, *_loss_and_accuracy(tuned, *data["training"]), *_loss_and_accuracy(tuned, *data["validation"])
        )
        curves, kept = _optimize(tuned, data, variant.training, epochs, [untouched], masks or {})
        return Trained(tuned.eval(), curves, kept, accuracy_of(tuned, features))


@contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """Make torch's results and random draws a function of the seed; the caller's state is restored."""
    threads = torch.get_num_threads()
    torch.set_num_threads(_THREADS)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


def _optimize(
    network: nn.Module,
    data: Mapping[Split, tuple[torch.Tensor, torch.Tensor]],
    settings: Training,
    epochs: int,
    before: Sequence[TrainingEpoch],
    masks: Mapping[str, torch.Tensor],
) -> tuple[list[TrainingEpoch], int]:
    """Train in place, and load the weights of the kept epoch.

    Args:
        before: epoch 0 if the original network may be kept, else nothing.

    Returns:
        The learning curves, beginning with `before`, and the number of the kept epoch.
    """
    optimizer = torch.optim.Adam(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    masked = [(parameter, masks[name]) for name, parameter in network.named_parameters() if name in masks]
    curves = list(before)
    best, best_weights = (curves[0], _weights_of(network)) if curves else (None, {})
    advance = progress.count(epochs, "epochs")
    for number in range(1, epochs + 1):
        training = _train_epoch(network, optimizer, *data["training"], settings, masked)
        validation = _loss_and_accuracy(network, *data["validation"])
        curves.append(TrainingEpoch(number, *training, *validation))
        if best is None or curves[-1].validation_loss < best.validation_loss:
            best, best_weights = curves[-1], _weights_of(network)
        advance()
    network.load_state_dict(best_weights)
    return curves, best.epoch if best is not None else 0


def _weights_of(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: weights.clone() for name, weights in network.state_dict().items()}


def _tensors(features: FeatureSets, name: Split) -> tuple[torch.Tensor, torch.Tensor]:
    values, labels = features.split(name)
    # Whole tensors, (N, size) float32 and (N,) int64: no loader is as fast as indexing them.
    return torch.from_numpy(features.values(np.asarray(values))), torch.from_numpy(np.asarray(labels))


def _train_epoch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    values: torch.Tensor,
    labels: torch.Tensor,
    settings: Training,
    masked: Sequence[tuple[nn.Parameter, torch.Tensor]],
) -> tuple[float, float]:
    """Run one pass in a new order; return mean loss and accuracy. `masked` parameters keep their zeros."""
    network.train()
    loss_sum, correct = 0.0, 0
    for batch in torch.randperm(len(labels)).split(settings.batch_size):
        clips = augmented(
            values[batch].reshape(-1, *networks.shape_of(network)),
            shift_slices=settings.shift_slices,
            shift_channels=settings.shift_channels,
            mask_slices=settings.mask_slices,
            mask_channels=settings.mask_channels,
        )
        logits = network(clips.flatten(1))
        loss = nn.functional.cross_entropy(logits, labels[batch])
        penalty = settings.l1 * _l1_norm(network) if settings.l1 else 0
        optimizer.zero_grad()
        (loss + penalty).backward()
        optimizer.step()
        with torch.no_grad():
            for parameter, mask in masked:
                parameter.mul_(mask)
        loss_sum += loss.item() * len(batch)
        correct += int((logits.argmax(1) == labels[batch]).sum())
    return loss_sum / len(labels), correct / len(labels)


def _l1_norm(network: nn.Module) -> torch.Tensor:
    weights = [parameter for parameter in network.parameters() if parameter.dim() > 1]  # no biases
    return torch.stack([parameter.abs().sum() for parameter in weights]).sum()


def _logits(network: nn.Module, values: torch.Tensor) -> torch.Tensor:
    network.eval()
    with torch.no_grad():  # in pieces that stay in the processor's cache
        return torch.cat([network(piece) for piece in values.split(256)])


def _loss_and_accuracy(network: nn.Module, values: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    logits = _logits(network, values)
    accuracy = (logits.argmax(1) == labels).float().mean()
    return float(nn.functional.cross_entropy(logits, labels)), float(accuracy)


def accuracy_of(network: nn.Module, features: FeatureSets) -> dict[str, list[LabelCount]]:
    """Count the recognized clips per split and label; leave the network in evaluation mode."""
    counts = {}
    for split in SPLITS:
        values, labels = _tensors(features, split)
        predictions = _logits(network, values).argmax(1).numpy()
        counts[str(split)] = count_correct(predictions, labels.numpy(), features.labels)
    return counts


def probabilities_of(network: nn.Module, features: FeatureSets, split: Split) -> torch.Tensor:
    """Compute the probabilities of a split, float32 (N, labels); puts the network into evaluation mode."""
    return torch.softmax(_logits(network, _tensors(features, split)[0]), dim=1)


def save(trained: Trained, folder: Path) -> None:
    """Write `checkpoint.pt` (the weights) and `training.json` (everything else)."""
    torch.save(trained.network.state_dict(), folder / "checkpoint.pt")
    history = {
        "kept_epoch": trained.kept_epoch,
        "epochs": [asdict(epoch) for epoch in trained.epochs],
        "accuracy": {name: [asdict(count) for count in counts] for name, counts in trained.accuracy.items()},
    }
    (folder / "training.json").write_text(json.dumps(history, indent=1))


def load(variant: Variant, labels: int, folder: Path) -> nn.Module:
    """Load the trained network from a folder that `save` wrote, in evaluation mode."""
    network = new_network(variant, labels)
    network.load_state_dict(torch.load(folder / "checkpoint.pt", weights_only=True))
    return network.eval()
