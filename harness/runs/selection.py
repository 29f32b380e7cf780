"""Selection of models: variants by pattern, or one .tflite from elsewhere."""

from __future__ import annotations

import glob
import os
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from harness.errors import UsageError
from harness.layout import CONFIGS, store_root
from harness.stats.matching import is_keyword
from models import progress
from models.errors import UserFacingError
from models.store import Store

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact
    from models.variants import Refused, Variant


DEFAULT_VARIANTS = "tinyconv-*"
"""Pattern of the variants measured by default; "*" is the whole family."""


@dataclass(frozen=True)
class Selection:
    """Models to measure."""

    pattern: str = DEFAULT_VARIANTS  # shell-style pattern over the ids of models/configs/
    dataset: Path | None = None  # a folder in the Speech Commands layout; None takes the synthetic corpus
    model_file: Path | None = None  # a .tflite to bench instead of the variants
    labels: tuple[str, ...] = ()
    """The labels of `model_file` in the order of its outputs; `_silence_` and `_unknown_` become "silence"
    and "unknown"."""
    front_end: str = ""
    """Makes the features of `model_file`, one of `models.data.front_ends`; "" for micro, or for a model of
    other inputs."""
    voices: Literal["", "synthetic", "people", "both"] = ""
    """Voices that the variants learn from in place of their own, see `models.variants.VOICES`."""

    def __post_init__(self) -> None:
        file, own = self.model_file, "the variants have theirs in models/configs/."
        example = "Name its outputs in order, such as --labels silence,unknown,yes,no."
        for is_wrong, what, remedy in (
            (file and not self.labels, "--model needs --labels", example),
            (self.labels and not file, "--labels needs --model", f"Omit --labels: {own}"),
            (self.front_end and not file, "--front-end needs --model", f"Omit --front-end: {own}"),
            (
                self.voices and file,
                "--voices cannot be combined with --model",
                "Omit one of them: only variants are trained.",
            ),
        ):
            if is_wrong:
                raise UsageError(what, where=str(file or ""), remedy=remedy)
        object.__setattr__(self, "labels", _checked(self.labels))

    @property
    def test_set(self) -> str:
        """Return the name of the dataset on whose test set the models are tested."""
        if self.dataset is None:
            return "the synthetic corpus"
        return os.fsencode(self.dataset.resolve().name).decode(errors="replace")

    def variants(self, configs: Path | None = None) -> tuple[list[Variant], list[Refused]]:
        """Return the selected variants with the chosen voices, and those that are not valid.

        Raises:
            ConfigError: nothing matches the pattern.
        """
        from models.variants import load_family

        variants, refused = load_family(configs or CONFIGS, self.pattern)
        if self.voices:
            variants = [replace(variant, voices=self.voices) for variant in variants]
        return variants, refused

    def ids(self) -> list[str]:
        """Return the ids of the selected models without preparing any; `models` refuses those not valid."""
        if self.model_file is not None:
            return [self.model_file.stem]
        variants, refused = self.variants()
        return [variant.id for variant in variants] + [item.id for item in refused]

    def labels_of_all(self) -> list[str]:
        """Return the labels of the selected models without preparing any, each once."""
        from models.data.dataset import DatasetConfig

        if self.model_file is not None:
            return list(self.labels)
        variants, _ = self.variants()
        labels = (DatasetConfig.of(variant.vocabulary).labels for variant in variants)
        return list(dict.fromkeys(chain.from_iterable(labels)))

    def only(self, identity: str) -> Selection:
        """Return the selection of one of the variants."""
        return replace(self, pattern=glob.escape(identity))

    def models(
        self,
        failures: dict[str, UserFacingError] | None = None,
        ready: Callable[[ModelArtifact], None] | None = None,
    ) -> Iterator[ModelArtifact]:
        """Prepare the models (train, prune, quantize, convert, or take from the store) and yield each.

        Variants are prepared several at a time. The first is yielded when all are ready: measurements then
        have the processor for themselves.

        Args:
            failures: receives, before the first model is yielded, the failure of every variant that is
                invalid or cannot be prepared, by its id.
            ready: see `models.parallel.prepare_all`.

        Raises:
            UserFacingError: the first failure, if no model is left.
        """
        from models.parallel import prepare_all
        from models.pipeline import external

        store = Store(store_root())
        if self.model_file is not None:
            yield external(self.model_file, self.labels, store, self.dataset, self.front_end)
            return
        failures = {} if failures is None else failures
        variants, refused = self.variants()
        failures |= {item.id: item.failure for item in refused}
        outcomes = []
        if variants:
            outcomes = list(prepare_all(variants, self.dataset, store, ready=ready))
        failures |= {one.variant.id: one.failure for one in outcomes if one.failure is not None}
        prepared = [one.result for one in outcomes if one.result is not None]
        if not prepared:
            raise next(iter(failures.values()))
        for identity, failure in failures.items():
            progress.warn(f"{identity}: {failure}")
        yield from prepared


def _checked(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return labels as they are used.

    Raises:
        UsageError: a label is empty, cannot be printed, or differs from another one in case only.
    """
    by_word: dict[str, str] = {}
    for label in labels:
        if not label or not label.isprintable():
            raise UsageError(
                f"a label is {label!r}",
                where="--labels",
                remedy="Name every output by text that can be printed.",
            )
        word = unicodedata.normalize("NFC", label).strip("_").casefold()
        if word in by_word:
            raise UsageError(
                f"the labels {by_word[word]!r} and {label!r} name the same word",
                where="--labels",
                remedy="Give every output a label of its own.",
            )
        by_word[word] = label
    return tuple(label if is_keyword(label) else label.strip("_").casefold() for label in labels)
