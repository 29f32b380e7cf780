from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_stand_in import RECORDED, recorded
from hypothesis import given
from hypothesis import strategies as st

from harness.arduino_cli import answers
from harness.arduino_cli.answers import Core, DetectedPort, MatchingBoard

NANO = MatchingBoard("Arduino Nano 33 BLE", "arduino:mbed_nano:nano33ble")
READERS = [
    answers.detected_ports,
    answers.cores,
    answers.libraries,
    answers.compile_answer,
    answers.port_hint,
    answers.version,
    answers.error,
    answers.error_output,
    answers.warnings,
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


def read(name: str):
    return json.loads(recorded(name))


@pytest.mark.parametrize("name", ["board_list", "board_list_0.35"])
def test_board_list_tells_the_usb_identity_and_what_it_may_be(name):
    nano, plain = answers.detected_ports(read(name))
    assert nano == DetectedPort("/dev/ttyACM0", "serial", "0C1B2A3948576675", 0x2341, 0x805A, (NANO,))
    assert plain == DetectedPort("/dev/ttyS0", "serial")


def test_the_flat_list_of_0_18_is_read():
    nano, plain = answers.detected_ports(read("board_list_0.18"))
    assert (nano.serial_number, nano.vid, nano.pid) == ("0C1B2A3948576675", 0x2341, 0x805A)
    assert nano.boards == (MatchingBoard("Arduino Nano 33 BLE", "arduino:mbed:nano33ble"),)
    assert plain == DetectedPort("/dev/ttyS0", "serial")


@pytest.mark.parametrize("name", ["board_list_empty", "board_list_no_discovery"])
def test_a_list_without_ports_is_empty(name):
    assert answers.detected_ports(read(name)) == []


def test_warnings_may_stand_in_any_answer():
    assert len(answers.warnings(read("board_list_no_discovery"))) == 2
    assert answers.warnings(read("board_list")) == ()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("core_list", [Core("arduino:mbed_nano", "4.6.0")]),
        ("core_list_0.35", [Core("arduino:mbed_nano", "4.0.8")]),
        ("core_list_none", []),
    ],
)
def test_core_list_tells_what_is_installed(name, found):
    assert answers.cores(read(name)) == found


def test_lib_list_tells_where_a_library_lies():
    (library,) = answers.libraries(read("lib_list"))
    assert (library.name, library.version) == ("Chirale_TensorFlowLite", "2.0.0")
    assert library.folder == Path("/home/bench/Arduino/libraries/Chirale_TensorFlowLite")


def test_the_bare_list_of_libraries_before_1_0_is_read():
    assert answers.libraries(read("lib_list")["installed_libraries"]) == answers.libraries(read("lib_list"))


def test_a_compilation_tells_core_libraries_properties_and_warnings():
    answer = answers.compile_answer(read("compile"))
    assert answer.success
    assert answer.core == Core("arduino:mbed_nano", "4.6.0")
    assert [(section.name, section.bytes, section.max_bytes) for section in answer.sections] == [
        ("text", 242336, 983040),
        ("data", 71632, 262144),
    ]
    assert [library.name for library in answer.used_libraries] == ["PDM"]
    assert answer.properties["recipe.size.regex"] == r"^(?:\.data|\.text|\.rodata)\S*?\s+([0-9]+).*"
    assert not answer.diagnostics[0].is_error


def test_a_failed_compilation_tells_the_place():
    (diagnostic,) = answers.compile_answer(read("compile_error")).diagnostics
    assert diagnostic.is_error
    assert "engine.cpp:9:3: 'Model' was not declared" in str(diagnostic)


def test_a_compilation_without_a_core_has_no_result():
    answer = answers.compile_answer(read("compile_no_core"))
    assert (answer.success, answer.build_path, answer.properties) == (False, None, {})


@pytest.mark.parametrize(("name", "hint"), [("upload", "/dev/ttyACM1"), ("upload_no_port", None)])
def test_an_upload_may_tell_the_new_port(name, hint):
    assert answers.port_hint(read(name)) == hint


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("1.5.1", (1, 5, 1)), ("1.0.0-rc.2", (1, 0, 0)), ("v0.35.0", (0, 35, 0)), ("nightly-20260724", None)],
)
def test_versions_compare_as_numbers(text, numbers):
    assert answers.version_numbers(text) == numbers


@pytest.mark.parametrize("reader", READERS)
@given(answer=JSON)
def test_no_answer_of_another_shape_raises(reader, answer):
    reader(answer)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("file", sorted(RECORDED.glob("*.json")), ids=lambda file: file.stem)
def test_the_answer_of_another_verb_does_not_raise(reader, file):
    reader(json.loads(file.read_text()))


@pytest.mark.parametrize("file", sorted(RECORDED.glob("*.json")), ids=lambda file: file.stem)
def test_every_recorded_answer_has_its_line_in_the_readme(file):
    assert f"`{file.name}`" in (RECORDED / "README.md").read_text()
