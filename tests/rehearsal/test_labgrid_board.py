"""A board that is a place of labgrid: acquired, resolved, uploaded to by its host, released."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from free_port import free_port
from rehearsal.bench import board_of, check_message
from rehearsal.labgrid_site import LabgridSite, labgrid_site
from rehearsal.remote_host import RemoteHost, remote_host

from harness.boards.labgrid import Place
from harness.errors import BoardNotFound
from harness.link.deadline import Deadline

pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # in pyserial 3.5

ACQUIRES = """
import sys
from harness.boards.labgrid import Place
with Place(sys.argv[1]).acquired(0.0):
    print("acquired", flush=True)
    sys.stdin.read()
"""


PATIENCE_S = 60.0  # each call of labgrid-client takes a second


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[LabgridSite]:
    with labgrid_site(tmp_path_factory.mktemp("labgrid") / "site") as made:
        made.add_place("bare")
        yield made


@pytest.fixture(autouse=True)
def of_the_site(site, monkeypatch) -> None:
    for name, value in site.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def own_site(desk, tmp_path, monkeypatch) -> Iterator[LabgridSite]:
    """A site with the bench's board as its place kws-desk-1."""
    with labgrid_site(tmp_path / "site") as made:
        made.export(desk.state / "by-id")
        made.add_place("kws-desk-1", "*/desk/*")
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def host(desk, tmp_path) -> Iterator[RemoteHost]:
    with remote_host(tmp_path / "host", f"{desk.folder}/host") as made:
        made.start_sshd()
        yield made


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[str]]:
    """Another process of Earshot that has acquired the place `bare`."""
    process = subprocess.Popen(
        [sys.executable, "-c", ACQUIRES, "bare"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "acquired\n"
    yield process
    process.kill()
    process.wait()


@pytest.mark.slow
def test_place_is_acquired_resolved_uploaded_to_and_released(desk, own_site, host, image, tmp_path):
    desk.write_bench_file(
        board={"labgrid": "kws-desk-1", "upload_command": host.upload_command(desk, "{port}")}
    )
    with board_of(desk, patience_s=PATIENCE_S) as board:
        for _ in range(2):
            board.upload(image)
            assert board.port.startswith("rfc2217://127.0.0.1:")
            assert board.open(tmp_path / "log").handshake(image).build_id == image.build_id
        assert "earshot-" in own_site.client("who")
        assert board.describe().details["labgrid place"] == "kws-desk-1"
    assert "earshot-" not in own_site.client("who")


def test_place_that_a_killed_run_left_is_released_and_acquired_again(site, holder, lines):
    holder.kill()
    holder.wait()
    assert "earshot-" in site.client("who")
    with Place("bare").acquired(0.0):
        assert "which a killed run left acquired" in lines[-1]
    assert "earshot-" not in site.client("who")


def test_place_of_another_user_is_left_alone_and_its_user_named(site):
    site.client("-p", "bare", "acquire", user="alice")
    try:
        with pytest.raises(BoardNotFound) as failure, Place("bare").acquired(0.0):
            pass
        check_message(failure.value, "the labgrid place bare is acquired by", "/alice", "--wait")
        with pytest.raises(BoardNotFound, match="after a wait of 1 s"), Place("bare").acquired(1.0):
            pass
    finally:
        site.client("-p", "bare", "release", user="alice")


def test_place_of_another_user_is_waited_for(site, lines):
    site.client("-p", "bare", "acquire", user="alice")
    acquired = threading.Event()

    def acquire() -> None:
        with Place("bare").acquired(600.0):
            acquired.set()

    waiting = threading.Thread(target=acquire)
    waiting.start()
    while not lines and waiting.is_alive():
        time.sleep(0.01)
    assert lines[0].startswith("waiting up to 600 s for the labgrid place bare: ")
    site.client("-p", "bare", "release", user="alice")
    waiting.join()
    assert acquired.is_set()


def test_place_that_was_taken_away_is_not_used(site):
    place = Place("bare")
    with pytest.raises(BoardNotFound) as failure, place.acquired(0.0):
        site.client("-p", "bare", "release", "--kick", user="alice")
        site.client("-p", "bare", "acquire", user="alice")
        try:
            place.port(Deadline(0))
        finally:
            site.client("-p", "bare", "release", user="alice")
    check_message(failure.value, "was taken away", "/alice has acquired it")


@pytest.mark.slow  # the coordinator saves its places every 15 s
def test_place_is_acquired_again_when_the_coordinator_has_restarted(tmp_path, monkeypatch, lines):
    with labgrid_site(tmp_path / "site") as site:
        monkeypatch.setenv("LG_COORDINATOR", site.environment["LG_COORDINATOR"])
        site.add_place("bare")
        place = Place("bare")
        with place.acquired(0.0):
            site.stop_coordinator("bare")
            with pytest.raises(BoardNotFound, match="Could not connect to coordinator"):
                place.port(Deadline(0))
            site.start_coordinator()
            assert place.holder() == ""
            with pytest.raises(BoardNotFound, match="no serial ports"):
                place.port(Deadline(0))
            assert place.holder().endswith(f"/{place.environment['LG_USERNAME']}")
            site.client("-p", "bare", "release", "--kick", user="alice")
        assert lines == ["acquired the labgrid place bare again, which its coordinator had released"]


def test_place_without_a_serial_port_is_named():
    place = Place("bare")
    with place.acquired(0.0), pytest.raises(BoardNotFound) as failure:
        place.port(Deadline(0))
    check_message(failure.value, "the labgrid place bare has no serial ports")


def test_unknown_place_is_named():
    with pytest.raises(BoardNotFound) as failure, Place("nowhere").acquired(0.0):
        pass
    check_message(failure.value, "place nowhere is not available", "matches nothing", "labgrid-client places")


def test_coordinator_that_cannot_be_reached_is_named(monkeypatch):
    monkeypatch.setenv("LG_COORDINATOR", f"127.0.0.1:{free_port()}")
    with pytest.raises(BoardNotFound) as failure, Place("bare").acquired(0.0):
        pass
    check_message(failure.value, "Could not connect to coordinator", "LG_COORDINATOR")
