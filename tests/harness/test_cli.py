"""The command line: exit codes and one clear line per failure."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_disk import small_disk
from small_models import classifier

from harness import cli, commands, layout
from harness.commands import boards
from harness.errors import EXIT_INCONCLUSIVE
from harness.files import append
from models import progress
from models.progress import Level


def test_no_command_is_a_usage_error():
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == 2


def test_the_list_of_commands_does_not_wait_for_numpy():
    script = (
        "import sys; from harness import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_a_command_is_one_file(tmp_path, monkeypatch, capsys):
    (tmp_path / "toast.py").write_text(
        "SUMMARY = 'Toast.'\n"
        "def add_options(parser): parser.add_argument('--brown', type=int)\n"
        "def run(arguments): return arguments.brown\n"
    )
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "harness.commands.toast", raising=False)
    assert cli.main(["toast", "--brown", "5"]) == 5


def test_doctor_without_a_tool_exits_with_4_and_names_the_package(tmp_path, monkeypatch, capsys):
    for tool in ("gcc", "espeak-ng", "arm-none-eabi-g++"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.main(["doctor"]) == 4
    assert "apt-get install qemu-system-arm" in capsys.readouterr().out
    assert cli.main(["doctor", "--json"]) == 4
    findings = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert findings["arm-none-eabi-g++"]["present"] and not findings["qemu-system-arm"]["present"]
    assert all(bool(finding["remedy"]) != finding["present"] for finding in findings.values())


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["train", "--variants", "nothing*"], "tinyconv-int8"),
        (["run", "--board", "toaster"], "emulated"),
        (["build", "--engine", "steam"], "codegen"),
        (["build", "--engine", "codegen-sparse", "--footprint", "small"], "no footprint small"),
        (["run", "--model", "some.tflite"], "--labels"),
        (["train", "--labels", "a,b"], "--model"),
        (["build", "--model", "some.tflite", "--labels", "yes,no,yes"], "'yes' and 'yes'"),
        (
            ["build", "--model", "some.tflite", "--labels", "silence,yes,_silence_"],
            "'silence' and '_silence_'",
        ),
        (["build", "--model", "some.tflite", "--labels", "yes,Yes"], "'yes' and 'Yes'"),
        (["build", "--model", "some.tflite", "--labels", "\u00f6,o\u0308"], "name the same word"),
        (["build", "--model", "some.tflite", "--labels", "yes,,no"], "a label is ''"),
        (["train", "--model", "not-there.tflite", "--labels", "a,b"], "not-there.tflite"),
        (["run", "--recordings", "not-there"], "not-there"),
        (["train", "--dataset", "not-there"], "not-there"),
        (["profile", "tinyconv-int8", "--voices", "people"], "need recordings of people"),
        (["energy", "tinyconv-int8", "--voices", "both"], "need recordings of people"),
        (["report", "not-there.json"], "not-there.json"),
        (["run", "--bench", "not-there.toml"], "not-there.toml"),
        (["run", "--port", "/dev/ttyACM0"], "--port"),
        (["resume", "not-there"], "not-there"),
    ],
)
def test_wrong_argument_exits_with_2_and_one_line(arguments, names, capsys):
    assert cli.main(arguments) == 2
    told = capsys.readouterr().err
    assert names in told
    assert len(told.strip().splitlines()) == 1


def test_an_unknown_name_is_refused_before_anything_slow_is_imported(tmp_path):
    script = """
import json, sys
from harness import cli
for arguments in json.load(sys.stdin):
    code = cli.main(arguments)
    print(code, *{"torch", "scipy", "harness.runs.request"} & set(sys.modules))
