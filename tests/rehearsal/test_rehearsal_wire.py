"""The faults of the rehearsal bench's wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rehearsal.wire import ON_THE_BOARD, ON_THE_LINE, Fault, Wire

LINES = b"".join(b"$inf,%d,some,values,to,make,it,a,line*ABCD\r\n" % n for n in range(6))


def through(wire: Wire, data: bytes) -> bytes:
    return b"".join(part for part in wire.feed(data) if isinstance(part, bytes))


@given(st.binary(max_size=300), st.integers(1, 40))
def test_lines_arrive_unchanged_without_faults(data, piece):
    wire = Wire()
    arrived = b"".join(through(wire, data[start : start + piece]) for start in range(0, len(data), piece))
    assert arrived == data[: data.rfind(b"\n") + 1]


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


@pytest.mark.parametrize("times", [1, 2])
def test_fault_strikes_the_given_number_of_images(times):
    wire = Wire([Fault("garble", at=1, times=times)])
    harmed = 0
    for _ in range(3):
        harmed += through(wire, LINES) != LINES
        wire.restart()
    assert harmed == times


def test_unknown_fault_is_refused():
    assert {*ON_THE_LINE, *ON_THE_BOARD}.isdisjoint({"melt"})
    with pytest.raises(ValueError, match="melt"):
        Fault("melt")
