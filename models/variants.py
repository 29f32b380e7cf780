"""Variants: networks with their training and compression, as data; a TOML file holds one or a family."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from models.data.front_ends import front_end_names
from models.data.sound_folder import parts_of, plain
from models.data.vocabulary import LABELS, MOST_WORDS
from models.decoding import Meta, TomlFile, matching
from models.errors import ConfigError, meant
from models.families import members, varying

CONFIGS = Path(__file__).parent / "configs"

NETWORKS = {"tinyconv": "TinyConv", "ds-cnn": "DsCnn", "mobilenet": "MobileNet"}
"""Classes of models.networks by the name in a variant. As text: importing torch takes a second."""

IMAGE_NETWORKS = ("mobilenet",)
"""Networks that take images; the others take sound."""

SYNTHETIC, PEOPLE, BOTH = VOICES = ("synthetic", "people", "both")
"""Voices that a network learns from: the synthetic corpus, a dataset, or one and the other."""

INTEGER_BITS = tuple(range(2, 9))
MINIFLOATS = {3: (1, 1), 4: (2, 1), 6: (3, 2), 8: (4, 3)}
"""Bits of exponent and mantissa by the bits of the number, one of which is the sign."""

_Count = Annotated[int, Meta(ge=1)]
_Epochs = Annotated[int, Meta(ge=0)]
_Share = Annotated[float, Meta(ge=0, lt=1)]
_UpTo20 = Annotated[int, Meta(ge=0, le=20)]


@dataclass(frozen=True)
class Training:
    """Training of a network; the defaults are those of the published course-size results.

    Attributes:
        epochs: passes over the training clips.
        learning_rate: of Adam.
        weight_decay: of Adam.
        batch_size: clips per step.
        dropout: share of activations that are dropped in training.
        l1: weight in the loss of the sum of all absolute weights; prepares for pruning.
        shift_slices, shift_channels, mask_slices, mask_channels: see `models.data.augmentation`.
    """

    epochs: _Count = 50
    learning_rate: Annotated[float, Meta(gt=0, lt=1)] = 0.001
    weight_decay: _Share = 1e-4
    batch_size: _Count = 128
    dropout: _Share = 0.5
    l1: _Share = 0.0
    shift_slices: _UpTo20 = 0
    shift_channels: _UpTo20 = 0
    mask_slices: _UpTo20 = 0
    mask_channels: _UpTo20 = 0


@dataclass(frozen=True)
class Pruning:
    """Pruning of a trained network.

    Attributes:
        kind: set single weights to zero (shapes stay), or remove whole channels.
        threshold: the share to remove; of channels rounded per layer.
        criterion: the norm that ranks weights or channels, see `models.compress.prune`.
        fine_tune_epochs: passes over the training clips afterwards.
        rounding: of the number of removed channels; "up" is that of Torch-Pruning's own pruners.
    """

    kind: Literal["weights", "channels"]
    threshold: Annotated[float, Meta(gt=0, lt=1)]
    criterion: Literal["l1", "l2", "linf", "random"] = "l1"
    fine_tune_epochs: _Epochs = 5
    rounding: Literal["down", "up"] = "down"


@dataclass(frozen=True)
class Quantization:
    """Numbers that a network computes with instead of float32.

    Attributes:
        method: "post-training" takes the ranges from training clips; "aware" also trains with them.
        number: integers of a fixed step, or minifloats.
        bits: one of `INTEGER_BITS` for integers, a key of `MINIFLOATS` for minifloats.
        symmetric: True if zero is the middle of the range of the weights.
        per_channel: True for a range per output channel of the weights. For 8-bit integers a fully connected
            layer has one range, as in TensorFlow Lite.
        fine_tune_epochs: passes over the training clips; for the method "aware" only.
    """

    method: Literal["post-training", "aware"]
    number: Literal["integer", "minifloat"] = "integer"
    bits: int = 8
    symmetric: bool = True
    per_channel: bool = True
    fine_tune_epochs: _Epochs = 5


@dataclass(frozen=True)
class Variant:
    """A network, its compression and a seed. Variants with the same training share its checkpoint.

    Attributes:
        id: begins with the name of the file; stands in records of the serial protocol.
        title: for people.
        network: one of `NETWORKS`.
        precision: type of the model's input and output. "int8" without a quantization is TensorFlow Lite's
            quantization after training.
        words: the vocabulary, 2 to 35 words separated by commas; of no meaning to a network of images.
        front_end: makes the features, one of `models.data.front_ends`; of no meaning to a network of images.
        voices: that the network learns from, one of `VOICES`; "" for people if there is a dataset, else
            synthetic.
        people_percent: share of the dataset's training speakers that the network learns from.
        seed: of everything random.
        training: of the network.
        pruning: of the trained network; None for none.
        quantization: of the trained, pruned network; None for the numbers of the precision.
    """

    id: Annotated[
        str, matching(r"[a-z0-9][a-z0-9_.-]{0,59}", "a-z 0-9 _ . - and first a letter or digit, at most 60")
    ]
    title: str
    network: str
    precision: Literal["float32", "int8"]
    words: str = "yes,no"
    front_end: str = "micro"
    voices: Literal["", "synthetic", "people", "both"] = ""
    people_percent: Annotated[float, Meta(gt=0, le=100)] = 100.0
    seed: Annotated[int, Meta(ge=0, lt=2**32)] = 1
    training: Training = field(default_factory=Training)
    pruning: Pruning | None = None
    quantization: Quantization | None = None

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The words in the order of their labels."""
        return tuple(word.strip() for word in self.words.split(","))

    @property
    def takes_images(self) -> bool:
        return self.network in IMAGE_NETWORKS

    @property
    def exportable(self) -> bool:
        """True if a file can hold the network; others, such as 4-bit ones, are evaluated in torch only."""
        return self.quantization is None or self.precision == "int8"

    @property
    def deployable(self) -> bool:
        """True if a board that hears can run the variant."""
        return self.exportable and not self.takes_images


