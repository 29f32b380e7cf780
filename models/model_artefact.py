"""A model that is ready for a board: a folder, read through its model.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict

SCHEMA = 1
CONTENTS = "model.json"


class TensorFacts(TypedDict):
    """A model's input or output. Scale 0 and zero point 0 stand for a tensor that is not quantized."""

    shape: list[int]
    dtype: str
    scale: float
    zero_point: int


@dataclass(frozen=True)
class ModelArtefact:
    """What was prepared for the boards, or came as a .tflite from elsewhere.

    Args:
        path: the folder, with `model.tflite` and `model.json`.
    """

    path: Path

    @property
    def tflite(self) -> Path:
        """The model."""
        return self.path / "model.tflite"

    @property
    def onnx(self) -> Path | None:
        """The float network for ONNX Runtime; None for a model from elsewhere."""
        return self._file("model.onnx")

    @property
    def torchscript(self) -> Path | None:
        """The float network for torch; None for a model from elsewhere."""
        return self._file("model.torchscript.pt")

    @property
    def clips(self) -> Path | None:
        """An .npz with `features` uint16 (N, 49, 40) and `labels` int64 (N,) of test clips.

        None where the model's features are not the micro front end's.
        """
        return self._file("clips.npz")

    @property
    def id(self) -> str:
        """The variant's id, or the file's name made fit for a record."""
        return self._contents["id"]

    @property
    def title(self) -> str:
        """For people."""
        return self._contents["title"]

    @property
    def precision(self) -> str:
        """The type of the model's input and output: "float32" or "int8"."""
        return self._contents["precision"]

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the outputs in order."""
        return tuple(self._contents["labels"])

    @property
    def seed(self) -> int | None:
        """What the variant's chance was drawn from; None for a model from elsewhere."""
        return self._contents["seed"]

    @property
    def parameters(self) -> int | None:
        """How many weights and biases were trained; None for a model from elsewhere."""
        return self._contents["parameters"]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return self._contents["macs"]

    @property
    def operators(self) -> dict[str, int]:
        """How often each operator occurs in the .tflite."""
        return self._contents["operators"]

    @property
    def tflite_sha256(self) -> str:
        """64 hex digits."""
        return self._contents["tflite_sha256"]

    @property
    def tflite_bytes(self) -> int:
        """The size of the .tflite."""
        return self._contents["tflite_bytes"]

    @property
    def input(self) -> TensorFacts:
        """The model's one input."""
        return self._contents["input"]

    @property
    def output(self) -> TensorFacts:
        """The model's one output."""
        return self._contents["output"]

    @property
    def epochs(self) -> list[dict[str, Any]]:
        """The learning curves, each epoch with the fields of `models.training.Epoch`; empty if not known."""
        return self._contents["epochs"]

    @property
    def kept_epoch(self) -> int | None:
        """The epoch whose weights the model has, from 1; None if not known."""
        return self._contents["kept_epoch"]

    @property
    def accuracy(self) -> dict[str, list[dict[str, Any]]]:
        """Of the .tflite itself by split: label, correct, total of each label; empty if not measured."""
        return self._contents["accuracy"]

    def _file(self, name: str) -> Path | None:
        path = self.path / name
        return path if path.is_file() else None

    @cached_property
    def _contents(self) -> dict[str, Any]:
        return json.loads((self.path / CONTENTS).read_text())
