"""The compression step of the pipeline: prune, quantize and fine-tune a trained network, and evaluate it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from models.compress.prune import prune
from models.compress.quantize import float_network, quantize, slower
from models.data.features import FeatureSets
from models.metrics import LabelCount
from models.networks import folded, layer_costs
from models.train import Trained, accuracy_of, fine_tune, probabilities_of, repeatable
from models.variants import Variant

CALIBRATION_CLIPS = 500
"""Training clips from which TensorFlow Lite and the quantizer take the range of every tensor."""

FACTS = "compressed.json"
_NETWORK = "network.pt"


def compress(variant: Variant, network: nn.Module, features: FeatureSets, folder: Path) -> None:
    """Prune, then quantize a network, each with fine-tuning, and write the results into a folder.

    `compressed.json` holds, beside the sizes of `describe` and the parameters with those of normalizations,
    measured in torch:

    - `before_fine_tuning` and `accuracy`: by split, per label correct and total.
    - `mse`: mean squared error of the probabilities to those of the trained network on the test set.
    - `fine_tuning`: learning curves from epoch 0, and the epoch that was kept.
    - `test_predictions` and `test_predictions_before` fine-tuning: per test clip the index of the label.
    - `trained`: `describe` and `test_predictions` of the trained network.

    Args:
        variant: with a pruning, a quantization, or both.
        network: the trained one; is not changed.
        features: the dataset's.
        folder: gets `compressed.json`; for an exportable variant also the network, see `load_compressed`.
    """
    with repeatable(variant.seed):
        expected = probabilities_of(network, features, "testing")
        pruned = untuned = network
        history = None
        if variant.pruning is not None:
            cut = prune(network, variant.pruning, variant.seed)
            pruned = untuned = cut.network
            if variant.pruning.fine_tune_epochs:
                epochs = variant.pruning.fine_tune_epochs
                history = fine_tune(cut.network, variant, features, epochs, cut.masks)
                pruned = history.network
        compressed = deployed = folded(pruned)
        if variant.quantization is not None:
            clips = torch.from_numpy(calibration_samples(features, variant.seed))
            quantized = quantize(deployed, variant.quantization, clips)
            untuned = untuned if variant.pruning is not None else quantized
            if variant.quantization.method == "aware" and variant.quantization.fine_tune_epochs:
                epochs = variant.quantization.fine_tune_epochs
                sparse = variant.pruning is not None and variant.pruning.kind == "weights"
                masks = _zero_masks(quantized) if sparse else {}
                gentle = replace(variant, training=slower(variant.training))
                history = fine_tune(quantized, gentle, features, epochs, masks)
                assert isinstance(history.network, type(quantized))
                quantized = history.network
            compressed, deployed = quantized, float_network(quantized)
        outputs = probabilities_of(compressed, features, "testing")
        facts = {
            **describe(deployed),
            "unfolded_parameters": _parameters(pruned),
            "before_fine_tuning": _as_json(accuracy_of(untuned, features)),
            "accuracy": _as_json(accuracy_of(compressed, features)),
            "mse": float(((outputs - expected) ** 2).mean()),
            "fine_tuning": _history(history),
            "test_predictions": _predictions(outputs),
            "test_predictions_before": _predictions(probabilities_of(untuned, features, "testing")),
            "trained": trained_facts(network, expected),
        }
    if variant.exportable:
        torch.save(deployed, folder / _NETWORK)
    (folder / FACTS).write_text(json.dumps(facts, indent=1))


def load_compressed(folder: Path) -> nn.Module:
    """Load the float network of an exportable variant that `compress` wrote, batch normalization folded."""
    return torch.load(folder / _NETWORK, weights_only=False)


def describe(network: nn.Module) -> dict[str, int]:
    """Count parameters, parameters that are not zero, and multiply-accumulates of one inference.

    Args:
        network: batch normalization folded.
    """
    return {
        "parameters": _parameters(network),
        "remaining_parameters": sum(int(parameter.count_nonzero()) for parameter in network.parameters()),
        "macs": sum(cost.macs for cost in layer_costs(network)),
    }


def trained_facts(network: nn.Module, probabilities: torch.Tensor) -> dict[str, Any]:
    """Return the sizes of a trained network, and the label that it predicts for each test clip."""
    return {
        **describe(folded(network)),
        "unfolded_parameters": _parameters(network),
        "test_predictions": _predictions(probabilities),
    }


def _parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def calibration_samples(features: FeatureSets, seed: int) -> np.ndarray:
    """Draw float features of training clips, float32 (N, size), in a fixed order; all if there are few."""
    clips, _ = features.split("training")
    chosen = np.sort(np.random.default_rng(seed).permutation(len(clips))[:CALIBRATION_CLIPS])
    return features.values(clips[chosen])


def _zero_masks(network: nn.Module) -> dict[str, torch.Tensor]:
    """Create masks that keep zero weights at zero; biases are free."""
    return {
        name: (parameter != 0).to(parameter.dtype)
        for name, parameter in network.named_parameters()
        if parameter.dim() > 1
    }


def _predictions(probabilities: torch.Tensor) -> list[int]:
    return probabilities.argmax(1).tolist()


def _as_json(accuracy: dict[str, list[LabelCount]]) -> dict[str, list[dict[str, Any]]]:
    return {split: [asdict(count) for count in counts] for split, counts in accuracy.items()}


def _history(tuned: Trained | None) -> dict[str, Any]:
    if tuned is None:
        return {"epochs": [], "kept_epoch": None}
    return {"epochs": [asdict(epoch) for epoch in tuned.epochs], "kept_epoch": tuned.kept_epoch}
