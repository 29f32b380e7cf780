"""Conversion from ONNX through TensorFlow to TensorFlow Lite, by onnx-tf."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from models.convert.layout import lean
from models.errors import ConversionError
from models.log_filter import known_noise_dropped
from models.tflite import operator_name

_LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_FIXED_RANGE = ("SOFTMAX",)


def saved_model(onnx_file: Path, folder: Path) -> None:
    """Write a TensorFlow SavedModel.

    Raises:
        ConversionError: onnx-tf does not have an operator.
    """
    with known_noise_dropped():
        import tensorflow as tf
        from onnx_tf.backend import prepare

        try:
            prepared = prepare(lean(onnx.load(str(onnx_file))))
            module = prepared.tf_module
            module.is_export = True
            # As prepared.export_graph does, but without AutoGraph: it took 8 s in every process to translate
            # the sources of onnx-tf, which only a graph with If or Loop needs.
            function = tf.function(module.__call__.python_function, autograph=False)
            traced = function.get_concrete_function(**prepared.signatures)
            tf.saved_model.save(module, str(folder), signatures=traced)
        except Exception as error:  # onnx-tf raises whatever TensorFlow or a missing handler does
            reason = (str(error).strip() or repr(error)).splitlines()[-1].strip()
            raise ConversionError(f"onnx-tf cannot convert the graph: {reason}", onnx_file.name) from error


def float_model(saved: Path) -> bytes:
    """Convert a SavedModel to a float32 .tflite.

    Raises:
        ConversionError: TensorFlow Lite does not have an operator.
    """
    with known_noise_dropped():
        import tensorflow as tf

        return _converted(tf.lite.TFLiteConverter.from_saved_model(str(saved)))


def int8_model(
    saved: Path, calibration: np.ndarray, ranges: Sequence[tuple[float, float]] | None = None
) -> bytes:
    """Convert a SavedModel to a .tflite that is int8 throughout, input and output included.

    Args:
        saved: the SavedModel's folder.
        calibration: float32 (N, ...), inputs that show the range of every tensor.
        ranges: learned ranges that replace the calibrated ones, see `with_ranges`; None to calibrate.

    Raises:
        ConversionError: TensorFlow Lite does not have an operator, or the ranges are not the network's.
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

        # TensorFlow Lite's own QuantizationDebugger separates the two steps in the same way.
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


def with_ranges(calibrated: bytes, ranges: Sequence[tuple[float, float]]) -> bytes:
    """Replace the calibrated ranges of the activations by learned ones, before quantization.

    The quantizer is a separate step that reads the ranges from the model, so it takes the learned ones over
    exactly. No clips would make the calibration see just these, and fake-quantize nodes do not get this far:
    onnx-tf turns ONNX's QuantizeLinear into plain arithmetic.

    Args:
        calibrated: a float .tflite, a chain of operators, with the range of every activation.
        ranges: of the input, then of each layer's output, see `models.compress.quantize.LearnedRanges`. An
            operator that only moves or averages data keeps the range of its input.

    Raises:
        ConversionError: the model has another number of layers.
    """
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(calibrated))
    graph = model.subgraphs[0]
    kinds = [operator_name(model, operator) for operator in graph.operators]
    layers = sum(kind in _LAYERS for kind in kinds)
    if layers != len(ranges) - 1:
        raise ConversionError(
            f"the network has learned the ranges of {len(ranges) - 1} layers, but the model has {layers}",
            ", ".join(kinds),
            "Give every layer one convolution or fully connected operator.",
        )
    left = iter(ranges)
    known = {int(graph.inputs[0]): next(left)}
    for operator, kind in zip(graph.operators, kinds, strict=True):
        if kind in _LAYERS:
            known[int(operator.outputs[0])] = next(left)
        elif kind not in _FIXED_RANGE:
            known[int(operator.outputs[0])] = known[int(operator.inputs[0])]
    for tensor, (lowest, highest) in known.items():
        quantization = graph.tensors[tensor].quantization
        quantization.min, quantization.max = np.array([lowest], np.float32), np.array([highest], np.float32)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
