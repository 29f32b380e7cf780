from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import shared_data

from models.convert.model_file import read_model
from models.errors import ConversionError


@pytest.fixture(scope="module")
def micro_speech():
    return shared_data("micro_speech_quantized.tflite")


def test_micro_speech_operators_in_order(micro_speech):
    names = [operator.name for operator in read_model(micro_speech).operators]
    assert names == ["RESHAPE", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "SOFTMAX"]


def test_micro_speech_costs(micro_speech):
    assert read_model(micro_speech).macs == 320_000 + 16_000


def test_micro_speech_input(micro_speech):
    (tensor,) = read_model(micro_speech).inputs
    assert (tensor.shape, tensor.dtype, tensor.zero_points) == ((1, 1960), "int8", (-128,))
    assert tensor.scales[0] == pytest.approx(26 / 256, rel=2e-3)


def test_weights_are_constant_and_activations_are_not(micro_speech):
    convolution = read_model(micro_speech).operators[1]
    assert [item.is_constant for item in convolution.inputs] == [False, True, True]


def test_scales_by_channel(micro_speech):
    weights = read_model(micro_speech).operators[1].inputs[1]
    assert len(weights.scales) == len(weights.zero_points) == 8


def test_mlperf_reference_model_operators():
    counts = read_model(shared_data("kws_ref_model.tflite")).operator_counts
    assert counts == {
        "CONV_2D": 5,
        "DEPTHWISE_CONV_2D": 4,
        "AVERAGE_POOL_2D": 1,
        "RESHAPE": 1,
        "FULLY_CONNECTED": 1,
        "SOFTMAX": 1,
    }


@pytest.mark.parametrize("content", [b"", b"RIFF....WAVE", b"\0\0\0\0TFL3"])
def test_a_file_that_is_no_model_is_named(tmp_path, content):
    file = tmp_path / "some.tflite"
    file.write_bytes(content)
    with pytest.raises(ConversionError) as raised:
        read_model(file)
    assert raised.value.where == str(file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConversionError, match=r"absent\.tflite"):
        read_model(tmp_path / "absent.tflite")


@settings(max_examples=100)
@given(st.data())
def test_a_damaged_model_is_read_or_refused(micro_speech, tmp_path_factory, data):
    content = bytearray(micro_speech.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    file = tmp_path_factory.getbasetemp() / "damaged.tflite"
    file.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        read_model(file)
    except ConversionError as error:
        assert error.where == str(file)
