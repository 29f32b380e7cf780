from __future__ import annotations

import pytest
from cli_stand_in import recorded

from harness.arduino_cli.answers import Core
from harness.arduino_cli.cli import MINIMUM_VERSION, ArduinoCli
from harness.errors import BoardNotFound, BuildFailed, UploadFailed

FQBN = "arduino:mbed_nano:nano33ble"


@pytest.fixture
def sketch(tmp_path):
    folder = tmp_path / "earshot"
    folder.mkdir()
    return folder


@pytest.fixture
def output(tmp_path):
    folder = tmp_path / "output"
    folder.mkdir()
    (folder / "earshot.ino.elf").write_bytes(b"\x7fELF")
    return folder


def test_the_version_is_asked_for_once(cli, stand_in):
    stand_in.answers("core list", recorded("core_list"))
    assert cli.version() == "1.5.1"
    cli.cores()
    cli.cores()
    assert [call["arguments"][0] for call in stand_in.calls] == ["version", "core", "core"]


def test_a_version_that_is_too_old_is_refused_with_the_minimum(cli, stand_in):
    stand_in.answers("version", recorded("version_0.18"))
    with pytest.raises(BoardNotFound, match=rf"0\.18\.3 is too old: {MINIMUM_VERSION}"):
        cli.detected_ports()


def test_a_version_that_knows_no_json_option_is_told_apart_from_a_crash(cli, stand_in):
    knows = "if '--json' in sys.argv: sys.exit(1)"
    stand_in.answers("version json", recorded("version_0.18"))
    stand_in.answers("version", "", "Error: unknown flag: --json", 1, knows)
    with pytest.raises(BuildFailed, match="is too old"):
        cli.version()


def test_a_nightly_build_is_new_enough(cli, stand_in):
    stand_in.answers("version", recorded("version_nightly"))
    assert cli.version() == "nightly-20260724"


def test_a_program_that_is_not_arduino_cli_is_refused(cli, stand_in):
    stand_in.answers("version", "{}")
    with pytest.raises(BuildFailed, match="unknown version"):
        cli.version()


def test_every_call_runs_without_stdin_locale_updates_and_cloud(cli, stand_in):
    stand_in.answers("board list", recorded("board_list"))
    cli.detected_ports()
    call = stand_in.calls[-1]
    assert call["stdin"] == ""
    assert call["folder"] == "/"
    assert call["arguments"][-1] == "--json"
    wanted = {
        "ARDUINO_LOCALE": "en",
        "CI": "1",
        "ARDUINO_UPDATER_ENABLE_NOTIFICATION": "false",
        "ARDUINO_NETWORK_CLOUD_API_SKIP_BOARD_DETECTION_CALLS": "true",
        "ARDUINO_NETWORK_CONNECTION_TIMEOUT": "5s",
        "LC_ALL": "C",
    }
    assert wanted.items() <= call["environment"].items()


def test_the_variable_names_the_command(stand_in, monkeypatch):
    monkeypatch.setenv("EARSHOT_ARDUINO_CLI", stand_in.command)
    assert ArduinoCli().version() == "1.5.1"


def test_the_search_path_has_the_command(stand_in, monkeypatch):
    monkeypatch.delenv("EARSHOT_ARDUINO_CLI", raising=False)
    monkeypatch.setenv("PATH", stand_in.command.rpartition("/")[0], prepend=":")
    assert ArduinoCli().version() == "1.5.1"


def test_ports_are_listed(cli, stand_in):
    stand_in.answers("board list", recorded("board_list"))
    assert [port.address for port in cli.detected_ports()] == ["/dev/ttyACM0", "/dev/ttyS0"]
    assert cli.warnings == ()


def test_nothing_attached_is_an_empty_list(cli, stand_in):
    stand_in.answers("board list", recorded("board_list_empty"))
    assert cli.detected_ports() == []


def test_no_serial_discovery_is_an_incomplete_arduino_cli_and_not_an_absent_board(cli, stand_in, tmp_path):
    stand_in.answers("board list", recorded("board_list_no_discovery"))
    stand_in.answers("config get directories.data", f'"{tmp_path}"')
    with pytest.raises(BoardNotFound, match="arduino-cli is incomplete") as caught:
        cli.detected_ports()
    assert "core update-index" in caught.value.remedy


def test_an_index_missing_offline_does_not_hide_that_no_board_is_there(cli, stand_in, tmp_path):
    (tmp_path / "packages/builtin/tools/serial-discovery").mkdir(parents=True)
    stand_in.answers("board list", recorded("board_list_index_missing"))
    stand_in.answers("config get directories.data", f'"{tmp_path}"')
    assert cli.detected_ports() == []
    assert "package_acme_index.json" in cli.warnings[0]


def test_installed_cores_and_libraries_are_listed(cli, stand_in):
    stand_in.answers("core list", recorded("core_list"))
    stand_in.answers("lib list", recorded("lib_list"))
    assert cli.cores() == [Core("arduino:mbed_nano", "4.6.0")]
    assert [library.name for library in cli.libraries()] == ["Chirale_TensorFlowLite"]