"""
    output = ("--output", str(tmp_path))
    commands = [
        *([command, "--variants", "tinyconv-int8,nope", *output] for command in ("run", "nightly", "field")),
        ["build", "--variants", "tinyconv-int8,nope"],
        *([command, "nope", *output] for command in ("profile", "listen", "energy")),
        *(["run", option, "nope", *output] for option in ("--board", "--bench")),
    ]
    ended = subprocess.run(
        [sys.executable, "-c", script], input=json.dumps(commands), capture_output=True, text=True
    )
    assert ended.stdout.splitlines() == ["2"] * len(commands)
    told = ended.stderr.splitlines()
    assert len(told) == len(commands) and all("nope" in line for line in told)


@pytest.mark.parametrize(("command", "named"), [("run", "--variants"), ("profile", "VARIANT")])
def test_the_help_of_a_model_names_what_it_replaces(command, named, capsys):
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    assert f"measure this .tflite file instead of {named}" in " ".join(capsys.readouterr().out.split())


def test_full_disk_exits_with_4_and_leaves_no_partial_artifact(tmp_path, monkeypatch, capsys):
    model = classifier(tmp_path / "large.tflite", elements=200, hidden=400)
    with small_disk(tmp_path / "disk", kib=64) as disk:
        monkeypatch.setenv("EARSHOT_HOME", str(disk))
        assert cli.main(["build", "--model", str(model), "--labels", "silence,unknown,yes,no"]) == 4
        assert "the disk is full" in capsys.readouterr().err
        assert not list(disk.glob("external/*/inputs.json"))


def test_full_output_disk_is_not_blamed_on_the_cache(tmp_path, capsys):
    (tmp_path / "nights").mkdir()
    with small_disk(tmp_path / "disk", kib=4) as disk:
        assert cli.main(["history", str(tmp_path / "nights"), "--output", str(disk / "pages")]) == 4
        told = capsys.readouterr().err
        assert f"the disk is full ({disk}/pages/" in told and "point --output at another disk" in told
        assert "EARSHOT_HOME" not in told


_FULL = "No space left on device"
_PRINTS = (
    "import sys; from harness import cli; from harness.commands import boards; "
    "boards.run = lambda _: print('text') or 0; sys.exit(cli.main(['boards']))"
)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("redirection", "code", "told"),
    [
        (">/dev/full", 4, f"cannot be written to the standard output: {_FULL}"),
        ("1</dev/null", 4, "cannot be written to the standard output: Bad file descriptor"),
        (">&-", 0, ""),
        ("2>/dev/full", 0, ""),
        ("2>&-", 0, ""),
    ],
)
def test_an_output_that_takes_nothing_is_told_as_it_is(redirection, code, told, unbuffered):
    ended = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -c "{_PRINTS}" {redirection}'],
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == code
    assert told in ended.stderr and ended.stderr.count("\n") == bool(told)


def test_a_full_disk_of_an_appended_file_is_named_by_the_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(boards, "run", lambda _: append("text", Path("/dev/full")))
    assert cli.main(["boards"]) == 4
    assert "the disk is full (/dev/full)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("names", "place", "remedy"),
    [
        (("recordings/a.wav", None, "home/session/a.wav"), "home/session/a.wav", "EARSHOT_HOME"),
        (("home/nights/run.json",), "home/nights/run.json", "--output"),
        (("elsewhere/base.toml",), "elsewhere/base.toml", "Free some space."),
        ((), "home/nights", "--output"),
    ],
)
def test_full_disk_is_named_by_the_file_that_was_written(tmp_path, monkeypatch, names, place, remedy):
    monkeypatch.setenv("EARSHOT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", "/nowhere/tmp")
    monkeypatch.setattr(layout, "_free_bytes", lambda folder: 0 if folder.name == "nights" else 9)
    problem = OSError(errno.ENOSPC, "No space left on device", *names)
    found, told = layout.full_disk(problem, tmp_path / "home" / "nights")
    assert found.absolute() == tmp_path / place and remedy in told


@pytest.mark.parametrize("place", ["file", "file/pages"])
@pytest.mark.parametrize("command", ["run", "nightly", "field", "history", "study", "show"])
def test_output_that_is_no_folder_is_refused_at_the_start(command, place, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys.modules[f"harness.commands.{command}"], "run", lambda _: pytest.fail("it began"))
    (tmp_path / "file").touch()
    file = ["a.wav"] if command == "show" else []
    assert cli.main([command, *file, "--output", str(tmp_path / place)]) == 2
    told = capsys.readouterr().err
    assert told == f"earshot: usage: --output is no folder ({tmp_path}/file). Name a folder.\n"


def test_a_home_that_takes_no_cache_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EARSHOT_HOME", "/proc/.cache/earshot")
    model = classifier(tmp_path / "model.tflite", 1960)
    assert cli.main(["train", "--model", str(model), "--labels", "down,go,silence,unknown"]) == 4
    line = capsys.readouterr().err.splitlines()[-1]
    assert "cannot be written: No such file or directory (/proc/.cache/earshot). Point EARSHOT_HOME" in line


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_home_that_is_read_only_is_named_with_its_remedy(number, tmp_path, monkeypatch, capsys):
    def build(_):
        raise OSError(number, os.strerror(number), str(tmp_path / "train" / "0a1b.lock"))

    monkeypatch.setenv("EARSHOT_HOME", str(tmp_path))
    monkeypatch.setattr(boards, "run", build)
    assert cli.main(["boards"]) == 4
    told = capsys.readouterr().err
    assert f"the cache of artifacts cannot be written: {os.strerror(number)} ({tmp_path}). Point EARS" in told


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (
            OSError(errno.ENOENT, "No such file or directory", "/proc/x"),
            "No such file or directory (/proc/x)",
        ),
        (OSError(errno.EFBIG, "File too large", b"base/board.h"), "File too large (base/board.h)"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files."),
        (MemoryError("Unable to allocate 9 GiB"), "the memory is used up: Unable to allocate 9 GiB."),
        (MemoryError(), "the memory is used up"),
    ],
)
def test_what_the_system_refuses_is_one_line(failure, told, monkeypatch, capsys):
    def refuse(_):
        raise failure

    monkeypatch.setattr(boards, "run", refuse)
    assert cli.main(["boards"]) == 4
    line = capsys.readouterr().err
    assert told in line and line.count("\n") == 1


def test_folder_that_cannot_be_used_exits_with_4(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setattr(boards, "run", lambda _: (tmp_path / "file" / "pages").mkdir())
    assert cli.main(["boards"]) == 4
    told = capsys.readouterr().err
    assert f"{tmp_path}/file/pages cannot be used: Not a directory. Choose another." in told


def test_a_folder_above_the_cache_as_a_file_is_no_failure_of_the_cache(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EARSHOT_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(boards, "run", lambda _: tmp_path.write_text("a page"))
    assert cli.main(["boards"]) == 4
    assert f"{tmp_path} cannot be used: Is a directory. Choose another." in capsys.readouterr().err


def test_two_variants_without_a_comma_are_explained(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["run", "--variants", "tinyconv-int8", "ds-cnn-int8"])
    assert ended.value.code == 2
    assert "ds-cnn-int8. Separate several variants by commas" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["build", "run"])
def test_a_model_that_the_engine_cannot_run_exits_with_2(command, tmp_path, capsys):
    model = classifier(tmp_path / "odd.tflite", last="LOG_SOFTMAX")
    output = [] if command == "build" else ["--output", str(tmp_path / "runs")]
    given = ["--model", str(model), "--labels", "silence,unknown,yes,no", *output]
    assert cli.main([command, *given]) == 2
    assert "unsupported: engine codegen lacks LOG_SOFTMAX" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_output_that_cannot_show_a_letter_is_no_failure(encoding, monkeypatch):
    stdout = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setattr(boards, "run", lambda _: print("31 µs, 3 × slower, w\udcf6rter") or 0)
    assert cli.main(["boards"]) == 0
    stdout.flush()
    assert stdout.buffer.getvalue().startswith(b"31 ")


@pytest.mark.parametrize("option", ["--recordings", "--model", "--output", "--labels"])
def test_name_that_is_no_text_is_refused(option, capsys):
    assert cli.main(["run", option, "w\udcf6rter"]) == 2
    told = capsys.readouterr().err
    assert "a name is not UTF-8" in told and "Rename it." in told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_exits_with_5(number, monkeypatch, capsys):
    monkeypatch.setattr(boards, "run", lambda _: (os.kill(os.getpid(), number), time.sleep(9)))
    assert cli.main(["boards"]) == 5
    told = capsys.readouterr().err
    assert "interrupted. No run had begun" in told and "starts again" not in told


def test_an_interrupt_names_the_step_that_starts_again(monkeypatch, capsys):
    def train(_: object) -> None:
        with progress.task("prepare", 2, "variants"), progress.about("tiny"):
            with progress.task("features"):
                pass
            with progress.task("train", 40, "epochs"):
                raise KeyboardInterrupt

    monkeypatch.setattr(boards, "run", train)
    assert cli.main(["boards", "--quiet"]) == 5
    told = capsys.readouterr().err
    assert "call the same command again. It starts again: tiny: train. What was trained" in told


def test_a_reader_that_leaves_ends_a_command_quietly():
    script = "import sys; from harness import cli; sys.exit(cli.main(['boards']))"
    read, write = os.pipe()
    os.close(read)
    command = subprocess.run([sys.executable, "-c", script], stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (command.returncode, command.stderr) == (EXIT_INCONCLUSIVE, b"")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["field", "--snr", "loud"], "--snr: 'loud' is not numbers in dB such as 20,10,0"),
        (["field", "--distance", "1;2"], "--distance: '1;2' is not numbers in meters such as 1,2,4"),
        (["field", "--threshold", "high"], "'high' is not a whole number from 0 to 255"),
        (["run", "--wait", "long"], "'long' is not a number of seconds"),
        (["listen", "--seconds", "long"], "'long' is not a number of seconds"),
        (["nightly", "--rounds", "two"], "'two' is not a whole number of 1 or more"),
        (["energy", "--seconds", "long"], "'long' is not a number of seconds"),
        (["energy", "--volts", "3,3"], "'3,3' is not a number of volts"),
        (["energy", "--stage-inputs", "0"], "'0' is not two of the inputs 0 to 7, such as 0,1"),
    ],
)
def test_a_value_that_cannot_be_parsed_is_refused_with_what_is_expected(arguments, told, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2 and told in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["show", "people", "-q"], ["-q", "show", "people"]])
def test_verbosity_stands_before_or_behind_a_verb(arguments):
    parsed = cli._parser().parse_args(["dataset", *arguments])
    assert parsed.verbosity == Level.QUIET


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["trian"], "Did you mean train?"),
        (["field", "--split", "validaton"], "Did you mean validation?"),
        (["run", "--varaints", "tinyconv-int8"], "--varaints tinyconv-int8. Did you mean --variants?"),
        (["run", "--split=testing"], "--split belongs to `earshot field`"),
        (["train", "--recordings", "people"], "--recordings belongs to `earshot field` and"),
        (["train", "--board", "desk"], "--board belongs to other commands"),
        (["dataset", "shwo"], "Did you mean show?"),
        (["train", "--variants", "tinyconv-int9"], "Did you mean tinyconv-int8?"),
    ],
)
def test_a_misspelled_or_misplaced_argument_is_one_line_with_what_was_meant(arguments, told, capsys):
    try:
        code = cli.main(arguments)
    except SystemExit as ended:
        code = ended.code
    line = capsys.readouterr().err
    assert code == 2 and told in line and line.count("\n") == 1


def test_a_stray_option_is_not_taken_for_a_variant(capsys):
    with pytest.raises(SystemExit):
        cli.main(["run", "--nonsense"])
    assert "commas" not in capsys.readouterr().err
