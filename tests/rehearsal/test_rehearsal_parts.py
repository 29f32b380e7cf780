"""The rehearsal bench is as strict as a real one: cable, stand-in, and the search for what is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import serial
from cli_answers import FQBN
from started import left_over, processes_with

from harness.boards.plugged.cable import Cable


@pytest.fixture
def cable(tmp_path):
    cable = Cable(tmp_path)
    cable.plug()
    yield cable
    cable.unplug()


def test_bytes_sent_to_a_closed_port_are_lost(cable):
    cable.send(b"unheard")
    with serial.Serial(str(cable.port), timeout=60) as host:
        cable.send(b"heard")
        assert host.read(5) == b"heard"
    assert not cable.is_open


def test_reader_of_a_vanished_port_gets_an_error(cable):
    with serial.Serial(str(cable.port), timeout=60) as host:
        cable.unplug()
        with pytest.raises(serial.SerialException):
            host.read(1)


def ask_stand_in(bench, *arguments):
    return subprocess.run([bench.command, *arguments], capture_output=True, text=True, timeout=60)


def test_stand_in_refuses_unknown_options(quiet_bench):
    quiet_bench.use_stand_in()
    for arguments in (
        ["board", "list"],
        ["version", "--json", "--loud"],
        ["fly", "--json"],
        ["core", "--json"],
    ):
        answer = ask_stand_in(quiet_bench, *arguments)
        assert (answer.returncode, answer.stdout) == (1, ""), arguments


def test_stand_in_lists_the_board_until_it_is_pulled_out(quiet_bench):
    quiet_bench.use_stand_in()
    listing = ("board", "list", "--discovery-timeout", "1s", "--json")
    (port,) = json.loads(ask_stand_in(quiet_bench, *listing).stdout)["detected_ports"]
    assert port["port"]["address"] == quiet_bench.port()
    assert port["matching_boards"][0]["fqbn"] == FQBN
    quiet_bench.pull_out()
    assert json.loads(ask_stand_in(quiet_bench, *listing).stdout) == {"detected_ports": []}


def test_process_left_behind_is_found_by_its_environment():
    word = f"EARSHOT_TEST_{os.getpid()}"
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={word: "1"})
    try:
        assert list(processes_with(word)) == [child.pid]
    finally:
        child.communicate(b"\n")
    assert left_over(word) == {}
