"""A board behind another host: its port over ser2net, its upload by ssh, on the loopback interface."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from free_port import free_port
from rehearsal.bench import MARK, board_of, check_message
from rehearsal.remote_host import RemoteHost, remote_host
from started import left_over

from harness.boards import user_command
from harness.errors import BoardNotFound, UploadFailed
from harness.link.deadline import Deadline
from harness.link.serial_link import SerialLink

pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # in pyserial 3.5

PATIENCE_S = 60.0  # ser2net needs a second to release a port


@pytest.fixture
def host(desk, tmp_path) -> Iterator[RemoteHost]:
    with remote_host(tmp_path / "host", f"{desk.folder}/host") as made:
        yield made


@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
def test_board_behind_another_host_is_uploaded_to_and_talks(desk, host, image, tmp_path, scheme):
    host.start_sshd()
    url = host.serve(desk.state / "by-id", scheme)
    desk.write_bench_file(
        board={"port": url, "upload_command": host.upload_command(desk, f"{desk.state}/by-id")}
    )
    for number in range(2):
        with board_of(desk, patience_s=PATIENCE_S) as board:
            board.upload(image)
            boot = board.open(tmp_path / f"{number}.log").handshake(image)
            assert (board.port, boot.build_id) == (url, image.build_id)
    assert b"$boot," in (tmp_path / "1.log").read_bytes()


def test_hanging_upload_is_killed_on_the_other_host_too(desk, host, image, monkeypatch):
    host.start_sshd()
    began = desk.folder / "began"
    clock = lambda: 1000.0 if began.exists() else 0.0  # noqa: E731
    monkeypatch.setattr(user_command, "Deadline", lambda seconds: Deadline(seconds, clock))
    command = f"{host.ssh} -tt {{host}} 'touch {began}; sleep 1000'"
    desk.write_bench_file(board={"upload_command": command, "upload_timeout_s": 5})
    with board_of(desk) as board, pytest.raises(UploadFailed) as failure:
        board.upload(image)
    check_message(failure.value, "upload_command was killed: it did not end within 5 s", "upload_timeout_s")
    assert began.exists()
    assert left_over(f"{MARK}={desk.folder}/host") == {}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no-such-flasher {bin}", "names a program that cannot be run"),
        ("echo no probe found >&2; exit 3", "exited with 3: no probe found"),
        pytest.param(
            "ssh -o BatchMode=yes -o ConnectTimeout=5 nowhere.invalid flash < {image}",
            "exited with 255",
            marks=pytest.mark.skipif(not shutil.which("ssh"), reason="needs OpenSSH's client"),
        ),
    ],
)
def test_upload_command_that_fails_is_reported(desk, image, command, said):
    desk.write_bench_file(board={"upload_command": command})
    with board_of(desk) as board, pytest.raises(UploadFailed) as failure:
        board.upload(image)
    check_message(failure.value, said, "in the bench file")


def test_network_port_that_nobody_serves_is_reported(desk, image, tmp_path):
    url = f"rfc2217://127.0.0.1:{free_port()}"
    desk.write_bench_file(board={"port": url, "upload_command": "true"})
    with board_of(desk) as board:
        board.upload(image)
        with pytest.raises(BoardNotFound) as failure:
            board.open(tmp_path / "log")
    check_message(failure.value, url, "refused", "ser2net")


@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
def test_board_that_leaves_its_host_is_reported(desk, host, scheme):
    link = SerialLink(host.serve(desk.state / "by-id", scheme))
    with link:
        desk.pull_out()
        with pytest.raises(BoardNotFound) as failure:
            while True:  # ser2net may say why before it ends the connection
                link.next_line(Deadline(60.0))
    check_message(failure.value, "the port is gone", "ser2net")