@pytest.mark.parametrize("wanted", ["arduino:mbed_nano@4.6.0", "arduino:mbed_nano"])
def test_an_installed_core_is_confirmed_by_the_list(cli, stand_in, wanted):
    stand_in.answers("core install")
    stand_in.answers("core list", recorded("core_list"))
    assert cli.install_core(wanted) == Core("arduino:mbed_nano", "4.6.0")


def test_an_installation_that_left_no_core_is_a_failure(cli, stand_in):
    stand_in.answers("core install")
    stand_in.answers("core list", recorded("core_list"))
    with pytest.raises(BuildFailed, match=r"mbed_nano@4\.5\.0 is not installed"):
        cli.install_core("arduino:mbed_nano@4.5.0")


@pytest.mark.parametrize("wanted", ["Chirale_TensorFlowLite@2.0.0", "chirale_tensorflowlite"])
def test_an_installed_library_is_confirmed_by_the_list(cli, stand_in, wanted):
    stand_in.answers("lib install")
    stand_in.answers("lib list", recorded("lib_list"))
    assert cli.install_library(wanted).version == "2.0.0"


def test_an_installation_that_left_no_library_is_a_failure(cli, stand_in):
    stand_in.answers("lib install")
    stand_in.answers("lib list", recorded("lib_list_none"))
    with pytest.raises(BuildFailed, match="Harvard_TinyMLx is not installed"):
        cli.install_library("Harvard_TinyMLx")


def test_a_compilation_gives_sizes_core_and_toolchain(cli, stand_in, sketch, output):
    stand_in.answers("compile", recorded("compile"))
    compiled = cli.compile(sketch, FQBN, None, output)
    assert compiled.image == output / "earshot.ino.elf"
    assert (compiled.text_bytes, compiled.text_max) == (242_336, 983_040)
    assert (compiled.data_bytes, compiled.data_max) == (71_632, 262_144)
    assert (compiled.core, compiled.core_version) == ("arduino:mbed_nano", "4.6.0")
    assert compiled.toolchain == "arm-none-eabi-gcc 7-2017q4"
    assert compiled.compiler_flags.startswith("-c -g3 -nostdlib @/home/bench/")


def test_a_compilation_is_asked_for_with_absolute_paths(cli, stand_in, sketch, output, monkeypatch):
    stand_in.answers("compile", recorded("compile"))
    monkeypatch.chdir(sketch.parent)
    cli.compile(
        sketch.relative_to(sketch.parent),
        FQBN,
        sketch.parent / "build",
        output.relative_to(sketch.parent),
        {"compiler.cpp.extra_flags": "-std=gnu++17"},
        [sketch.parent / "libraries"],
    )
    assert stand_in.calls[-1]["arguments"] == [
        *("compile", "--fqbn", FQBN, "--output-dir", str(output)),
        *("--build-path", str(sketch.parent / "build")),
        *("--build-property", "compiler.cpp.extra_flags=-std=gnu++17"),
        *("--libraries", str(sketch.parent / "libraries"), str(sketch), "--json"),
    ]


def test_compiled_cores_are_shared_in_the_build_cache(stand_in, sketch, output, tmp_path):
    stand_in.answers("compile", recorded("compile"))
    ArduinoCli(stand_in.command, build_cache=tmp_path / "cache").compile(sketch, FQBN, None, output)
    assert stand_in.calls[-1]["environment"]["ARDUINO_BUILD_CACHE_PATH"] == str(tmp_path / "cache")


def test_a_success_without_an_image_is_a_failure(cli, stand_in, sketch, output):
    stand_in.answers("compile", recorded("compile"))
    (output / "earshot.ino.elf").unlink()
    with pytest.raises(BuildFailed, match=r"no earshot\.ino\.elf"):
        cli.compile(sketch, FQBN, None, output)


def test_an_upload_gives_the_port_as_a_hint(cli, stand_in, output):
    stand_in.answers("upload", recorded("upload"))
    assert cli.upload(FQBN, "/dev/ttyACM0", output).port_hint == "/dev/ttyACM1"
    assert stand_in.calls[-1]["arguments"][:-1] == [
        *("upload", "--fqbn", FQBN, "--port", "/dev/ttyACM0", "--input-dir", str(output)),
    ]


def test_an_upload_may_give_no_hint(cli, stand_in, output):
    stand_in.answers("upload", recorded("upload_no_port"))
    assert cli.upload(FQBN, "/dev/ttyACM0", output).port_hint is None


def test_a_failed_upload_carries_command_status_and_the_uploaders_words(cli, stand_in, output):
    stand_in.answers("upload", stderr=recorded("error_upload"), status=1)
    with pytest.raises(UploadFailed) as caught:
        cli.upload(FQBN, "/dev/ttyACM0", output)
    assert "upload --fqbn" in caught.value.command
    assert caught.value.returncode == 1
    assert "No device found on ttyACM0" in caught.value.stderr_tail