@dataclass(frozen=True)
class Refused:
    """A member of a family that is not a valid variant.

    Attributes:
        id: the id it would have; the file's name without .toml if the whole file is wrong.
        failure: names the file, the line, the key and the allowed values.
    """

    id: str
    failure: ConfigError


def load_family(folder: Path = CONFIGS, patterns: str = "*") -> tuple[list[Variant], list[Refused]]:
    """Load the variants of a folder whose id matches, sorted by id, and the members that are not valid.

    Args:
        folder: holds TOML files; the ids in a file begin with its name.
        patterns: shell-style, such as "tinyconv-*", separated by commas.

    Raises:
        ConfigError: nothing matches a pattern.
    """
    chosen: dict[str, Variant] = {}
    refused: dict[str, Refused] = {}
    for pattern in patterns.split(","):
        found, wrong = _matching(folder, pattern.strip())
        chosen |= {item.id: item for item in found}
        refused |= {item.id: item for item in wrong}
    return [chosen[name] for name in sorted(chosen)], list(refused.values())


def _matching(folder: Path, pattern: str) -> tuple[list[Variant], list[Refused]]:
    files = sorted(folder.glob("*.toml"))
    variants: dict[str, Variant] = {}
    twice: dict[str, Refused] = {}
    refused: list[Refused] = []
    for file in (file for file in files if _may_match(file.stem, pattern)):
        try:
            valid, invalid = family_of(TomlFile(file))
        except ConfigError as failure:
            refused.append(Refused(file.stem, failure))
            continue
        invalid += [Refused(item.id, _images(item, file)) for item in valid if item.takes_images]
        for variant in (item for item in valid if not item.takes_images):
            if variant.id in variants:
                what = f"two files have a variant {variant.id!r}"
                twice[variant.id] = Refused(variant.id, ConfigError(what, str(file), "Rename one of them."))
            variants[variant.id] = variant
        refused += [item for item in invalid if fnmatchcase(item.id, pattern)]
    refused += [item for name, item in sorted(twice.items()) if fnmatchcase(name, pattern)]
    chosen = [variants[name] for name in sorted(variants) if fnmatchcase(name, pattern) and name not in twice]
    if not chosen and not refused:
        existing = ", ".join(file.stem for file in files) or "none"
        ids = [item.id for item in _matching(folder, "*")[0]] if pattern != "*" else []
        remedy = f"Existing families: {existing}{meant(pattern, ids) or '.'}"
        raise ConfigError(f"no variant matches {pattern!r}", str(folder), remedy)
    return chosen, refused


