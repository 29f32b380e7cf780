"""Studies: variants that are compared to answer a question, as data. Each is a TOML file of models/studies/.

It is a family of variants with a table [study] more, and claims that the figures will bear out or not:

    [study.claims.four]
    text = "4 bits with training recognize as well as float32, but for two points"
    this = ["method = aware", "bits = 4"]
    that = ["trained"]
    margin = -0.02
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from models.decoding import Meta, TomlFile, matching
from models.errors import ConfigError
from models.families import Key, format_value, keys_by_name, varying
from models.variants import Variant, family_of

STUDIES = Path(__file__).parent / "studies"

STATES = ("trained", "before", "after")
"""A network as it was trained, right after it was pruned or quantized, and after fine-tuning."""

MEASURES = ("accuracy", "accuracy-before", "mse")
"""What a plot may show: accuracy after and before fine-tuning, and the error to the trained network."""

SIZES = ("parameters", "remaining", "operations")
"""What a plot may show it over, beside the study's x; "remaining" parameters are not zero."""

_TEXT = matching(r"[\s\S]*\S[\s\S]*", "some text")


@dataclass(frozen=True)
class Claim:
    """That some networks recognize more of the clips than others do, by more than a margin.

    Attributes:
        text: a sentence without its full stop.
        this, that: networks, each as values of what varies ("bits = 2 3" is either) and one of `STATES`,
            which is "after" where none is named. Those are paired that differ only in what both name.
        margin: by how much more, -1 to 1: 0 for "better", -0.02 for "no more than two points worse".
    """

    text: Annotated[str, _TEXT]
    this: tuple[str, ...]
    that: tuple[str, ...]
    margin: Annotated[float, Meta(gt=-1, lt=1)] = 0.0


@dataclass(frozen=True)
class Heading:
    """The table [study] of a study's file.

    Attributes:
        title: for people.
        question: what it is to answer.
        x: the key that goes along the axis, by the name that a template has for it, such as "bits".
        series: the keys whose values make a line of their own, such as ["method"].
        plots: such as "accuracy over bits": one of `MEASURES` over the x or one of `SIZES`.
        claims: by a name of their own.
    """

    title: Annotated[str, _TEXT]
    question: Annotated[str, _TEXT]
    x: str
    series: tuple[str, ...] = ()
    plots: tuple[str, ...] = ()
    claims: dict[str, Claim] = field(default_factory=dict)


@dataclass(frozen=True)
class Networks:
    """Which networks one side of a claim is about.

    Attributes:
        values: the values they may have, as text, by the name of the key.
        state: one of `STATES`.
    """

    values: dict[str, tuple[str, ...]]
    state: str


@dataclass(frozen=True)
class Comparison:
    """A claim whose sides are understood; see `Claim`."""

    text: str
    this: Networks
    that: Networks
    margin: float


@dataclass(frozen=True)
class Study:
    """Variants with the axes along which they are compared; the seeds of a point are its repetitions.

    Attributes:
        name: the file's name without .toml.
        title, question: see `Heading`.
        x: the key along the axis, such as "quantization.bits".
        series: the keys whose values make a line of their own.
        varying: all keys that have several values, by name.
        plots: pairs of a measure and what it is shown over.
        claims: what the figures are held against.
        variants: all points.
    """

    name: str
    title: str
    question: str
    x: str
    series: tuple[str, ...]
    varying: dict[str, str]
    plots: tuple[tuple[str, str], ...]
    claims: tuple[Comparison, ...]
    variants: tuple[Variant, ...]

    def x_of(self, variant: Variant) -> float:
        """Where a variant stands on the axis."""
        return _value(variant, self.x)

    def series_of(self, variant: Variant) -> str:
        """Which line a variant belongs to, such as "aware", or of two keys "linf, l1 = 0.001"."""
        parts = []
        for key in self.series:
            value, text = _value(variant, key), _text(variant, key)
            named = not isinstance(value, (str, bool))
            parts.append(f"{key.split('.')[-1]} = {text}" if named else text)
        return ", ".join(parts)

    def values_of(self, variant: Variant) -> dict[str, str]:
        """A variant's values of all that varies, as text by name."""
        return {name: _text(variant, key) for name, key in self.varying.items()}

    def training_of(self, variant: Variant) -> dict[str, str]:
        """Those of its values that its training depends on: alike in all variants made of one network."""
        return {
            name: _text(variant, key)
            for name, key in self.varying.items()
            if key.split(".")[0] in ("network", "seed", "training")
        }


