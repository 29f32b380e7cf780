"""Runs of small models on the emulated board."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from models.errors import ConfigError, UserFacingError
from models.model_artifact import ModelArtifact
from models.pipeline import external
from models.store import Store

LABELS = ("silence", "unknown", "yes", "no")


class Models:
    """A selection of .tflite files and models.

    A ConfigError is reported before anything else, any other exception is raised in its turn.
    """

    def __init__(self, *items: Path | ModelArtifact | BaseException, store: Store) -> None:
        self.items, self.store = items, store
        self.labels = LABELS

    def labels_of_all(self) -> list[str]:
        return list(LABELS)

    def models(
        self,
        failures: dict[str, UserFacingError] | None = None,
        ready: Callable[[ModelArtifact], None] | None = None,
    ) -> Iterator[ModelArtifact]:
        failures = {} if failures is None else failures
        failures |= {item.where: item for item in self.items if isinstance(item, ConfigError)}
        left = [item for item in self.items if not isinstance(item, ConfigError)]
        if not left:
            raise next(iter(failures.values()))
        for item in left:
            if isinstance(item, BaseException):
                raise item
            yield item if isinstance(item, ModelArtifact) else external(item, LABELS, self.store)


class NewModels(Models):
    """A selection whose models are all new."""

    def models(
        self,
        failures: dict[str, UserFacingError] | None = None,
        ready: Callable[[ModelArtifact], None] | None = None,
    ) -> Iterator[ModelArtifact]:
        models = [*super().models(failures)]
        for model in models:
            ready(model)
        yield from models
