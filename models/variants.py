"""Variants: what is benched, as data. A TOML file under models/configs/ is one variant."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from models.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CONFIGS = Path(__file__).parent / "configs"

NETWORKS = {"tinyconv": "TinyConv"}
"""The classes of models.networks by the names that variants use. As text: importing torch takes a second."""

PRECISIONS = ("float32", "int8")

_ID = re.compile(r"[a-z0-9][a-z0-9_.-]*")
"""What may stand in a record of the serial protocol and in a file's name."""


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

    epochs: int = 50
    learning_rate: float = 0.001
    weight_decay: float = 1e-4
    batch_size: int = 128
    dropout: float = 0.5
    shift_slices: int = 0
    shift_channels: int = 0
    mask_slices: int = 0
    mask_channels: int = 0


@dataclass(frozen=True)
class Variant:
    """A network, what is done to it, and the seed. Two variants with the same training share its checkpoint.

    Attributes:
        id: the name of the file without .toml.
        title: for people.
        network: one of `NETWORKS`.
        precision: type of the model's input and output, one of `PRECISIONS`.
        seed: of everything that is drawn by chance.
        training: how the network is trained.
    """

    id: str
    title: str
    network: str
    precision: str
    seed: int = 1
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
        ConfigError: names the file, the key and the values it may have.
    """
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"the variant cannot be read: {error}", str(file)) from error
    training = table.pop("training", {})
    if not isinstance(training, Mapping):
        raise ConfigError("training is not a table", f"{file}, training", "Write it as [training].")
    variant = Variant(
        **_validated(Variant, table, file),
        training=Training(**_validated(Training, training, file, "training.")),
    )
    _check_values(variant, file)
    return variant


def _validated(kind: type, table: Mapping[str, Any], file: Path, prefix: str = "") -> dict[str, Any]:
    """The table's values as the dataclass types them; unknown, missing and mistyped keys are refused."""
    expected = {item.name: item for item in fields(kind) if item.type in _TYPES}
    for key in table:
        if key not in expected:
            allowed = ", ".join(item.name for item in fields(kind))
            raise ConfigError("unknown key", f"{file}, {prefix}{key}", f"Allowed are: {allowed}.")
    values = {}
    for name, item in expected.items():
        if name not in table:
            if item.default is MISSING:
                raise ConfigError("missing key", f"{file}, {prefix}{name}", f"Give it as {item.type}.")
            continue
        value: Any = table[name]
        fits = isinstance(value, _TYPES[str(item.type)]) and not isinstance(value, bool)
        if not fits:
            raise ConfigError(
                f"{value!r} is no {item.type}", f"{file}, {prefix}{name}", f"Give it as {item.type}."
            )
        values[name] = float(value) if item.type == "float" else value
    return values


_TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (float, int)}


def _check_values(variant: Variant, file: Path) -> None:
    training = variant.training
    named_as_file = variant.id == file.stem and _ID.fullmatch(variant.id)
    checks = (
        ("id", named_as_file, f"{file.stem!r} (the file's name, of a-z 0-9 _ . -)"),
        ("network", variant.network in NETWORKS, " or ".join(NETWORKS)),
        ("precision", variant.precision in PRECISIONS, " or ".join(PRECISIONS)),
        ("seed", 0 <= variant.seed < 2**32, "0 to 2^32 - 1"),
        ("training.epochs", training.epochs >= 1, "1 or more"),
        ("training.learning_rate", 0 < training.learning_rate < 1, "above 0, below 1"),
        ("training.weight_decay", 0 <= training.weight_decay < 1, "0 to below 1"),
        ("training.batch_size", training.batch_size >= 1, "1 or more"),
        ("training.dropout", 0 <= training.dropout < 1, "0 to below 1"),
        ("training.shift_slices", 0 <= training.shift_slices <= 20, "0 to 20"),
        ("training.shift_channels", 0 <= training.shift_channels <= 20, "0 to 20"),
        ("training.mask_slices", 0 <= training.mask_slices <= 20, "0 to 20"),
        ("training.mask_channels", 0 <= training.mask_channels <= 20, "0 to 20"),
    )
    for key, right, allowed in checks:
        if not right:
            value: Any = variant
            for name in key.split("."):
                value = getattr(value, name)
            raise ConfigError(f"{value!r} is not allowed", f"{file}, {key}", f"Allowed: {allowed}.")
