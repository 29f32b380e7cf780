"""Selection of models: variants by pattern, or one .tflite from elsewhere."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.layout import CONFIGS, store_root
from harness.stats.matching import is_keyword
from models.errors import UserFacingError
from models.store import Store

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact


DEFAULT_VARIANTS = "tinyconv-*"
"""Pattern of the variants measured by default; "*" is the whole family."""


@dataclass(frozen=True)
class Selection:
    """Models to measure.

    Attributes:
        pattern: shell-style pattern over the ids of models/configs/.
        dataset: a folder in the Speech Commands layout; None takes the synthetic corpus.
        model_file: a .tflite to bench instead of the variants.
        labels: the labels of `model_file` in the order of its outputs; `_silence_` and `_unknown_` become
            "silence" and "unknown".
    """

    pattern: str = DEFAULT_VARIANTS
    dataset: Path | None = None
    model_file: Path | None = None
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.model_file is not None and not self.labels:
            raise UsageError(
                "--model needs --labels",
                where=str(self.model_file),
                remedy="Name its outputs in order, such as --labels silence,unknown,yes,no.",
            )
        if self.labels and self.model_file is None:
            raise UsageError(
                "--labels needs --model", remedy="Omit --labels: the variants' labels are in models/configs/."
            )
        object.__setattr__(self, "labels", _checked(self.labels))

    def ids(self) -> list[str]:
        """Return the ids of the selected models without preparing any."""
        from models.variants import load_variants

        if self.model_file is not None:
            return [self.model_file.stem]
        return [variant.id for variant in load_variants(CONFIGS, self.pattern)]

    def only(self, identity: str) -> Selection:
        """Return the selection of one of the variants."""
        return replace(self, pattern=glob.escape(identity))

    def models(self, failed: Callable[[str, UserFacingError], None] | None = None) -> Iterator[ModelArtifact]:
        """Prepare the models (train, prune, quantize, convert, or take from the store) and yield each.

        Variants are prepared several at a time. The first is yielded when all are ready: measurements then
        have the processor for themselves.

        Args:
            failed: receives the id and the failure of every variant that is invalid or cannot be prepared;
                the others are yielded all the same. Without it the first failure is raised.
        """
        from models.data.corpus import synthetic_corpus
        from models.parallel import prepare_all
        from models.pipeline import external
        from models.variants import load_family

        store = Store(store_root())
        if self.model_file is not None:
            yield external(self.model_file, self.labels, store, self.dataset)
            return

        def report(identity: str, failure: UserFacingError) -> None:
            if failed is None:
                raise failure
            failed(identity, failure)

        variants, refused = load_family(CONFIGS, self.pattern)
        for item in refused:
            report(item.id, item.failure)
        dataset = self.dataset or synthetic_corpus(store)
        ready = []
        for outcome in prepare_all(variants, dataset, store):
            if outcome.failure is not None:
                report(outcome.variant.id, outcome.failure)
            elif outcome.result is not None:
                ready.append(outcome.result)
        yield from ready


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
        word = label.strip("_").casefold()
        if word in by_word:
            raise UsageError(
                f"the labels {by_word[word]!r} and {label!r} name the same word",
                where="--labels",
                remedy="Give every output a label of its own.",
            )
        by_word[word] = label
    return tuple(label if is_keyword(label) else label.strip("_").casefold() for label in labels)
