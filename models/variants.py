"""Variants: what is benched, as data. A TOML file under models/configs/ is one variant."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from models.errors import ConfigError
from models.toml_table import Allowed, TomlFile, matching

CONFIGS = Path(__file__).parent / "configs"

NETWORKS = {"tinyconv": "TinyConv"}
"""The classes of models.networks by the names that variants use. As text: importing torch takes a second."""

_UP_TO_20 = Allowed(lambda count: 0 <= count <= 20, "0 to 20")


@dataclass(frozen=True)
class Training:
    """How a network is trained; the defaults are those of the published course-size results.

    Attributes:
        epochs: passes over the training clips, at least 1.
        learning_rate: of Adam, above 0.
        weight_decay: of Adam, 0 or more.
        batch_size: clips, at least 1.
        dropout: share of activations dropped in training, 0 to below 1.
        shift_slices, shift_channels, mask_slices, mask_channels: see `models.augmentation`; 0 to 20 each.
    """

    epochs: Annotated[int, Allowed(lambda count: count >= 1, "1 or more")] = 50
    learning_rate: Annotated[float, Allowed(lambda rate: 0 < rate < 1, "above 0, below 1")] = 0.001
    weight_decay: Annotated[float, Allowed(lambda decay: 0 <= decay < 1, "0 to below 1")] = 1e-4
    batch_size: Annotated[int, Allowed(lambda count: count >= 1, "1 or more")] = 128
    dropout: Annotated[float, Allowed(lambda share: 0 <= share < 1, "0 to below 1")] = 0.5
    shift_slices: Annotated[int, _UP_TO_20] = 0
    shift_channels: Annotated[int, _UP_TO_20] = 0
    mask_slices: Annotated[int, _UP_TO_20] = 0
    mask_channels: Annotated[int, _UP_TO_20] = 0


@dataclass(frozen=True)
class Variant:
    """A network, what is done to it, and the seed. Two variants with the same training share its checkpoint.

    Attributes:
        id: the name of the file without .toml; it stands in records of the serial protocol.
        title: for people.
        network: one of `NETWORKS`.
        precision: type of the model's input and output.
        seed: of everything that is drawn by chance.
        training: how the network is trained.
    """

    id: Annotated[str, matching(r"[a-z0-9][a-z0-9_.-]*", "a-z 0-9 _ . - and first a letter or digit")]
    title: str
    network: Annotated[str, Allowed(lambda name: name in NETWORKS, " or ".join(NETWORKS))]
    precision: Literal["float32", "int8"]
    seed: Annotated[int, Allowed(lambda seed: 0 <= seed < 2**32, "0 to 2^32 - 1")] = 1
    training: Training = field(default_factory=Training)


def load_variants(folder: Path = CONFIGS, pattern: str = "*") -> list[Variant]:
    """The variants of a folder whose id matches, sorted by id.

    Args:
        folder: holds one `<id>.toml` per variant.
        pattern: shell-style, such as "tinyconv-*".

    Raises:
        ConfigError: nothing matches, or a matching file is not a variant.
    """
    files = sorted(folder.glob("*.toml"))
    chosen = [file for file in files if fnmatchcase(file.stem, pattern)]
    if not chosen:
        there = ", ".join(file.stem for file in files) or "none"
        raise ConfigError(f"no variant matches {pattern!r}", str(folder), f"There are: {there}.")
    return [read_variant(file) for file in chosen]


def read_variant(file: Path) -> Variant:
    """Reads and validates one variant.

    Raises:
        ConfigError: names the file, the line, the key and the values it may have.
    """
    toml = TomlFile(file)
    variant = toml.read(Variant)
    if variant.id != file.stem:
        raise toml.refusal(
            f"{variant.id!r} is not allowed", ("id",), f"Allowed: {file.stem!r}, the file's name."
        )
    return variant
