"""Small classifiers as .tflite files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tflite_builder import ModelBuilder


def classifier(path: Path, elements: int = 40, hidden: int = 0, last: str = "SOFTMAX") -> Path:
    """Write an int8 model: fully connected to `hidden` units and from there to four outputs."""
    generator, builder = np.random.default_rng(0), ModelBuilder()

    def dense(source: int, inputs: int, outputs: int) -> int:
        weights = generator.integers(-127, 128, (outputs, inputs)).astype("i1")
        bias = np.zeros(outputs, "i4")
        output = builder.activation((1, outputs), "i1", 0.1)
        builder.operator(
            "FULLY_CONNECTED",
            [source, builder.constant(weights, [0.01]), builder.constant(bias, [0.001])],
            [output],
        )
        return output

    source = builder.activation((1, elements), "i1", 0.1)
    logits = dense(dense(source, elements, hidden), hidden, 4) if hidden else dense(source, elements, 4)
    output = builder.activation((1, 4), "i1", 1 / 256, -128)
    builder.operator(last, [logits], [output], **({"beta": 1.0} if last == "SOFTMAX" else {}))
    path.write_bytes(builder.finish([source], [output]))
    return path
