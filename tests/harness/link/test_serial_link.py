"""Serial links over a pseudo terminal and a socket."""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
import sys
import termios
import threading
import time
import tty
from pathlib import Path
from types import SimpleNamespace

import pytest
from board_text import board_text

from harness.errors import BoardNotFound, EarshotError, ProtocolError
from harness.link import serial_link
from harness.link.deadline import Deadline
from harness.link.serial_link import MAX_LINE_BYTES, SerialLink
from harness.link.transcript import read_transcript


class Pty:
    """The board's end of a pseudo terminal, and the path that the host opens."""

    def __init__(self) -> None:
        self.board, self._host = os.openpty()
        tty.setraw(self._host)
        self.path = os.ttyname(self._host)

    def send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.board, data) :]

    def has_unread(self) -> bool:
        return any(fcntl.ioctl(self._host, termios.FIONREAD, bytes(4)))

    def vanish(self) -> None:
        for handle in (self.board, self._host):
            if handle >= 0:
                os.close(handle)
        self.board = self._host = -1


@pytest.fixture
def pty():
    pair = Pty()
    yield pair
    pair.vanish()


@pytest.fixture
def link(pty, tmp_path):
    with SerialLink(pty.path, tmp_path / "log") as opened:
        yield opened


def soon() -> Deadline:
    return Deadline(60.0)


def lines_of(link: SerialLink, count: int) -> list[bytes]:
    return [link.next_line(soon()).line for _ in range(count)]


def wait_until(condition, seconds: float = 60.0) -> None:
    deadline = Deadline(seconds)
    while not condition():
        assert not deadline.expired
        time.sleep(0.005)


def test_lines_come_in_order_without_their_ends_from_before_the_link_was_opened(pty):
    every = bytes(value for value in range(256) if value not in b"\r\n")
    pty.send(b"m-init-done\r\nm-ready\r\n\nbare\n" + every + b"\n")
    with SerialLink(pty.path) as link:
        assert lines_of(link, 5) == [b"m-init-done", b"m-ready", b"", b"bare", every]


def test_a_line_in_pieces_is_one_line(pty, link):
    for piece in (b"m-re", b"ad", b"y\r", b"\n"):
        pty.send(piece)
        time.sleep(0.01)
    assert lines_of(link, 1) == [b"m-ready"]


def test_a_line_has_its_time_of_arrival_and_is_returned_after_the_deadline(pty, link):
    before = time.monotonic()
    pty.send(b"m-ready\n")
    wait_until(lambda: link._lines)
    after = time.monotonic()
    assert before <= link.next_line(Deadline(0.0)).at_s <= after
    with pytest.raises(ProtocolError, match=r"did not answer within 0\.1 s"):
        link.next_line(Deadline(0.1))


def test_both_directions_are_logged(pty, link, tmp_path):
    link.write(b"name%")
    assert os.read(pty.board, 100) == b"name%"
    pty.send(b"m-ready\r\nhal")
    lines_of(link, 1)
    wait_until(lambda: not pty.has_unread())  # the half line shows nowhere before the link is closed
    link.close()
    host, ready, half = read_transcript(tmp_path / "log")
    assert (host.line, host.from_host) == (b"name%", True)
    assert (ready.line, ready.from_host, ready.complete) == (b"m-ready", False, True)
    assert (half.line, half.complete) == (b"hal", False)


def test_a_long_line_is_cut(pty, link):
    pty.send(b"x" * (3 * MAX_LINE_BYTES) + b"\nm-ready\n")
    assert lines_of(link, 4) == [b"x" * MAX_LINE_BYTES] * 3 + [b"m-ready"]


def test_a_full_queue_blocks_the_board_until_the_link_is_closed(pty, monkeypatch):
    monkeypatch.setattr(serial_link, "MAX_QUEUED_LINES", 10)
    lines = [b"%d" % number for number in range(3000)]
    with SerialLink(pty.path) as link:
        sender = threading.Thread(target=pty.send, args=(b"\n".join([*lines, *lines[:20], b""]),))
        sender.start()
        wait_until(lambda: len(link._lines) == 10)
        assert lines_of(link, 3000) == lines
        wait_until(lambda: len(link._lines) == 10)
    sender.join()


