"""What is done to a trained network before its conversion, and what that cost it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from models.data.features import FeatureSets, float_features
from models.evaluation import LabelCount
from models.networks import folded, layer_costs
from models.recipes import CALIBRATION_CLIPS
from models.train import Trained, accuracy_of, fine_tune, probabilities_of, repeatable
from models.variants import Variant

_NETWORK = "network.pt"


def transform(
    variant: Variant, network: nn.Module, features: FeatureSets, folder: Path, show_bar: bool = False
) -> None:
    """Prunes, quantizes and fine-tunes a network as its variant says; pruning first.

    Args:
        variant: with a pruning, a quantization, or both.
        network: the trained one; is left as it is.
        features: the dataset's.
        folder: gets `transform.json`, and for a deployable variant the network for `load_transformed`.
            The facts are those of `describe`; `before_fine_tuning` and `accuracy`, by split label, correct
            and total of each label, in torch; `mse`, the mean squared error of the probabilities to those of
            the trained network on the test set; `fine_tuning`, the learning curves from epoch 0 and the epoch
            that was kept; what was heard in the test set, clip by clip as the label's index: `test_heard`,
            `test_heard_before` fine-tuning; `trained`, the same and `describe` of the network that came.
        show_bar: whether to show the epochs on stderr as they pass.
    """
    with repeatable(variant.seed):
        expected = probabilities_of(network, features, "testing")
        pruned = untuned = network
        history = None
        if variant.pruning is not None:
            from models.compress.pruning import prune

            cut = prune(network, variant.pruning, variant.seed)
            pruned = untuned = cut.network
            if variant.pruning.fine_tune_epochs:
                epochs = variant.pruning.fine_tune_epochs
                history = fine_tune(cut.network, variant, features, epochs, cut.masks, show_bar)
                pruned = history.network
        transformed = deployed = folded(pruned)
        if variant.quantization is not None:
            from models.compress.quantization import float_network, for_fine_tuning, quantize

            clips = torch.from_numpy(calibration_samples(features, variant.seed))
            quantized = quantize(deployed, variant.quantization, clips)
            untuned = untuned if variant.pruning is not None else quantized
            if variant.quantization.method == "aware" and variant.quantization.fine_tune_epochs:
                epochs = variant.quantization.fine_tune_epochs
                sparse = variant.pruning is not None and variant.pruning.kind == "weights"
                masks = _zeros_of(quantized) if sparse else {}
                slower = for_fine_tuning(variant)
                history = fine_tune(quantized, slower, features, epochs, masks, show_bar)
                assert isinstance(history.network, type(quantized))
                quantized = history.network
            transformed, deployed = quantized, float_network(quantized)
        given = probabilities_of(transformed, features, "testing")
        facts = {
            **describe(deployed),
            "before_fine_tuning": _as_json(accuracy_of(untuned, features)),
            "accuracy": _as_json(accuracy_of(transformed, features)),
            "mse": float(((given - expected) ** 2).mean()),
            "fine_tuning": _history(history),
            "test_heard": _heard(given),
            "test_heard_before": _heard(probabilities_of(untuned, features, "testing")),
            "trained": {**describe(folded(network)), "test_heard": _heard(expected)},
        }
    if variant.deployable:
        torch.save(deployed, folder / _NETWORK)
    (folder / "transform.json").write_text(json.dumps(facts, indent=1))


def load_transformed(folder: Path) -> nn.Module:
    """The float network of a deployable variant that `transform` wrote, batch normalization folded."""
    return torch.load(folder / _NETWORK, weights_only=False)


def describe(network: nn.Module) -> dict[str, Any]:
    """What a network holds and does: parameters, those that are not zero, multiply-accumulates.

    Args:
        network: as it goes on a board, batch normalization folded.
    """
    parameters = list(network.parameters())
    return {
        "parameters": sum(parameter.numel() for parameter in parameters),
        "remaining_parameters": sum(int(parameter.count_nonzero()) for parameter in parameters),
        "macs": sum(cost.macs for cost in layer_costs(network)),
    }


def calibration_samples(features: FeatureSets, seed: int) -> np.ndarray:
    """Float features of so many training clips, float32 (N, 1960), drawn from the seed, in a fixed order."""
    clips, _ = features.split("training")
    chosen = np.sort(np.random.default_rng(seed).permutation(len(clips))[:CALIBRATION_CLIPS])
    return float_features(clips[chosen]).reshape(len(chosen), -1)


def _zeros_of(network: nn.Module) -> dict[str, torch.Tensor]:
    """Masks that keep what is zero at zero, of the weights alone."""
    return {
        name: (parameter != 0).to(parameter.dtype)
        for name, parameter in network.named_parameters()
        if parameter.dim() > 1
    }


def _heard(probabilities: torch.Tensor) -> list[int]:
    return probabilities.argmax(1).tolist()


def _as_json(accuracy: dict[str, list[LabelCount]]) -> dict[str, list[dict[str, Any]]]:
    return {split: [asdict(count) for count in counts] for split, counts in accuracy.items()}


def _history(tuned: Trained | None) -> dict[str, Any]:
    if tuned is None:
        return {"epochs": [], "kept_epoch": None}
    return {"epochs": [asdict(epoch) for epoch in tuned.epochs], "kept_epoch": tuned.kept_epoch}
