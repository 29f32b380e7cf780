"""A Joulescope JS220 behind the functions of libusb: it speaks the device's USB protocol and plays a trace.

The maker's driver is the real one, down to its calls of libusb. Source of the protocol: joulescope_driver
1.6.0, include_private/js220_api.h and src/js220_usb.c.
"""

from __future__ import annotations

import ctypes
import struct
import sys
import threading
import time
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path

import numpy as np
from host_library import load_library

TICK_HZ = 2_000_000
SERIAL_NUMBER = "002122"
PORTS = {"s/i": 21, "s/v": 22, "s/gpi/0": 24, "s/gpi/1": 25, "s/gpi/2": 26, "s/gpi/3": 27}

_VENDOR, _JS220, _JS110 = 0x16D0, 0x10BA, 0x0E88
_CONNECT, _DISCONNECT, _TIMEMAP = 1, 2, 4
_PING, _PONG = "c/!ping", "c/!pong"
_STRING, _U32, _I32 = 1, 10, 14  # of a published value
_PAYLOAD = 504  # bytes of samples in a frame
_BLOCK = _PAYLOAD * 8 * 5  # ticks of whole frames: 5 of each input, 80 of current and voltage
_FRAMES_AT_ONCE = 64  # of 512 bytes: a transfer of the driver
_FIRST_TICK = 12_345_678

Play = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Returns amperes, volts and input bits at ticks, counted from the first one."""

_Receive = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_uint8), ctypes.c_int)


@cache
def _libusb() -> ctypes.CDLL:
    assert "pyjoulescope_driver" not in sys.modules, "the driver is bound to its own libusb already"
    source = Path(__file__).with_name("fake_libusb.cpp")
    return ctypes.CDLL(load_library([source], [], source.parent)._name, mode=ctypes.RTLD_GLOBAL)


def unplug_all() -> None:
    """Leave the driver without a device."""
    _libusb().fake_unplug()


class FakeJs220:
    """The meter, plugged in while the context lasts.

    Args:
        play: what it measures.
        lost: blocks of 10.08 ms of the current that it loses, as numbers.
        unplug_at: number of the block at which it is unplugged; None never.
        silent: signals that it never sends.
        may_open: False without the permission to use it.
        is_js110: True for the older model's USB id.
    """

    def __init__(
        self,
        play: Play,
        lost: Collection[int] = (),
        unplug_at: int | None = None,
        silent: Collection[str] = (),
        may_open: bool = True,
        is_js110: bool = False,
    ) -> None:
        self._play, self._lost, self._unplug_at, self._silent = play, lost, unplug_at, silent
        self._enabled: set[str] = set()
        self.published: dict[str, str | int] = {}
        self._frame = 0
        self._lock = threading.Lock()  # frames are numbered in the order in which they are sent
        self._ended = threading.Event()
        self._callbacks = _Receive(self._on_control), _Receive(self._on_bulk_out)
        product = _JS110 if is_js110 else _JS220
        _libusb().fake_plug(_VENDOR, product, SERIAL_NUMBER.encode(), *self._callbacks, int(may_open))
        self._thread = threading.Thread(target=self._stream, daemon=True)

    def __enter__(self) -> FakeJs220:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        _libusb().fake_unplug()

    def _on_control(self, data: ctypes._Pointer, length: int) -> None:
        request = data[1]  # of the setup packet: type, request, value, index, length
        if request == _CONNECT:
            versions = struct.pack("<5I", 1 << 24, 0, 1 << 24, 1 << 24, 1 << 24)  # the protocol's first
            self._send_message(0, struct.pack("<BBH", _CONNECT, 0, 0) + versions)
            timemap = struct.pack("<QqQQ", 0, 1 << 30, _FIRST_TICK, TICK_HZ << 32)
            self._send_message(0, struct.pack("<BBH", _TIMEMAP, 0, 0) + timemap)
        elif request == _DISCONNECT:
            self._enabled.clear()

    def _on_bulk_out(self, data: ctypes._Pointer, length: int) -> None:
        topic, kind, value = struct.unpack_from("<32sBxxx8s", bytes(data[:length]).ljust(48, b"\0"), 4)
        topic = topic.rstrip(b"\0").decode()
        number = int.from_bytes(value, "little")
        self.published[topic] = value.rstrip(b"\0").decode() if kind == _STRING else number
        if topic == _PING:
            self._publish(_PONG, _U32, number)
        if topic.endswith("/ctrl"):
            (self._enabled.add if number else self._enabled.discard)(topic.removesuffix("/ctrl"))
        self._publish(f"{topic}#", _I32, 0)  # done

    def _publish(self, topic: str, kind: int, value: int) -> None:
        self._send_message(1, struct.pack("<32sBxxxQ", topic.encode(), kind, value))

    def _send_message(self, port: int, payload: bytes) -> None:
        with self._lock:
            header = self._frame & 0xFFFF | len(payload) << 16 | port << 25
            self._frame += 1
            frame = (struct.pack("<I", header) + payload).ljust(512, b"\0")
            _libusb().fake_send(frame, len(frame))

    def _send_samples(self, signal: str, tick: int, samples: bytes) -> None:
        """Send a block of a signal that begins at a tick, in frames of which each has its first tick."""
        payload = np.frombuffer(samples, "<u4").reshape(-1, _PAYLOAD // 4)
        frames = np.empty((len(payload), 128), "<u4")
        with self._lock:
            numbers = np.arange(self._frame, self._frame + len(frames)) & 0xFFFF
            self._frame += len(frames)
            frames[:, 0] = numbers | (_PAYLOAD + 4) << 16 | PORTS[signal] << 25
            frames[:, 1] = tick + np.arange(len(frames)) * (_BLOCK // len(frames))
            frames[:, 2:] = payload
            for start in range(0, len(frames), _FRAMES_AT_ONCE):
                part = frames[start : start + _FRAMES_AT_ONCE].tobytes()
                _libusb().fake_send(part, len(part))

    def _stream(self) -> None:
        block, due_s = 0, time.monotonic()
        while not self._ended.wait(max(0.0, due_s - time.monotonic())):
            if not self._enabled:
                block = 0
                self._ended.wait(0.001)
                continue
            due_s = max(due_s, time.monotonic()) + _BLOCK / TICK_HZ  # a late block lets no others hurry
            if block == self._unplug_at:
                _libusb().fake_unplug()
                return
            amperes, volts, bits = self._play(np.arange(block * _BLOCK, (block + 1) * _BLOCK))
            tick = _FIRST_TICK + block * _BLOCK
            for signal in self._enabled - set(self._silent):
                if signal in ("s/i", "s/v"):
                    if signal == "s/i" and block in self._lost:
                        continue
                    samples = (amperes if signal == "s/i" else volts)[::2].astype("<f4")
                else:
                    samples = np.packbits(bits >> int(signal[-1]) & 1, bitorder="little")
                self._send_samples(signal, tick, samples.tobytes())
            block += 1
