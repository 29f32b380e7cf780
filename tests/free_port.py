"""A TCP port for a server that cannot say which one it got."""

from __future__ import annotations

import contextlib
import secrets
import socket
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens to, and that the kernel gives to nobody meanwhile."""
    lowest = int(_RANGE.read_text().split()[0])
    while True:
        port = secrets.choice(range(10_000, max(lowest, 32_768)))
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