def test_a_vanished_port_ends_waiting(pty, link):
    threading.Timer(0.05, pty.vanish).start()
    with pytest.raises(BoardNotFound) as caught:
        link.next_line(Deadline(60.0))
    assert caught.value.remedy


def test_lines_before_a_vanished_port_are_returned_first(pty, link):
    pty.send(b"m-ready\n")
    wait_until(lambda: link._lines)
    pty.vanish()
    assert lines_of(link, 1) == [b"m-ready"]
    for _ in range(2):
        with pytest.raises(BoardNotFound):
            link.next_line(soon())
    with pytest.raises(BoardNotFound):
        link.write(b"name%")


def test_closing_ends_waiting_and_the_thread(pty, link):
    threading.Timer(0.05, link.close).start()
    with pytest.raises(ProtocolError, match="closed"):
        link.next_line(Deadline(60.0))
    wait_until(lambda: not link._reader.is_alive())
    link.close()
    with pytest.raises(ProtocolError, match="closed"):
        link.write(b"name%")


def test_a_missing_port_is_named(tmp_path):
    with pytest.raises(BoardNotFound, match="ttyNONE"):
        SerialLink(str(tmp_path / "ttyNONE"))


def test_a_port_that_another_process_has_open_is_refused_with_a_remedy(pty):
    script = (
        "import serial, sys; port = serial.Serial(sys.argv[1], exclusive=True); print(flush=True); input()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, pty.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        holder.stdout.readline()
        with pytest.raises(BoardNotFound, match="lock") as caught:
            SerialLink(pty.path)
        assert pty.path in caught.value.where
        assert "no other program" in caught.value.remedy
    finally:
        holder.communicate(b"\n")
    SerialLink(pty.path).close()


def test_a_port_with_a_new_name_continues_the_log(pty, tmp_path):
    with SerialLink(pty.path, tmp_path / "log") as link:
        pty.send(b"m-ready\r\n$inf,0,2")
        lines_of(link, 1)
        pty.vanish()
        with pytest.raises(BoardNotFound, match="gone") as caught:
            link.next_line(soon())
        assert caught.value.remedy
    again = Pty()
    with SerialLink(again.path, tmp_path / "log") as link:
        again.send(b"m-init-done\r\n")
        assert lines_of(link, 1) == [b"m-init-done"]
    again.vanish()
    assert [timed.line for timed in read_transcript(tmp_path / "log")] == [
        b"m-ready",
        b"$inf,0,2",
        b"m-init-done",
    ]


def test_a_flood_is_returned_and_logged_completely(pty, link, tmp_path):
    sent = b"".join(b"line %d of a flood\r\n" % number for number in range(50_000))
    sender = threading.Thread(target=pty.send, args=(sent,))
    sender.start()
    received = lines_of(link, 50_000)
    sender.join()
    assert b"\r\n".join([*received, b""]) == sent
    assert board_text(tmp_path / "log") == sent.replace(b"\r", b"")


def test_an_idle_link_waits_for_its_port_without_a_time_limit(pty, monkeypatch):
    limits = []

    class Poll:
        def __init__(self) -> None:
            self._poll = select.poll()
            self.register = self._poll.register

        def poll(self, *limit: float) -> list[tuple[int, int]]:
            limits.append(limit)
            return self._poll.poll(*limit)

    monkeypatch.setattr(serial_link, "select", SimpleNamespace(poll=Poll, POLLIN=select.POLLIN))
    with SerialLink(pty.path) as link:
        pty.send(b"m-ready\n")
        assert lines_of(link, 1) == [b"m-ready"]
    assert set(limits) == {()}


def test_a_transcript_that_cannot_be_written_fails_the_link(pty):
    with SerialLink(pty.path, Path("/dev/full")) as link:
        pty.send(b"m-ready\n")
        with pytest.raises(EarshotError, match="/dev/full: No space left") as caught:
            lines_of(link, 2)
    assert caught.value.remedy
