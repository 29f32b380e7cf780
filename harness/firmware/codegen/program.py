"""Programs: a straight line of steps that each write one activation."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from models.tflite import Operator


@dataclass(frozen=True)
class Value:
    """An activation tensor.

    Attributes:
        id: unique number.
        name: name in the model.
        shape: sizes, each at least 1.
        type: "int8" or "float32".
        scale: scale of int8 values, a float32; 0 for float32.
        zero_point: zero point of int8 values, [-128, 127]; 0 for float32.
        data: values of a constant; None for an activation.
    """

    id: int
    name: str
    shape: tuple[int, ...]
    type: str
    scale: float
    zero_point: int
    data: np.ndarray | None = field(default=None, compare=False)

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.elements * (1 if self.type == "int8" else 4)

    def same_numbers_as(self, other: Value) -> bool:
        """Tell if the same bytes mean the same real numbers in both."""
        return (self.type, self.scale, self.zero_point) == (other.type, other.scale, other.zero_point)


@dataclass(frozen=True)
class Step:
    """One operation of the program; `operator` is its source in the model."""

    operator: Operator
    input: Value
    output: Value

    @property
    def inputs(self) -> tuple[Value, ...]:
        """Everything that the step reads, constants without their weights included."""
        return (self.input,)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one run; a window's taps on padding count too."""
        return 0


@dataclass(frozen=True)
class Window:
    """The movement of a filter over an image of (batch, row, column, channel); pairs are (rows, columns).

    Attributes:
        size: size of the filter.
        stride: distance of outputs.
        dilation: distance of taps.
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
        scales: one scale, or one per output, for int8; () for float32.
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
        return self.output.elements * self.weights.values[0].size

    @property
    def runs(self) -> np.ndarray:
        """Weights by runs of taps that are adjacent in the input: (outputs, runs, taps of a run)."""
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
        return self.output.shape[3] // self.input.shape[3]

    @property
    def macs(self) -> int:
        return self.output.elements * math.prod(self.window.size)


@dataclass(frozen=True)
class FullyConnected(Step):
    """FULLY_CONNECTED on rows of the input's memory; weights (outputs, inputs)."""

    weights: Weights
    activation: str

    @property
    def macs(self) -> int:
        return self.output.elements * self.weights.values.shape[1]


Layer = Conv2D | DepthwiseConv2D | FullyConnected


@dataclass(frozen=True)
class AveragePool2D(Step):
    """AVERAGE_POOL_2D."""

    window: Window
    activation: str


@dataclass(frozen=True)
class Unary(Step):
    """A function of single elements: RELU, RELU6, RELU_N1_TO_1, LOGISTIC, TANH, HARD_SWISH or LEAKY_RELU.

    Attributes:
        alpha: factor of negative elements of LEAKY_RELU.
    """

    alpha: float = 0.0


@dataclass(frozen=True)
class Binary(Step):
    """ADD or MUL; dimensions of size 1 are broadcast. The operator's inputs may have changed places."""

    second: Value
    activation: str

    @property
    def inputs(self) -> tuple[Value, ...]:
        return self.input, self.second


@dataclass(frozen=True)
class MaxPool2D(Step):
    """MAX_POOL_2D."""

    window: Window
    activation: str


@dataclass(frozen=True)
class Mean(Step):
    """MEAN over `axes`, in ascending order."""

    axes: tuple[int, ...]


@dataclass(frozen=True)
class Places:
    """Places of elements in a tensor: the first one, and distances by dimension."""

    begin: int
    steps: tuple[int, ...]


@dataclass(frozen=True)
class CopyPart(Step):
    """A block of `sizes` elements, copied from some places of the input to some of the output."""

    sizes: tuple[int, ...]
    source: Places
    target: Places


@dataclass(frozen=True)
class Softmax(Step):
    """SOFTMAX over the last dimension."""

    beta: float


@dataclass(frozen=True)
class Pad(Step):
    """PAD with 0; `amounts` are (before, after) per dimension."""

    amounts: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Transpose(Step):
    """TRANSPOSE; output dimension i is input dimension `order[i]`."""

    order: tuple[int, ...]


@dataclass(frozen=True)
class SpaceToBatch(Step):
    """SPACE_TO_BATCH_ND; `block` and (before, after) of the padding for each dimension after the batch."""

    block: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class BatchToSpace(Step):
    """BATCH_TO_SPACE_ND; `block` and (before, after) of what is cut off, as in `SpaceToBatch`."""

    block: tuple[int, ...]
    crops: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Quantize(Step):
    """QUANTIZE from float32, or from int8 of another scale."""


@dataclass(frozen=True)
class Dequantize(Step):
    """DEQUANTIZE."""


@dataclass(frozen=True)
class View(Step):
    """The input's memory under another shape; nothing runs."""


@dataclass(frozen=True)
class State:
    """Memory that is kept from run to run, and its first values."""

    value: Value
    first: np.ndarray


@dataclass(frozen=True)
class Program:
    """A model as the engine runs it; `folded` has one sentence per operator that no longer runs."""

    input: Value
    output: Value
    steps: tuple[Step, ...]
    folded: tuple[str, ...] = ()
    states: tuple[State, ...] = ()

    @property
    def kept(self) -> frozenset[int]:
        """Numbers of the values that are read after the last step."""
        return frozenset([self.output.id, *(state.value.id for state in self.states)])

    def only_reader(self, position: int) -> tuple[int, Step | None]:
        """Return place and step of the only reader of a step's output; (-1, None) for none or several."""
        value = self.steps[position].output
        readers = [i for i, step in enumerate(self.steps) if value.id in [read.id for read in step.inputs]]
        if len(readers) != 1 or value.id in self.kept:
            return -1, None
        return readers[0], self.steps[readers[0]]

    def new_id(self) -> int:
        used = [value.id for step in self.steps for value in (step.output, *step.inputs)]
        return max([self.input.id, *used]) + 1

    def with_steps(self, changes: dict[int, Step | None], reason: str = "") -> Program:
        """Return the program with steps replaced by position, or left out for None."""
        steps = [changes.get(i, step) for i, step in enumerate(self.steps)]
        folded = (*self.folded, reason) if reason else self.folded
        return replace(self, steps=tuple(step for step in steps if step is not None), folded=folded)