def family_of(toml: TomlFile) -> tuple[list[Variant], list[Refused]]:
    """Decode the variants of one file in its order, and the members that are not valid.

    Raises:
        ConfigError: the whole file is wrong; names the file, the line, the key and the allowed values.
    """
    variants: list[Variant] = []
    refused: list[Refused] = []
    for member in members(toml):
        try:
            variants.append(_decode(member))
        except ConfigError as failure:
            refused.append(Refused(str(member.tables.get("id", toml.path.stem)), failure))
    if not variants and len({str(item.failure) for item in refused}) == 1:
        raise refused[0].failure
    ids = [item.id for item in variants]
    if len(set(ids)) < len(ids):
        names = ", ".join(f"{{{name}}}" for name in varying(toml))
        raise toml.refusal(
            f"several variants of the family have the id {next(i for i in ids if ids.count(i) > 1)!r}",
            ("id",),
            f"Name in the id all keys that vary: {names}.",
        )
    return variants, refused


def _images(variant: Variant, file: Path) -> ConfigError:
    return ConfigError(
        f"no board can run {variant.network}: it takes images",
        str(file),
        "Compare such networks with `earshot study`: move the file to models/studies/ and add [study].",
    )


def _may_match(stem: str, pattern: str) -> bool:
    """Return True if an id that begins with the file's name can match the pattern."""
    literal = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    return stem.startswith(literal) or literal.startswith(stem)


def _decode(toml: TomlFile) -> Variant:
    """Decode a member of a family and check the rules that involve more than one key."""
    variant = toml.read(Variant)

    def refuse(value: object, key: tuple[str, ...], allowed: str) -> ConfigError:
        return toml.refusal(f"{value!r} is not allowed", key, f"Allowed: {allowed}.")

    if not variant.id.startswith(toml.path.stem):
        raise refuse(variant.id, ("id",), f"{toml.path.stem!r}, the file's name, and more")
    if variant.network not in NETWORKS:
        raise refuse(variant.network, ("network",), " or ".join(NETWORKS))
    if variant.takes_images and variant.precision != "float32":
        raise refuse(variant.precision, ("precision",), "float32 of a network that takes images")
    if variant.front_end not in front_end_names():
        raise refuse(variant.front_end, ("front_end",), " or ".join(front_end_names()))
    if wrong := _wrong_words(variant.vocabulary):
        raise refuse(variant.words, ("words",), f'{wrong}, such as "yes,no"')
    numbers = variant.quantization
    if numbers is None:
        return variant
    allowed_bits = INTEGER_BITS if numbers.number == "integer" else tuple(MINIFLOATS)
    if numbers.bits not in allowed_bits:
        allowed = f"{', '.join(map(str, allowed_bits))} of the number {numbers.number!r}"
        raise refuse(numbers.bits, ("quantization", "bits"), allowed)
    if variant.precision == "int8":
        if (numbers.method, numbers.number, numbers.bits) != ("aware", "integer", 8):
            allowed = "float32; int8 goes with aware integers of 8 bits, or without [quantization]"
            raise refuse("int8", ("precision",), allowed)
        for key in ("symmetric", "per_channel"):
            if not getattr(numbers, key):
                allowed = "true: TensorFlow Lite's int8 weights are symmetric with a range per channel"
                raise refuse(False, ("quantization", key), allowed)
    return variant


def _wrong_words(words: Sequence[str]) -> str:
    """Return what a vocabulary must be, "" if it is that."""
    if not 2 <= len(words) <= MOST_WORDS:
        return f"2 to {MOST_WORDS} words, separated by commas"
    if not all(word.isprintable() and parts_of(word) and not set(word) & set("._/\\") for word in words):
        return "words of letters or digits that can be the name of a folder"
    if len({plain(word) for word in (*LABELS[:2], *words)}) < len(words) + 2:
        return "words that differ from each other, from silence and from unknown"
    return ""
