"""Ports of another machine, over plain TCP and RFC 2217."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
import serial
from board_text import board_text
from serial.rfc2217 import PortManager
from simulated_device import Behavior, SimulatedDevice

from harness.errors import BoardNotFound
from harness.link.deadline import Deadline
from harness.link.dut import DeviceUnderTest
from harness.link.events import End
from harness.link.serial_link import SerialLink

pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # in pyserial 3.5


class PtySerial(serial.Serial):
    """A pty as a serial port, without the modem lines of RFC 2217."""

    cts = dsr = ri = cd = False

    def _update_dtr_state(self) -> None:
        pass

    def _update_rts_state(self) -> None:
        pass

    def _update_break_state(self) -> None:
        pass


class PortServer:
    """A server of a serial port for one client after another, like pyserial's tools."""

    def __init__(self, path: str, rfc2217: bool) -> None:
        self._serial = PtySerial(path, timeout=0)
        self._rfc2217 = rfc2217
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._client: socket.socket | None = None
        scheme = "rfc2217" if rfc2217 else "socket"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """End the connection and the server; a second call does nothing."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        if self._client:
            with contextlib.suppress(OSError):
                self._client.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self._serial.close()

    def _serve(self) -> None:
        while True:
            try:
                self._client, _ = self._listener.accept()
            except OSError:
                return
            with self._client as client, contextlib.suppress(OSError):
                self._talk(client)

    def _talk(self, client: socket.socket) -> None:
        to_port: Callable[[bytes], bytes] = bytes
        to_client: Callable[[bytes], bytes] = bytes
        if self._rfc2217:
            manager = PortManager(self._serial, client.makefile("wb", buffering=0))
            to_port, to_client = (
                lambda data: b"".join(manager.filter(data)),
                lambda data: b"".join(manager.escape(data)),
            )
        while True:
            ready, _, _ = select.select([client, self._serial], [], [])
            if client in ready:
                received = client.recv(4096)
                if not received:
                    return
                self._serial.write(to_port(received))
            if self._serial in ready:
                client.sendall(to_client(self._serial.read(4096)))


@pytest.fixture
def device() -> Iterator[SimulatedDevice]:
    simulated = SimulatedDevice(Behavior(buffer_bytes=1100))
    yield simulated
    simulated.close()


@pytest.fixture(params=["socket", "rfc2217"])
def server(request, device) -> Iterator[PortServer]:
    serving = PortServer(device.path, rfc2217=request.param == "rfc2217")
    yield serving
    serving.close()


def test_the_whole_protocol_runs_over_the_network_time_and_again(server, device, tmp_path):
    everything = bytes(value for value in range(256) if value not in b"\r\n$")  # RFC 2217 escapes 255
    device.behavior.lines["profile"] = [everything, b"m-ready"]
    for _ in range(2):
        with SerialLink(server.url, tmp_path / "log") as link:
            board = DeviceUnderTest(link, chunk_bytes=512)
            assert board.handshake().build_id == "89abcdef"
            board.load(everything)
            assert device.loaded == everything
            assert isinstance(list(board.listen(lambda: None))[-1], End)
            link.write(b"profile%")
            assert link.next_line(Deadline(60.0)).line == everything
    assert b"$end,4," in board_text(tmp_path / "log")


def test_the_end_of_a_server_is_reported(server):
    with SerialLink(server.url) as link:
        DeviceUnderTest(link).name()
        server.close()
        with pytest.raises(BoardNotFound, match="gone") as caught:
            link.next_line(Deadline(60.0))
        assert caught.value.remedy


@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
def test_an_unserved_port_is_named(scheme):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"{scheme}://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(BoardNotFound) as caught:
        SerialLink(url)
    assert caught.value.where == url
