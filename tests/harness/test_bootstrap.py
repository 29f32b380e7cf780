"""Set-up of the virtual environment: what uv takes from pip, and which interpreters fit."""

from __future__ import annotations

import subprocess
import sys

import pytest

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


def test_an_interpreter_fits_by_its_version(tmp_path):
    newer = tmp_path / "python3.13"
    newer.write_text("#!/bin/sh\necho 3 13\n")
    newer.chmod(0o755)
    assert fits(sys.executable)
    assert not fits(str(newer))
    assert not fits(str(tmp_path / "missing"))


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
