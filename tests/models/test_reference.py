"""Models that the reference kernels do not run."""

from __future__ import annotations

import pytest
from tflite_builder import ModelBuilder

from models.errors import ConversionError
from models.reference import ReferenceModel


def test_an_operator_version_that_the_reference_lacks_is_named(tmp_path):
    builder = ModelBuilder()
    source, output = builder.activation((1, 3), "f4"), builder.activation((1, 3), "f4")
    builder.operator("SOFTMAX", [source], [output], beta=1.0)
    builder.codes[0].version = 99
    path = tmp_path / "model.tflite"
    path.write_bytes(builder.finish([source], [output]))
    with pytest.raises(ConversionError, match=r"does not run the model.*'SOFTMAX' version '99'"):
        ReferenceModel(path)
