from __future__ import annotations

import pytest
from cli_stand_in import StandIn

from harness.arduino_cli.cli import ArduinoCli


@pytest.fixture
def stand_in(tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    return StandIn(folder)


@pytest.fixture
def cli(stand_in):
    return ArduinoCli(stand_in.command)