def load_studies(folder: Path = STUDIES) -> list[Study]:
    """All studies, sorted by name.

    Raises:
        ConfigError: see `load_study`.
    """
    return [
        load_study(file.stem, folder) for file in sorted(folder.glob("*.toml"), key=lambda file: file.stem)
    ]


def load_study(name: str, folder: Path = STUDIES) -> Study:
    """A study by its name.

    Args:
        name: of the file, without .toml.
        folder: holds the files.

    Raises:
        ConfigError: there is none of that name, or it is wrong; names the file, the line and the key.
    """
    file = folder / f"{name}.toml"
    if not file.is_file():
        there = ", ".join(sorted(found.stem for found in folder.glob("*.toml"))) or "none"
        raise ConfigError(f"there is no study {name!r}", str(folder), f"There are: {there}.")
    whole = TomlFile(file)
    heading, family = _parted(whole)
    variants, refused = family_of(family)
    if refused:
        raise refused[0].failure
    if any(item.pruning is None and item.quantization is None for item in variants):
        raise whole.refusal(
            "a study's networks are pruned or quantized",
            ("study",),
            "Add [pruning] or [quantization]; what the network was before is measured with them.",
        )
    keys = keys_by_name(family.tables)
    several = {name: ".".join(keys[name]) for name in varying(family)}
    texts = {name: {_text(item, key) for item in variants} for name, key in several.items()}
    return Study(
        name=name,
        title=heading.title,
        question=heading.question,
        x=_key(heading.x, "x", keys, whole),
        series=tuple(_key(item, "series", keys, whole) for item in heading.series),
        varying=several,
        plots=tuple(_plot(item, heading.x, whole) for item in heading.plots),
        claims=tuple(
            Comparison(
                claim.text,
                _networks(claim.this, ("study", "claims", label, "this"), texts, whole),
                _networks(claim.that, ("study", "claims", label, "that"), texts, whole),
                claim.margin,
            )
            for label, claim in heading.claims.items()
        ),
        variants=tuple(variants),
    )


@dataclass(frozen=True)
class _HeadingFile:
    study: Heading


def _parted(whole: TomlFile) -> tuple[Heading, TomlFile]:
    heading, family = copy.copy(whole), copy.copy(whole)
    heading.tables = {name: table for name, table in whole.tables.items() if name == "study"}
    family.tables = {name: table for name, table in whole.tables.items() if name != "study"}
    return heading.read(_HeadingFile).study, family


def _key(name: str, place: str, keys: dict[str, Key], toml: TomlFile) -> str:
    """The whole key of what the heading names."""
    if name not in keys:
        raise toml.refusal(
            f"the file has no key {name!r}", ("study", place), f"Allowed are: {', '.join(keys)}."
        )
    return ".".join(keys[name])


def _plot(text: str, x: str, toml: TomlFile) -> tuple[str, str]:
    measure, _, over = text.partition(" over ")
    if measure not in MEASURES or over not in (x, *SIZES):
        raise toml.refusal(
            f"{text!r} is no plot",
            ("study", "plots"),
            f'Allowed is "A over B": A one of {", ".join(MEASURES)}; B one of {", ".join((x, *SIZES))}.',
        )
    return measure, over


def _networks(
    parts: Sequence[str], at: tuple[str, ...], texts: dict[str, set[str]], toml: TomlFile
) -> Networks:
    """One side of a claim: "bits = 2 3" is a value, "before" a state."""
    values: dict[str, tuple[str, ...]] = {}
    states = [part for part in parts if part in STATES]
    for part in (part for part in parts if part not in STATES):
        name, _, wanted = (piece.strip() for piece in part.partition("="))
        if name not in texts:
            raise toml.refusal(
                f"{part!r} is no value of what varies",
                at,
                f'Allowed is "key = value" of {", ".join(texts)}, or one of {", ".join(STATES)}.',
            )
        values[name] = tuple(wanted.split())
        if not values[name] or not set(values[name]) <= texts[name]:
            raise toml.refusal(
                f"{part!r} is no value of what varies", at, f"Allowed are: {', '.join(sorted(texts[name]))}."
            )
    if len(states) > 1:
        raise toml.refusal("a network is in one state", at, f"Name one of {', '.join(states)}.")
    return Networks(values, states[0] if states else "after")


def _text(variant: Variant, key: str) -> str:
    return format_value(key.split(".")[-1], _value(variant, key))


def _value(variant: Variant, key: str) -> Any:
    value: Any = variant
    for name in key.split("."):
        value = getattr(value, name)
    return value
