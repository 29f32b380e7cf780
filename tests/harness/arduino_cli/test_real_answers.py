"""Every answer that a real arduino-cli 1.5.1 gave, read by our parsers and compared with the retyped ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cli_answers
import pytest
from real_cli_answers import folder, keys, real
from stand_in_cli import FQBN, StandInCli

from harness.arduino_cli.answers import Core, DetectedPort
from harness.arduino_cli.cli import ArduinoCli
from harness.errors import BuildFailed, DoesNotFit, EarshotError, UploadFailed

Ask = Callable[[ArduinoCli], Any]


def compile_sketch(cli: ArduinoCli) -> tuple[int, int]:
    folder = Path(cli.command).parent
    compiled = cli.compile(folder / "earshot", FQBN, folder / "output", {})
    return compiled.text_bytes, compiled.data_bytes


def upload(cli: ArduinoCli) -> None:
    cli.upload(FQBN, "/dev/ttyACM0", Path("/"))


def call(verb: str) -> Ask:
    """Return a call that Earshot leaves to the user."""
    return lambda cli: cli._ask(verb.split(), dict, BuildFailed, 60.0)


def failed(ask: Ask, kind: type[EarshotError], sentence: str) -> Ask:
    """Return a call that raises an error of exactly one kind."""

    def check(cli: ArduinoCli) -> None:
        with pytest.raises(kind, match=sentence) as caught:
            ask(cli)
        assert caught.type is kind

    return check


def equals(ask: Ask, expected: Any) -> Ask:
    def check(cli: ArduinoCli) -> None:
        assert ask(cli) == expected

    return check


not_compiled = partial(failed, compile_sketch, BuildFailed)
too_large = partial(failed, compile_sketch, DoesNotFit)
not_uploaded = partial(failed, upload, UploadFailed)

CHECKS: dict[str, tuple[str, Ask]] = {
    "version": ("version", equals(ArduinoCli.version, "1.5.1")),
    "board_list": ("board list", equals(ArduinoCli.detected_ports, [DetectedPort("/dev/ttyS0", "serial")])),
    "core_list": ("core list", equals(ArduinoCli.cores, [Core("arduino:mbed_nano", "4.6.0")])),
    "lib_list": ("lib list", equals(ArduinoCli.libraries, [])),
    "config_data": ("config", equals(ArduinoCli.sketchbook, Path("/home/user/.arduino15"))),
    "badverb": ("fly", failed(call("fly"), BuildFailed, 'unknown command "fly"')),
    "compile_good": ("compile", equals(compile_sketch, (732, 0))),
    "compile_big": ("compile", too_large("needs 1,200,732 bytes of flash")),
    "compile_ovf": ("compile", too_large("needs 2,038,044 bytes of flash")),
    "compile_ram": ("compile", too_large("needs 400,000 bytes of ram")),
    "compile_err": (
        "compile",
        not_compiled("err.ino:2:14: 'undeclared_thing' was not declared in this scope;"),
    ),
    "compile_libmiss": ("compile", not_compiled(r"NoSuchLibrary\.h: No such file")),
    "compile_badfqbn": ("compile", not_compiled("Invalid FQBN")),
    "compile_unknownboard": ("compile", not_compiled("board arduino:mbed_nano:nonsense not found")),
    "compile_unknownplatform": ("compile", not_compiled("platform not installed")),
    "compile_unknownflag": ("compile", not_compiled("unknown flag: --flumph")),
    "compile_nosketch": ("compile", not_compiled("Can't open sketch")),
    "compile_wrongname": ("compile", not_compiled("main file missing")),
    "upload_nodir": ("upload", not_uploaded("no such file or directory")),
    "upload_noimage": ("upload", not_uploaded("could not find a valid build artifact")),
    "upload_noport": ("upload", not_uploaded("No device found on ttyACM77")),
    "upload_portmissing": ("upload", not_uploaded("not enough values to unpack")),
    "upload_unknownplatform": ("upload", not_uploaded("Platform arduino:avr is not found")),
    "core_install_badversion": (
        "core install",
        failed(call("core install"), BuildFailed, "version 9.9.9 not found"),
    ),
    "core_install_unknown": (
        "core install",
        failed(call("core install"), BuildFailed, "exited with 7.*not found"),
    ),
    "core_update_index": (
        "core update-index",
        failed(call("core update-index"), BuildFailed, "exited with 1.*index"),
    ),
    "lib_update_index": (
        "lib update-index",
        failed(call("lib update-index"), BuildFailed, "network is unreachable"),
    ),
    "lib_install_unknown": (
        "lib install",
        failed(call("lib install"), BuildFailed, "NoSuchLib@1.0.0' not found"),
    ),
    "lib_install_unknown2": (
        "lib install",
        failed(call("lib install"), BuildFailed, "NoSuchLib@latest' not found"),
    ),
}


SILENT = "core_install_installed"  # a success without a word, of a call that Earshot leaves to the user


def test_every_answer_is_checked():
    assert {path.stem for path in folder().glob("*.rc")} == {*CHECKS, SILENT}
    assert real(SILENT) == {"stdout": "", "stderr": "", "status": 0}


@pytest.mark.parametrize("name", CHECKS)
def test_answer_is_understood(name, tmp_path):
    verb, check = CHECKS[name]
    stand_in = StandInCli(tmp_path / "bin")
    stand_in.steps(verb, real(name))
    check(ArduinoCli(str(stand_in.command)))


@pytest.mark.parametrize(
    ("name", "example", "more", "less"),
    [
        ("version", cli_answers.VERSION, (), ()),
        (
            "board_list",
            cli_answers.BOARD_LIST,
            ("[].matching_boards", "[].port.properties.", "[].port.hardware_id"),
            (),
        ),
        ("core_list", cli_answers.core_list(), (".help.online",), (".missing_metadata",)),
        ("compile_good", cli_answers.compiled(732, 0), (".used_libraries",), ()),
        ("compile_err", cli_answers.COMPILE_ERROR, (), ()),
        ("compile_big", cli_answers.TOO_LARGE, (), ()),
        ("compile_ovf", cli_answers.FLASH_OVERFLOW, (), ()),
        ("compile_ram", cli_answers.RAM_OVERFLOW, (), ()),
        ("compile_unknownboard", cli_answers.UNKNOWN_BOARD, (), ()),
        ("upload_noport", cli_answers.UPLOAD_ERROR, (), ()),
    ],
)
def test_retyped_answer_has_the_keys_of_the_real_one(name, example, more, less):
    """`more` and `less`: parts of keys that only a real board or core, or only a made one brings."""
    answer = real(name)
    found, expected = set(keys(example)), set(keys(json.loads(answer["stdout"] or answer["stderr"])))
    assert [key for key in sorted(found - expected) if not any(part in key for part in more)] == []
    assert [key for key in sorted(expected - found) if not any(part in key for part in less)] == []
