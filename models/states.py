"""How far the variants are, as far as the store tells: nothing is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.data.corpus import corpus_path
from models.data.dataset import DatasetConfig
from models.data.features import feature_path
from models.recipes import places_of
from models.store import Store
from models.variants import Variant


@dataclass(frozen=True)
class State:
    """What is there of a variant.

    Attributes:
        variant: which.
        trained: whether its checkpoint is there.
        transformed: whether it is pruned or quantized; None where neither is to be done.
        converted: whether its .tflite is there; None where no board could run it.
        prepared: the artifact's folder, once all of it is there and described.
    """

    variant: Variant
    trained: bool
    transformed: bool | None
    converted: bool | None
    prepared: Path | None


def states_of(variants: Sequence[Variant], dataset_root: Path | None, store: Store) -> list[State]:
    """The states of variants, in their order.

    Args:
        variants: which.
        dataset_root: see `models.prepare.prepare`; None for the synthetic corpus.
        store: where their artifacts would be.

    Raises:
        DatasetError: the dataset lacks something; espeak-ng is missing.
    """
    root = dataset_root if dataset_root is not None else corpus_path(store)
    if dataset_root is None and not root.is_dir():  # nothing was spoken yet, so nothing can have been learned
        return [_nothing(variant) for variant in variants]
    features = feature_path(root, DatasetConfig(), store).name
    return [_state(variant, features, store) for variant in variants]


def _state(variant: Variant, features: str, store: Store) -> State:
    places = places_of(variant, features, store)
    return State(
        variant,
        trained=places.trained.is_dir(),
        transformed=places.transformed.is_dir() if places.transformed is not None else None,
        converted=places.converted.is_dir() if places.converted is not None else None,
        prepared=places.prepared if places.prepared.is_dir() else None,
    )


def _nothing(variant: Variant) -> State:
    changed = variant.pruning is not None or variant.quantization is not None
    return State(
        variant,
        trained=False,
        transformed=False if changed else None,
        converted=False if variant.deployable else None,
        prepared=None,
    )
