"""Filter for the output of TensorFlow and the converters."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

from models.log_filter import known_noise_dropped

IMPORTS = """
from models.log_filter import quiet_tensorflow
quiet_tensorflow()
import torch, tensorflow, tensorflow_addons, tensorflow_probability, onnx, onnxruntime
from tensorflow.lite.experimental.microfrontend.python.ops import audio_microfrontend_op
from tensorflow.lite.python import schema_py_generated
from onnx_tf.backend import prepare
"""


def test_all_imports_of_a_conversion_exist_and_are_silent():
    """onnx-tf declares neither its bounds nor all it needs: only imports show that the pins fit."""
    done = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_only_known_lines_of_native_code_are_dropped(capfd):
    with known_noise_dropped():
        os.write(2, b"fully_quantize: 0, inference_type: 6, input_inference_type: INT8\n")
        os.write(2, b"error: 'tf.Erf' op is neither a custom op nor a flex op\n")
    assert capfd.readouterr().err == "error: 'tf.Erf' op is neither a custom op nor a flex op\n"


def test_a_warning_that_is_not_listed_is_shown():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with known_noise_dropped():
            warnings.warn(
                "distutils Version classes are deprecated. Use packaging.version", DeprecationWarning, 1
            )
            warnings.warn("something new", DeprecationWarning, 1)
    assert [str(item.message) for item in caught] == ["something new"]
