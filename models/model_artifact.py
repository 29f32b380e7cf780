"""A model that was prepared, for a board where one can run it: a folder, read through its model.json."""

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
class ModelArtifact:
    """What was prepared for the boards, or came as a .tflite from elsewhere.

    Args:
        path: the folder, with `model.json`; of a deployable model with `model.tflite` as well. What is said
            of that file (tflite, tflite_sha256, tflite_bytes, input, output) others do not have.
    """

    path: Path

    @property
    def deployable(self) -> bool:
        """Whether a board can run it: there is a .tflite."""
        return self._contents.get("deployable", True)

    @property
    def tflite(self) -> Path:
        """The model; the file is there if it is deployable."""
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
    def network(self) -> str | None:
        """One of `models.variants.NETWORKS`; None for a model from elsewhere."""
        return self._contents.get("network")

    @property
    def pruning(self) -> dict[str, Any] | None:
        """The fields of `models.compress.transforms.Pruning`; None where nothing was removed."""
        return self._contents.get("pruning")

    @property
    def quantization(self) -> dict[str, Any] | None:
        """The fields of `models.compress.transforms.Quantization`; None without a [quantization]."""
        return self._contents.get("quantization")

    @property
    def base(self) -> dict[str, Any] | None:
        """Network, seed and training: equal in models of one checkpoint. None for a model from elsewhere."""
        return self._contents.get("base")

    @property
    def parameters(self) -> int | None:
        """How many weights and biases there are, batch normalization folded; None for one from elsewhere."""
        return self._contents["parameters"]

    @property
    def remaining_parameters(self) -> int | None:
        """How many of them are not zero; None for a model from elsewhere."""
        return self._contents.get("remaining_parameters")

    @property
    def sizing(self) -> dict[str, Any] | None:
        """The fields of `models.sizing.Sizing`: what it should take; None where no board can run it, or for a
        model from elsewhere."""
        return self._contents.get("sizing")

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return self._contents["macs"]

    @property
    def operators(self) -> dict[str, int]:
        """How often each operator occurs in the .tflite; empty where there is none."""
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
    def compressed_bytes(self) -> int | None:
        """The size of the .tflite by zlib at level 9; None where there is none."""
        return self._contents.get("compressed_bytes")

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
        """The learning curves, each epoch with the fields of `models.train.Epoch`; empty if not known."""
        return self._contents["epochs"]

    @property
    def kept_epoch(self) -> int | None:
        """The epoch whose weights the model has, from 1; None if not known."""
        return self._contents["kept_epoch"]

    @property
    def accuracy(self) -> dict[str, list[dict[str, Any]]]:
        """By split label, correct and total of each label; empty if not measured.

        Of the .tflite itself; of a model that is not deployable in torch.
        """
        return self._contents["accuracy"]

    @property
    def test_heard(self) -> list[int]:
        """The index of the label heard in each clip of the test set, in the set's order; empty if not known.

        Of the same model as `accuracy`.
        """
        return self._contents.get("test_heard", [])

    @property
    def test_labels(self) -> list[int]:
        """The index of the right label of each; empty like `test_heard`."""
        return self._contents.get("test_labels", [])

    @property
    def before_fine_tuning(self) -> dict[str, list[dict[str, Any]]] | None:
        """The accuracy in torch right after pruning or quantization; None where neither was done."""
        return self._contents.get("before_fine_tuning")

    @property
    def fine_tuning(self) -> dict[str, Any] | None:
        """`epochs`, the learning curves from epoch 0, and `kept_epoch`; None like `before_fine_tuning`."""
        return self._contents.get("fine_tuning")

    @property
    def mse(self) -> float | None:
        """Mean squared error of the probabilities to the float network's on the test set, in torch.

        None like `before_fine_tuning`.
        """
        return self._contents.get("mse")

    def _file(self, name: str) -> Path | None:
        path = self.path / name
        return path if path.is_file() else None

    @cached_property
    def _contents(self) -> dict[str, Any]:
        return json.loads((self.path / CONTENTS).read_text())
