"""From ONNX through TensorFlow to TensorFlow Lite, by onnx-tf."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from models.convert.layout import lean
from models.convert.learned_ranges import with_ranges
from models.errors import ConversionError
from models.log_filter import known_noise_dropped


def saved_model(onnx_file: Path, folder: Path) -> None:
    """Writes a TensorFlow SavedModel.

    Raises:
        ConversionError: onnx-tf does not know an operator.
    """
    with known_noise_dropped():
        from onnx_tf.backend import prepare

        try:
            prepare(lean(onnx.load(str(onnx_file)))).export_graph(str(folder))
        except Exception as error:  # onnx-tf raises whatever TensorFlow or a missing handler does
            reason = next((line for line in reversed(str(error).splitlines()) if line.strip()), repr(error))
            raise ConversionError(
                f"onnx-tf cannot convert the graph: {reason.strip()}", onnx_file.name
            ) from error


def float_model(saved: Path) -> bytes:
    """The SavedModel as a float32 .tflite.

    Raises:
        ConversionError: TensorFlow Lite has no such operator.
    """
    with known_noise_dropped():
        import tensorflow as tf

        return _converted(tf.lite.TFLiteConverter.from_saved_model(str(saved)))


def int8_model(
    saved: Path, calibration: np.ndarray, ranges: Sequence[tuple[float, float]] | None = None
) -> bytes:
    """The SavedModel quantized to int8 throughout, its input and output included.

    Args:
        saved: the SavedModel's folder.
        calibration: float32 (N, ...): inputs that show the range of every tensor.
        ranges: what it has learned with instead, see `models.convert.learned_ranges`; None for nothing.

    Raises:
        ConversionError: TensorFlow Lite has no such operator, or the ranges are not those of the network.
    """
    with known_noise_dropped():
        import tensorflow as tf

        converter = tf.lite.TFLiteConverter.from_saved_model(str(saved))
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([sample[np.newaxis]] for sample in calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
        if ranges is None:
            return _converted(converter)
        from tensorflow.lite.python.convert import mlir_quantize

        # As TensorFlow Lite's own QuantizationDebugger takes the two steps apart.
        converter._experimental_calibrate_only = True
        calibrated = with_ranges(_converted(converter), ranges)
        return mlir_quantize(calibrated, input_data_type=tf.int8, output_data_type=tf.int8)


def _converted(converter: Any) -> bytes:
    try:
        return converter.convert()
    except Exception as error:  # ConverterError, RuntimeError and ValueError, by version and operator
        lacking = sorted(set(re.findall(r"'(tf[.l]\S+)' op", str(error))))
        names = ", ".join(lacking) or "its graph"
        raise ConversionError(
            f"TensorFlow Lite cannot convert {names}",
            names,
            "Build the network from operators that TensorFlow Lite has.",
        ) from error
