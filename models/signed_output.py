"""Models that turn an int8 output into uint8 at their end, as microWakeWord's, without that."""

from __future__ import annotations

from models.tflite import TfliteModel, tflite_schema

_OFFSET = 128  # uint8 less int8 of the same number


def has_unsigned_output(model: TfliteModel) -> bool:
    """Tell if the output is a QUANTIZE of int8 to uint8."""
    (output,) = model.output_tensors
    return output.type == "uint8" and any(
        operator.name == "QUANTIZE"
        and operator.outputs == (output.index,)
        and operator.inputs[0] is not None
        and model.tensors[operator.inputs[0]].type == "int8"
        for operator in model.operators
    )


def with_signed_output(content: bytes) -> bytes:
    """Return the .tflite with an int8 output of the same real numbers, each integer less 128."""
    import flatbuffers

    schema = tflite_schema()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    graph = model.subgraphs[0]
    output = graph.tensors[graph.outputs[0]]
    output.type = schema.TensorType.INT8
    output.quantization.zeroPoint = [int(point) - _OFFSET for point in output.quantization.zeroPoint]
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
