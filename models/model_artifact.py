"""A model that is ready for the boards: a folder, described by its model.json."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypedDict

import msgspec

CONTENTS = "model.json"


class TensorFacts(TypedDict):
    """A model's input or output; scale 0 and zero point 0 mean that the tensor is not quantized."""

    shape: list[int]
    dtype: str
    scale: float
    zero_point: int


@dataclass(frozen=True)
class ModelArtifact:
    """A model prepared for the boards, or a .tflite from elsewhere.

    The folder holds `model.json` and, if a board can run the model, `model.tflite`. Facts that are not known
    of a model from elsewhere are None or empty.

    Attributes:
        id: the variant's id, or the file's name made fit for a record.
        title: for people.
        precision: type of input and output, "float32" or "int8".
        labels: names of the outputs in order.
        path: the folder.
        source: the user's file of a model from elsewhere; None for a variant.
        deployable: True if a board can run the model. If not, there is no .tflite: what describes it is
            None.
        network: one of `models.variants.NETWORKS`.
        front_end: one of `models.data.front_ends`.
        front_end_library: the library in sketches/libraries/ that computes the features on a board.
        seed: the variant's seed.
        base: network, seed and training; equal in models of one checkpoint.
        pruning: fields of `models.variants.Pruning`; None if the model is not pruned.
        quantization: fields of `models.variants.Quantization`; None if the variant has no [quantization].
        parameters: weights and biases, batch normalization folded.
        remaining_parameters: parameters that are not zero.
        macs: multiply-accumulates of one inference.
        operators: number of operators in the .tflite by name.
        sizing: fields of `models.sizing.Sizing`, the estimated cost; None if the model is not deployable.
        tflite_sha256: 64 hex digits.
        tflite_bytes: size of the .tflite.
        compressed_bytes: size of the .tflite by zlib at level 9.
        input: the model's only input.
        output: the model's only output.
        epochs: learning curves, with the fields of `models.metrics.TrainingEpoch`.
        kept_epoch: the epoch whose weights the model has, from 1.
        accuracy: by split, per label correct and total; empty if not measured. Measured with the .tflite, or
            in torch if the model is not deployable.
        test_predictions: index of the predicted label per test clip, measured like `accuracy`.
        test_labels: index of the right label per test clip.
        before_fine_tuning: accuracy in torch right after pruning or quantization; None without either.
        fine_tuning: `epochs`, learning curves from epoch 0, and `kept_epoch`; None like `before_fine_tuning`.
        mse: mean squared error of the probabilities to the trained network's on the test set, in torch; None
            like `before_fine_tuning`.
    """

    id: str
    title: str
    precision: str
    labels: tuple[str, ...]
    path: Path = Path()
    source: Path | None = None
    deployable: bool = True
    network: str | None = None
    front_end: str = "micro"
    front_end_library: str = "EarshotFrontEnd"
    seed: int | None = None
    base: dict[str, Any] | None = None
    pruning: dict[str, Any] | None = None
    quantization: dict[str, Any] | None = None
    parameters: int | None = None
    remaining_parameters: int | None = None
    macs: int | None = None
    operators: dict[str, int] = field(default_factory=dict)
    sizing: dict[str, Any] | None = None
    tflite_sha256: str | None = None
    tflite_bytes: int | None = None
    compressed_bytes: int | None = None
    input: TensorFacts | None = None
    output: TensorFacts | None = None
    epochs: list[dict[str, Any]] = field(default_factory=list)
    kept_epoch: int | None = None
    accuracy: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    test_predictions: list[int] = field(default_factory=list)
    test_labels: list[int] = field(default_factory=list)
    before_fine_tuning: dict[str, list[dict[str, Any]]] | None = None
    fine_tuning: dict[str, Any] | None = None
    mse: float | None = None

    @classmethod
    def load(cls, path: Path) -> ModelArtifact:
        """Read the model.json of a folder."""
        return replace(msgspec.json.decode((path / CONTENTS).read_bytes(), type=cls), path=path)

    @property
    def name(self) -> str:
        """The name in messages: the user's file, or the variant's id."""
        return str(self.source or self.id)

    @property
    def tflite(self) -> Path:
        """The .tflite; the file exists if the model is deployable."""
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

        None if the model does not take micro features, or is from elsewhere and was not evaluated.
        """
        return self._file("clips.npz")

    def _file(self, name: str) -> Path | None:
        path = self.path / name
        return path if path.is_file() else None
