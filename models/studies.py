"""Studies: families of variants that are compared to answer a question, each a TOML file of models/studies/.

A study's file is a family of variants with a table [study]:

    [study]
    title = "Bits of an integer"
    question = "How few bits do weights and activations need?"
    x = "bits"
    series = ["method"]
    reference = "post-training"
    plots = ["accuracy over bits"]
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from models.decoding import TomlFile, matching
from models.errors import ConfigError
from models.families import Key, format_value, keys_by_name, varying
from models.variants import Variant, family_of

STUDIES = Path(__file__).parent / "studies"

MEASURES = ("accuracy", "accuracy-before", "mse")
"""Measures of a plot: accuracy after and before fine-tuning, and squared error to the trained network."""

SIZES = ("parameters", "remaining", "operations")
"""Axes of a plot beside the study's x; "remaining" parameters are not zero."""

_TEXT = matching(r"[\s\S]*\S[\s\S]*", "some text")


@dataclass(frozen=True)
class Heading:
    """The table [study] of a study's file.

    Attributes:
        title: title for people.
        question: question that the study answers.
        x: key along the axis, by the name that a template has for it, such as "bits".
        series: keys whose values make a line of their own, such as ["method"].
        reference: series that the others are compared with; "" for the networks as trained.
        plots: such as "accuracy over bits": one of `MEASURES` over the x or one of `SIZES`.
        on_linux: True to measure each network as ONNX too, on a small Linux computer or this host.
    """

    title: Annotated[str, _TEXT]
    question: Annotated[str, _TEXT]
    x: str
    series: tuple[str, ...] = ()
    reference: str = ""
    plots: tuple[str, ...] = ()
    on_linux: bool = False


@dataclass(frozen=True)
class _File:
    study: Heading


@dataclass(frozen=True)
class Study:
    """Variants with the axes along which they are compared; the seeds of a point are its repetitions.

    Attributes:
        name: name of the file without .toml.
        heading: title, question and reference.
        x: key along the axis, such as "quantization.bits".
        series: keys whose values make a line of their own.
        training: keys that vary and that the training depends on, without the seed.
        plots: pairs of a measure and what it is shown over.
        variants: all points.
    """

    name: str
    heading: Heading
    x: str
    series: tuple[str, ...]
    training: tuple[str, ...]
    plots: tuple[tuple[str, str], ...]
    variants: tuple[Variant, ...]

    def x_of(self, variant: Variant) -> float:
        """Return the place of a variant on the axis."""
        return float(_value(variant, self.x))

    def series_of(self, variant: Variant) -> str:
        """Return the line that a variant belongs to, such as "aware", or of two keys "linf, l1 = 0.001"."""
        return _describe(variant, self.series)

    def training_of(self, variant: Variant) -> str:
        """Describe a variant's training, such as "l1 = 0.001"; the same for all that share a checkpoint."""
        return _describe(variant, self.training)


def load_study(name: str, folder: Path = STUDIES) -> Study:
    """Load a study by its name.

    Args:
        name: name of the file, without .toml.
        folder: folder of the files.

    Raises:
        ConfigError: there is none of that name, or it is wrong; names the file, the line and the key.
    """
    if name not in study_names(folder):
        names = ", ".join(study_names(folder)) or "none"
        raise ConfigError(f"there is no study {name!r}", str(folder), f"Choose one of: {names}.")
    whole = TomlFile(folder / f"{name}.toml")
    heading, family = copy.copy(whole), copy.copy(whole)
    heading.tables = {"study": whole.tables.get("study", {})}
    family.tables = {key: table for key, table in whole.tables.items() if key != "study"}
    read = heading.read(_File).study
    variants, refused = family_of(family)
    if refused:
        raise refused[0].failure
    if read.on_linux and not all(item.exportable for item in variants):
        raise whole.refusal(
            "ONNX cannot hold networks of such numbers", ("study", "on_linux"), "Leave it out."
        )
    if len({item.words for item in variants}) > 1:
        raise whole.refusal("a study's networks have one vocabulary", ("words",), "Give one text.")
    if len({item.takes_images for item in variants}) > 1:
        raise whole.refusal("a study's networks take one kind of data", ("network",), "Give one text.")
    keys = keys_by_name(family.tables)
    several = (".".join(keys[one]) for one in varying(family))
    study = Study(
        name=name,
        heading=read,
        x=_key(read.x, "x", keys, whole),
        series=tuple(_key(item, "series", keys, whole) for item in read.series),
        training=tuple(key for key in several if key.split(".")[0] in ("network", "training")),
        plots=tuple(_plot(item, read.x, whole) for item in read.plots),
        variants=tuple(variants),
    )
    series = sorted({study.series_of(item) for item in variants})
    if read.reference and read.reference not in series:
        remedy = f"Allowed are: {', '.join(series)}; leave it out for the networks as trained."
        raise whole.refusal(f"there is no series {read.reference!r}", ("study", "reference"), remedy)
    return study


def study_names(folder: Path = STUDIES) -> list[str]:
    """Return the names of all studies, sorted."""
    return sorted(file.stem for file in folder.glob("*.toml"))


def _key(name: str, place: str, keys: dict[str, Key], toml: TomlFile) -> str:
    if name not in keys:
        raise toml.refusal(
            f"the file has no key {name!r}", ("study", place), f"Allowed are: {', '.join(keys)}."
        )
    return ".".join(keys[name])


def _plot(text: str, x: str, toml: TomlFile) -> tuple[str, str]:
    measure, _, over = text.partition(" over ")
    if measure not in MEASURES or over not in (x, *SIZES):
        raise toml.refusal(
            f"{text!r} is not a plot",
            ("study", "plots"),
            f'Allowed is "A over B": A one of {", ".join(MEASURES)}; B one of {", ".join((x, *SIZES))}.',
        )
    return measure, over


def _describe(variant: Variant, keys: tuple[str, ...]) -> str:
    """Return values as text; numbers with their names."""
    parts = []
    for key in keys:
        name, value = key.split(".")[-1], _value(variant, key)
        text = format_value(name, value)
        parts.append(text if isinstance(value, (str, bool)) else f"{name} = {text}")
    return ", ".join(parts)


def _value(variant: Variant, key: str) -> Any:
    value: Any = variant
    for name in key.split("."):
        value = getattr(value, name)
    return value
