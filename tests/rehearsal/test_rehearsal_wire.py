"""The faults of the rehearsal bench's wire."""

from __future__ import annotations

import pytest
from rehearsal.wire import ON_THE_BOARD, Fault, Wire

LINES = b"".join(b"$inf,%d,some,values,to,make,it,a,line*ABCD\r\n" % n for n in range(6))


def through(wire: Wire, data: bytes) -> bytes:
    return b"".join(part for part in wire.feed(data) if isinstance(part, bytes))


def test_lost_packet_leaves_the_bytes_after_it_in_place():
    arrived = through(Wire([Fault("lose", at=2)]), LINES)
    assert len(arrived) == len(LINES) - 64
    assert arrived.startswith(LINES[:60])
    assert arrived.endswith(LINES[-100:])


@pytest.mark.parametrize(("kind", "lines"), [("garble", 6), ("duplicate", 7), ("cut", 7)])
def test_line_fault_strikes_one_line(kind, lines):
    arrived = through(Wire([Fault(kind, at=3)]), LINES).splitlines()
    assert len(arrived) == lines
    assert (
        sum(line in LINES.splitlines() for line in arrived) == {"garble": 5, "duplicate": 7, "cut": 5}[kind]
    )


@pytest.mark.parametrize("kind", ON_THE_BOARD)
def test_board_fault_is_passed_on_and_changes_no_byte(kind):
    parts = list(Wire([Fault(kind, at=4)]).feed(LINES))
    assert [part.kind for part in parts if isinstance(part, Fault)] == [kind]
    assert b"".join(part for part in parts if isinstance(part, bytes)) == LINES
