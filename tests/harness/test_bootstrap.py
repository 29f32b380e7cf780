"""Set-up of the virtual environment: what uv takes from pip, and which interpreters fit."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness import bootstrap
from harness.bootstrap import ROOT, fits, parse_pip_config, torch_backend, uv_environment

CONFIG = """\
:env:.find-links='/opt/wheels /opt/more'
global.cert='/etc/ssl/ca.crt'
global.constraint='/etc/pip/constraints.txt'
global.extra-index-url='https://one.example/simple https://two.example/simple'
global.find-links='/ignored'
global.index-url='https://zero.example/simple'
install.trusted-host='zero.example'
"""


def test_uv_gets_what_pip_is_configured_with():
    assert uv_environment(parse_pip_config(CONFIG)) == {
        "UV_DEFAULT_INDEX": "https://zero.example/simple",
        "UV_INDEX": "https://one.example/simple https://two.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/opt/wheels,/opt/more",
        "UV_CONSTRAINT": "/etc/pip/constraints.txt",
        "UV_INSECURE_HOST": "zero.example",
        "SSL_CERT_FILE": "/etc/ssl/ca.crt",
    }


@pytest.mark.parametrize(
    ("environment", "gpu", "options"),
    [
        ({}, False, ["--torch-backend", "cpu"]),
        ({"UV_FIND_LINKS": "/opt/wheels"}, False, []),
        ({"UV_FIND_LINKS": "/opt/wheels"}, True, ["--torch-backend", "auto"]),
    ],
)
def test_the_build_of_torch(environment, gpu, options):
    assert torch_backend(environment, gpu) == options


@pytest.mark.parametrize(
    ("answer", "code", "lock"),
    [("echo torch==2.13.0+cpu", 0, "torch==2.13.0\n"), ("echo half; exit 1", 2, "before\n")],
)
def test_the_lock_is_written_whole_or_kept(tmp_path, monkeypatch, answer, code, lock):
    uv = tmp_path / "uv"
    of_help = 'case "$*" in *--help) echo --torch-backend; exit;; esac'
    uv.write_text(f"#!/bin/sh\n{of_help}\n{answer}\n")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    (tmp_path / bootstrap.LOCK).write_text("before\n")
    assert bootstrap.main(["--lock"]) == code
    assert (tmp_path / bootstrap.LOCK).read_text() == lock


def test_an_interpreter_fits_by_its_version(tmp_path):
    assert fits(sys.executable)
    assert not fits(str(tmp_path / "missing"))
    for text in ("#!/bin/sh\necho 3 13\n", "#!/bin/sh\necho Usage: me\n", "not a program\0"):
        other = tmp_path / "python"
        other.write_text(text)
        other.chmod(0o755)
        assert not fits(str(other))


def test_an_interpreter_that_does_not_fit_is_refused_in_one_line(tmp_path):
    wrong = tmp_path / "python"
    wrong.write_text("#!/bin/sh\necho 3 9\n")
    wrong.chmod(0o755)
    command = [sys.executable, ROOT / "harness" / "bootstrap.py", "--python", wrong]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 2
    assert answer.stderr == (
        f"setup: {wrong} is not Python 3.11, which TensorFlow 2.15 needs. Choose another.\n"
    )


@pytest.fixture
def commands(tmp_path):
    """Return a function that writes a shell script into a folder, which it returns for PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def write(name: str, script: str) -> Path:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
        return folder

    return write


def test_without_a_fitting_python_and_uv_the_last_line_says_what_to_do(tmp_path, commands):
    copy = tmp_path / "harness" / "bootstrap.py"
    copy.parent.mkdir()
    shutil.copyfile(ROOT / "harness" / "bootstrap.py", copy)
    for name in ("python3", "python3.11"):
        path = commands(name, "echo 3 13")
    commands("uv", "echo '--find-links'")  # too old: it lacks --torch-backend
    (tmp_path / ".bootstrap").touch()  # fails at once, as does PyPI after seconds
    answer = subprocess.run([sys.executable, copy], capture_output=True, text=True, env={"PATH": str(path)})
    assert answer.returncode == 2
    lines = answer.stderr.splitlines()
    assert len(lines) == 2 and "uv cannot be installed" in lines[0]
    assert lines[1].endswith("Install one, or name it: make run PYTHON=/path/to/python3.11")


@pytest.mark.parametrize(
    ("stand_ins", "message"),
    [
        ({}, "install these commands, then run make again: python3 gcc g++ arm-none-eabi-g++"),
        ({"dpkg-query": "exit 1", "id": "echo 1000"}, "as root: apt-get install gcc g++"),
        (
            {"dpkg-query": "exit 1", "id": "echo 0", "apt-get": "exit 100"},
            "apt-get failed, see above; as root",
        ),
    ],
)
def test_packages_that_cannot_be_installed_are_named(commands, stand_ins, message):
    path = commands("grep", 'exec /bin/grep "$@"')
    for name, script in {**stand_ins, "env": 'shift; "$@"'}.items():
        commands(name, script)
    command = [shutil.which("make"), "--no-print-directory", "packages"]
    answer = subprocess.run(command, cwd=ROOT, env={"PATH": str(path)}, capture_output=True, text=True)
    assert answer.returncode == 2
    assert answer.stdout.splitlines()[-1].startswith("setup: ") and message in answer.stdout


@pytest.mark.parametrize(("other", "removed"), [("", False), ("/where/it/was", True)])
def test_the_environment_of_a_moved_checkout_is_made_anew(tmp_path, other, removed):
    for name in ("pyproject.toml", "requirements.lock", "harness/bootstrap.py", ".venv/.installed"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / ".venv" / ".installed").write_text(f"{other or tmp_path}\n")
    shutil.copyfile(ROOT / "Makefile", tmp_path / "Makefile")
    command = ["make", "--dry-run", ".venv/.installed"]
    steps = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert ("rm -rf .venv" in steps, "bootstrap.py" in steps) == (removed, removed)
