"""Variants: what is benched, as data. A TOML file under models/configs/ is a variant or a family of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from models.errors import ConfigError
from models.families import members, varying
from models.toml_table import Allowed, TomlFile, matching

CONFIGS = Path(__file__).parent / "configs"

NETWORKS = {"tinyconv": "TinyConv", "ds-cnn": "DsCnn"}
"""The classes of models.networks by the names that variants use. As text: importing torch takes a second."""

INTEGER_BITS = tuple(range(2, 9))
MINIFLOATS = {3: (1, 1), 4: (2, 1), 6: (3, 2), 8: (4, 3)}
"""Bits of the exponent and the mantissa by the bits of the number, of which one is the sign."""

_EPOCHS = Allowed(lambda count: count >= 0, "0 or more")


@dataclass(frozen=True)
class Pruning:
    """What is removed from a trained network.

    Attributes:
        kind: single weights become zero (the shapes stay), or whole channels go.
        threshold: the share that is removed; of channels see `channels_removed`.
        criterion: what goes first; `models.compress.pruning` says over what the norm is taken.
        fine_tune_epochs: passes over the training clips afterwards; 0 leaves the network as it was pruned.
    """

    kind: Literal["weights", "channels"]
    threshold: Annotated[
        float, Allowed(lambda share: 0 < share < 1, "above 0, below 1 (which would leave nothing)")
    ]
    criterion: Literal["l1", "l2", "linf", "random"] = "l1"
    fine_tune_epochs: Annotated[int, _EPOCHS] = 5


@dataclass(frozen=True)
class Quantization:
    """With which numbers a network computes instead of float32.

    Attributes:
        method: the ranges are read off training clips, or the network also learns with them.
        number: integers of a fixed step, or minifloats.
        bits: one of `INTEGER_BITS` of an integer, a key of `MINIFLOATS` of a minifloat.
        symmetric: whether zero lies in the middle of the range of the weights.
        per_channel: whether every output channel of the weights has a range of its own. Of 8-bit integers a
            fully connected layer has one range, as TensorFlow Lite gives it.
        fine_tune_epochs: passes over the training clips, of the method "aware" only.
    """

    method: Literal["post-training", "aware"]
    number: Literal["integer", "minifloat"] = "integer"
    bits: int = 8
    symmetric: bool = True
    per_channel: bool = True
    fine_tune_epochs: Annotated[int, _EPOCHS] = 5

    @property
    def allowed_bits(self) -> tuple[int, ...]:
        """The values that `bits` may have for this kind of number."""
        return INTEGER_BITS if self.number == "integer" else tuple(MINIFLOATS)


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
        l1: weight of the sum of all weights' absolute values in the loss, 0 or more: what prunes well.
        shift_slices, shift_channels, mask_slices, mask_channels: `models.data.augmentation`; 0 to 20 each.
    """

    epochs: Annotated[int, Allowed(lambda count: count >= 1, "1 or more")] = 50
    learning_rate: Annotated[float, Allowed(lambda rate: 0 < rate < 1, "above 0, below 1")] = 0.001
    weight_decay: Annotated[float, Allowed(lambda decay: 0 <= decay < 1, "0 to below 1")] = 1e-4
    batch_size: Annotated[int, Allowed(lambda count: count >= 1, "1 or more")] = 128
    dropout: Annotated[float, Allowed(lambda share: 0 <= share < 1, "0 to below 1")] = 0.5
    l1: Annotated[float, Allowed(lambda weight: 0 <= weight < 1, "0 to below 1")] = 0.0
    shift_slices: Annotated[int, _UP_TO_20] = 0
    shift_channels: Annotated[int, _UP_TO_20] = 0
    mask_slices: Annotated[int, _UP_TO_20] = 0
    mask_channels: Annotated[int, _UP_TO_20] = 0


@dataclass(frozen=True)
class Variant:
    """A network, what is done to it, and the seed. Variants with the same training share its checkpoint.

    Attributes:
        id: begins with the name of its file; it stands in records of the serial protocol.
        title: for people.
        network: one of `NETWORKS`.
        precision: type of the model's input and output. "int8" without a quantization is TensorFlow Lite's
            own, after training.
        seed: of everything that is drawn by chance.
        training: how the network is trained.
        pruning: what is removed from it then; None for nothing.
        quantization: with what numbers it computes then; None for those of the precision.
    """

    id: Annotated[
        str, matching(r"[a-z0-9][a-z0-9_.-]{0,59}", "a-z 0-9 _ . - and first a letter or digit, at most 60")
    ]
    title: str
    network: Annotated[str, Allowed(lambda name: name in NETWORKS, " or ".join(NETWORKS))]
    precision: Literal["float32", "int8"]
    seed: Annotated[int, Allowed(lambda seed: 0 <= seed < 2**32, "0 to 2^32 - 1")] = 1
    training: Training = field(default_factory=Training)
    pruning: Pruning | None = None
    quantization: Quantization | None = None

    @property
    def deployable(self) -> bool:
        """Whether a board can run it. Others, such as those of 4 bits, are evaluated in torch alone."""
        return self.quantization is None or self.precision == "int8"


