"""The emulated board's transcript is a function of image and sound."""

from __future__ import annotations

import pytest
from board_text import board_text


def test_two_runs_on_the_same_sound_give_the_same_bytes(board, firmware, bench_run, model, tmp_path):
    if board.describe().clock == "measured":
        pytest.skip("a real board's times vary")
    sound = bench_run.sounds(model.labels)[1].samples[: 20 * 16_000]
    texts = []
    for run in ("first", "second"):
        board.upload(firmware)
        link = board.open(tmp_path / run)
        for _ in link.listen(lambda: board.listen(sound)):
            pass
        texts.append(board_text(tmp_path / run))
    assert b"$inf," in texts[0]
    assert texts[0] == texts[1]
