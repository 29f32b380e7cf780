"""Studies: variants that are compared to support a claim, as data. Each is a TOML file of models/studies/."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from models.errors import ConfigError
from models.families import as_text, keys_by_name
from models.toml_table import TomlFile, matching
from models.variants import Variant, family_of

STUDIES = Path(__file__).parent / "studies"

_TEXT = matching(r"(?s).*\S.*", "some text")


@dataclass(frozen=True)
class Heading:
    """The table [study] of a study's file.

    Attributes:
        title: for people.
        claim: what it is to show, a sentence.
        x: the key that goes along the axis, by the name that a template has for it, such as "bits".
        series: the keys whose values make a line of their own, such as ["method"].
    """

    title: Annotated[str, _TEXT]
    claim: Annotated[str, _TEXT]
    x: str
    series: tuple[str, ...] = ()


@dataclass(frozen=True)
class Study:
    """Variants with the axes along which they are compared; the seeds of a point are its repetitions.

    Attributes:
        name: the file's name without .toml.
        title, claim: see `Heading`.
        x: the key along the axis, such as "quantization.bits".
        series: the keys whose values make a line of their own.
        variants: all points.
    """

    name: str
    title: str
    claim: str
    x: str
    series: tuple[str, ...]
    variants: tuple[Variant, ...]

    def x_of(self, variant: Variant) -> float:
        """Where a variant stands on the axis."""
        return _value(variant, self.x)

    def series_of(self, variant: Variant) -> str:
        """Which line a variant belongs to, such as "aware", or of two keys "linf, l1 = 0.001"."""
        parts = []
        for key in self.series:
            last, value = key.split(".")[-1], _value(variant, key)
            text = as_text(last, value)
            parts.append(text if isinstance(value, (str, bool)) else f"{last} = {text}")
        return ", ".join(parts)


def load_studies(folder: Path = STUDIES) -> list[Study]:
    """All studies, sorted by name.

    Raises:
        ConfigError: see `load_study`.
    """
    return [load_study(file.stem, folder) for file in sorted(folder.glob("*.toml"))]


def load_study(name: str, folder: Path = STUDIES) -> Study:
    """A study by its name.

    Args:
        name: of the file, without .toml.
        folder: holds the files. They are written like families of variants, with a table [study] more.

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
    return Study(
        name=name,
        title=heading.title,
        claim=heading.claim,
        x=_key(heading.x, "x", family),
        series=tuple(_key(item, "series", family) for item in heading.series),
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


def _key(name: str, place: str, family: TomlFile) -> str:
    """The whole key of what the heading names."""
    keys = keys_by_name(family.tables)
    if name not in keys:
        raise family.refusal(
            f"the file has no key {name!r}", ("study", place), f"Allowed are: {', '.join(keys)}."
        )
    return ".".join(keys[name])


def _value(variant: Variant, key: str) -> Any:
    value: Any = variant
    for name in key.split("."):
        value = getattr(value, name)
    return value