@dataclass(frozen=True)
class Refused:
    """A member of a family that is not what a variant has to be.

    Attributes:
        id: what it would be called; the file's name without .toml where no member is right.
        failure: names the file, the line, the key and the values it may have.
    """

    id: str
    failure: ConfigError


def load_variants(folder: Path = CONFIGS, pattern: str = "*") -> list[Variant]:
    """The variants of a folder whose id matches, sorted by id.

    Args:
        folder: holds TOML files; the ids in a file begin with its name.
        pattern: shell-style, such as "tinyconv-*".

    Raises:
        ConfigError: nothing matches, what matches is no variant, or two files give the same id.
    """
    variants, refused = load_family(folder, pattern)
    if refused:
        raise refused[0].failure
    return variants


def load_family(folder: Path = CONFIGS, pattern: str = "*") -> tuple[list[Variant], list[Refused]]:
    """Like `load_variants`, with what is no variant beside the others instead of an error.

    Raises:
        ConfigError: nothing matches, or two files give the same id.
    """
    files = sorted(folder.glob("*.toml"))
    variants: dict[str, Variant] = {}
    refused: list[Refused] = []
    for file in (file for file in files if _may_hold(file.stem, pattern)):
        try:
            right, wrong = family_of(TomlFile(file))
        except ConfigError as failure:  # nobody knows what it would have held
            refused.append(Refused(file.stem, failure))
            continue
        for variant in right:
            if variant.id in variants:
                raise ConfigError(
                    f"two files have a variant {variant.id!r}", str(file), "Rename one of the files."
                )
            variants[variant.id] = variant
        refused += [item for item in wrong if fnmatchcase(item.id, pattern)]
    chosen = sorted(
        (item for item in variants.values() if fnmatchcase(item.id, pattern)), key=lambda item: item.id
    )
    if not chosen and not refused:
        there = ", ".join(file.stem for file in files) or "none"
        raise ConfigError(f"no variant matches {pattern!r}", str(folder), f"There are the families: {there}.")
    return chosen, refused


def family_of(toml: TomlFile) -> tuple[list[Variant], list[Refused]]:
    """The variants of one file in its order, and which of its members are none.

    Raises:
        ConfigError: the whole file is wrong; names the file, the line, the key and the values it may have.
    """
    variants: list[Variant] = []
    refused: list[Refused] = []
    for member in members(toml):
        try:
            variants.append(_variant(member))
        except ConfigError as failure:
            refused.append(Refused(str(member.tables.get("id", toml.path.stem)), failure))
    if not variants and len({str(item.failure) for item in refused}) == 1:
        raise refused[0].failure
    ids = [item.id for item in variants]
    if len(set(ids)) < len(ids):
        names = ", ".join(f"{{{name}}}" for name in varying(toml))
        raise toml.refusal(
            f"several variants of the family are called {next(i for i in ids if ids.count(i) > 1)!r}",
            ("id",),
            f"Name all that varies in the id: {names}.",
        )
    return variants, refused


def _may_hold(stem: str, pattern: str) -> bool:
    """Whether an id that begins with the file's name can match the pattern."""
    literal = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    return stem.startswith(literal) or literal.startswith(stem)


def _variant(toml: TomlFile) -> Variant:
    """A member of a family, with the rules that are about more than one key."""
    variant = toml.read(Variant)
    if not variant.id.startswith(toml.path.stem):
        raise toml.refusal(
            f"{variant.id!r} is not allowed",
            ("id",),
            f"Allowed: {toml.path.stem!r}, the file's name, and more.",
        )
    quantization = variant.quantization
    if quantization is None:
        return variant
    if quantization.bits not in quantization.allowed_bits:
        allowed = ", ".join(map(str, quantization.allowed_bits))
        raise toml.refusal(
            f"{quantization.bits!r} is not allowed",
            ("quantization", "bits"),
            f"Allowed: {allowed}, of the number {quantization.number!r}.",
        )
    runs_on_boards = (quantization.method, quantization.number, quantization.bits) == ("aware", "integer", 8)
    if variant.precision == "int8" and not runs_on_boards:
        raise toml.refusal(
            "'int8' is not allowed with this quantization",
            ("precision",),
            "Allowed: float32. int8 goes with aware integers of 8 bits, or without [quantization].",
        )
    for key in ("symmetric", "per_channel"):
        if variant.precision == "int8" and not getattr(quantization, key):
            raise toml.refusal(
                f"{key} = false is not allowed with int8",
                ("quantization", key),
                "Allowed: true. TensorFlow Lite's int8 weights are symmetric, with a range for each channel.",
            )
    return variant
