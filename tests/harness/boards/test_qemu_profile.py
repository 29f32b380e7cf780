"""The profile that the cycle model writes."""

from __future__ import annotations

import pytest

from harness.boards.qemu.profile import Counted, read_profile
from harness.errors import ProtocolError

TEXT = """\
9 64
= 100
7 80
= 107
5 96 81
3 98 81 97:2
= 115
2 64
= 117
1 64
= 118
4 66
= 122
6 64
"""


def test_each_stage_has_the_counts_between_its_marks():
    assert read_profile(TEXT, {"preprocess": 8, "inference": 2, "postprocess": 4}) == {
        "preprocess": [Counted(5, 96, ((81, 0),)), Counted(3, 98, ((81, 0), (97, 2)))],
        "inference": [Counted(2, 64, ())],
        "postprocess": [Counted(4, 66, ())],
    }


def test_counts_that_differ_from_the_board_are_refused():
    with pytest.raises(ProtocolError, match="inference adds up to 2 cycles, not to the board's 3"):
        read_profile(TEXT, {"inference": 3})


def test_a_profile_that_breaks_off_is_refused():
    with pytest.raises(ProtocolError, match="has no"):
        read_profile("9 64\n= 100\n", {"inference": 3})
