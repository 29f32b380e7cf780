"""What the engine generates from: a straight line of steps, each with one activation in and one out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from models.tflite import Operator


@dataclass(frozen=True)
class Value:
    """An activation tensor.

    Attributes:
        id: its own number.
        name: the model's name for it.
        shape: each at least 1.
        type: "int8" or "float32".
        scale: of int8 values, a float32; 0 for float32.
        zero_point: of int8 values, [-128, 127]; 0 for float32.
    """

    id: int
    name: str
    shape: tuple[int, ...]
    type: str
    scale: float
    zero_point: int

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Size in memory."""
        return self.elements * (1 if self.type == "int8" else 4)

    def same_numbers_as(self, other: Value) -> bool:
        """Whether the same bytes stand for the same real numbers in both."""
        return (self.type, self.scale, self.zero_point) == (other.type, other.scale, other.zero_point)


@dataclass(frozen=True)
class Step:
    """One operation of the program; `operator` is where in the model it comes from."""

    operator: Operator
    input: Value
    output: Value

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one run; a window's taps on padding count like the others."""
        return 0


@dataclass(frozen=True)
class Window:
    """How a filter moves over an image of (batch, row, column, channel); pairs are (rows, columns).

    Attributes:
        size: of the filter.
        stride: from one output to the next.
        dilation: from one tap to the next.
        before: padding above and left of the image.
    """

    size: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    before: tuple[int, int]


@dataclass(frozen=True)
class Weights:
    """The constants of a convolution or a fully connected layer.

    Attributes:
        values: int8 or float32.
        bias: (outputs,) int32 or float32.
        scales: of int8 values: one, or one for each output; () for float32.
    """

    values: np.ndarray
    bias: np.ndarray
    scales: tuple[float, ...]


@dataclass(frozen=True)
class Conv2D(Step):
    """CONV_2D; weights (outputs, rows, columns, inputs)."""

    weights: Weights
    window: Window
    activation: str

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one run."""
        return self.output.elements * self.weights.values[0].size

    @property
    def runs(self) -> np.ndarray:
        """Weights by taps that lie side by side in the input: (outputs, runs, taps of a run)."""
        outputs, rows, columns, _inputs = self.weights.values.shape
        without_gaps = self.window.dilation[1] == 1 or columns == 1
        return self.weights.values.reshape(outputs, rows if without_gaps else rows * columns, -1)


@dataclass(frozen=True)
class DepthwiseConv2D(Step):
    """DEPTHWISE_CONV_2D; weights (rows, columns, outputs), output c * multiplier + m from channel c."""

    weights: Weights
    window: Window
    activation: str

    @property
    def multiplier(self) -> int:
        """Outputs of each input channel."""
        return self.output.shape[3] // self.input.shape[3]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one run."""
        return self.output.elements * math.prod(self.window.size)


@dataclass(frozen=True)
class FullyConnected(Step):
    """FULLY_CONNECTED on rows of the input's memory; weights (outputs, inputs)."""

    weights: Weights
    activation: str

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one run."""
        return self.output.elements * self.weights.values.shape[1]


@dataclass(frozen=True)
class AveragePool2D(Step):
    """AVERAGE_POOL_2D."""

    window: Window
    activation: str


@dataclass(frozen=True)
class Softmax(Step):
    """SOFTMAX over the last dimension."""

    beta: float


@dataclass(frozen=True)
class Pad(Step):
    """PAD with 0; `amounts` are (before, after) for each dimension."""

    amounts: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Transpose(Step):
    """TRANSPOSE; output dimension i is input dimension `order[i]`."""

    order: tuple[int, ...]


@dataclass(frozen=True)
class Quantize(Step):
    """QUANTIZE, from float32 or from int8 of another scale."""


@dataclass(frozen=True)
class Dequantize(Step):
    """DEQUANTIZE."""


@dataclass(frozen=True)
class View(Step):
    """The output is the input's memory under another shape: nothing runs."""


@dataclass(frozen=True)
class Program:
    """A model as the engine runs it.

    Attributes:
        input: the model's input.
        output: the model's output.
        steps: in the order in which they run.
        folded: one sentence for each operator of the model that no longer runs, and why.
    """

    input: Value
    output: Value
    steps: tuple[Step, ...]
    folded: tuple[str, ...] = ()

    def readers(self, value: Value) -> list[int]:
        """The positions of the steps that read a value."""
        return [i for i, step in enumerate(self.steps) if step.input.id == value.id]

    def only_reader(self, position: int) -> int | None:
        """The step that alone reads the output of the one at `position`; None if others do, or none."""
        value = self.steps[position].output
        readers = self.readers(value)
        return readers[0] if len(readers) == 1 and value.id != self.output.id else None

    def new_id(self) -> int:
        """A number that no value has."""
        return max([self.input.id, *(step.output.id for step in self.steps)]) + 1

    def with_steps(self, changes: dict[int, Step | None], reason: str = "") -> Program:
        """The program with the steps at some positions replaced, or left out where None."""
        steps = [changes.get(i, step) for i, step in enumerate(self.steps)]
        folded = (*self.folded, reason) if reason else self.folded
        return replace(self, steps=tuple(step for step in steps if step is not None), folded=folded)
