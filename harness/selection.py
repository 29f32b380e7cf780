"""Which models a run is about: variants by pattern, or one .tflite from elsewhere."""

from __future__ import annotations

import glob
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.layout import CONFIGS, store_root
from models.artefacts import Store

if TYPE_CHECKING:
    from models.prepare import ModelArtefact


@dataclass(frozen=True)
class Selection:
    """What to bench.

    Attributes:
        pattern: shell-style pattern over the ids of models/configs/.
        dataset: a folder in the Speech Commands layout; None takes the synthetic corpus.
        model_file: a .tflite to bench instead of the variants.
        labels: the labels of `model_file` in the order of its outputs.
    """

    pattern: str = "*"
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
                "--labels goes with --model", remedy="The variants' labels are in models/configs/."
            )

    def ids(self) -> list[str]:
        """The ids of what is selected, without preparing anything."""
        from models.variants import load_variants

        if self.model_file is not None:
            return [self.model_file.stem]
        return [variant.id for variant in load_variants(CONFIGS, self.pattern)]

    def only(self, identity: str) -> Selection:
        """The selection of one of the variants."""
        return replace(self, pattern=glob.escape(identity))

    def models(self, say: Callable[[str], None]) -> Iterator[ModelArtefact]:
        """Prepares (trains, converts; or takes from the store) one model after the other.

        Args:
            say: told one line about each step.
        """
        from models.corpus import synthetic_corpus
        from models.prepare import external, prepare
        from models.variants import load_variants

        store = Store(store_root())
        if self.model_file is not None:
            yield external(self.model_file, self.labels, store, self.dataset, say)
            return
        variants = load_variants(CONFIGS, self.pattern)
        dataset = self.dataset
        if dataset is None:
            say("dataset: the synthetic corpus, which takes a minute the first time")
            dataset = synthetic_corpus(store, progress=sys.stderr.isatty())
        for variant in variants:
            yield prepare(variant, dataset, store, say)
