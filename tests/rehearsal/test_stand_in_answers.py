"""The stand-in answers as a real arduino-cli 1.5.1 did: streams, exit status and keys."""

from __future__ import annotations

import json

import pytest
from cli_answers import FQBN
from real_cli_answers import keys, real
from rehearsal import stand_in

SKETCHES = {
    "good": "void setup() {}\nvoid loop() {}\n",
    "err": "void setup(){}\nvoid loop(){ undeclared_thing(); int x = 1 }\n",
    "libmiss": "#include <NoSuchLibrary.h>\nvoid setup(){}\nvoid loop(){}\n",
    "ovf": "extern const char a[2000000];\nconst char a[2000000] = {1};\nvolatile int n;\n"
    "void setup(){ n = a[n]; }\nvoid loop(){}\n",
}


@pytest.fixture
def state(tmp_path):
    """The state of a board that is not there."""
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "serial_number").write_text("0C1B2A3948576675")
    return folder


def said_by_both(name, state, capsys, *arguments):
    """Check streams, status and keys of a call, and return both answers, the stand-in's first."""
    try:
        status = stand_in.main(state, [*arguments])
    except SystemExit as ended:
        status = ended.code
    said, expected = capsys.readouterr(), real(name)
    assert status == expected["status"]
    answers = []
    for ours, theirs in ((said.out, expected["stdout"]), (said.err, expected["stderr"])):
        assert bool(ours) == bool(theirs)
        if theirs.startswith("{"):
            answers += [json.loads(ours), json.loads(theirs)]
            assert set(keys(answers[0])) == set(keys(answers[1]))
    return answers


@pytest.mark.parametrize("name", SKETCHES)
def test_compilation(name, state, tmp_path, capsys):
    sketch = tmp_path / name
    sketch.mkdir()
    (sketch / f"{name}.ino").write_text(SKETCHES[name])
    call = ("compile", "--fqbn", FQBN, "--output-dir", str(tmp_path / "out"), str(sketch), "--json")
    ours, theirs = said_by_both(f"compile_{name}", state, capsys, *call)
    found, expected = (answer["builder_result"].get("diagnostics", []) for answer in (ours, theirs))
    assert [(one["severity"], one["message"], one["line"], one["column"]) for one in found] == [
        (one["severity"], one["message"], one["line"], one["column"]) for one in expected
    ]
    assert {one["file"] for one in found} <= {str(sketch / f"{name}.ino")}
    assert ours.get("error") == theirs.get("error")


@pytest.mark.parametrize(
    ("name", "fqbn", "sketch"),
    [
        ("badfqbn", "nano33ble", "good"),
        ("unknownboard", "arduino:mbed_nano:nonsense", "good"),
        ("unknownplatform", "arduino:avr:uno", "good"),
        ("nosketch", FQBN, "nowhere"),
        ("wrongname", FQBN, "."),
    ],
)
def test_refused_compilation(name, fqbn, sketch, state, tmp_path, capsys):
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "good.ino").write_text(SKETCHES["good"])
    call = ("compile", "--fqbn", fqbn, "--output-dir", "out", str(tmp_path / sketch), "--json")
    ours, theirs = said_by_both(f"compile_{name}", state, capsys, *call)
    assert ours["error"].partition(":")[0] == theirs["error"].partition(":")[0]


@pytest.mark.parametrize("name", ["nodir", "noimage", "noport", "unknownplatform"])
def test_failed_upload(name, state, tmp_path, capsys):
    folder = tmp_path / "images"
    if name != "nodir":
        folder.mkdir()
    if name == "noport":
        (folder / "earshot.ino.elf").touch()
    fqbn = "arduino:avr:uno" if name == "unknownplatform" else FQBN
    call = ("upload", "--fqbn", fqbn, "--port", "/dev/ttyACM77", "--input-dir", str(folder), "--json")
    ours, theirs = said_by_both(f"upload_{name}", state, capsys, *call)
    assert ours["error"].partition(":")[0] == theirs["error"].partition(":")[0]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("badverb", ("fly", "--json")),
        ("compile_unknownflag", ("compile", "--flumph", "--fqbn", FQBN, "--output-dir", ".", ".", "--json")),
        ("version", ("version", "--json")),
        ("lib_list", ("lib", "list", "--json")),
    ],
)
def test_other_calls(name, arguments, state, capsys):
    said_by_both(name, state, capsys, *arguments)
