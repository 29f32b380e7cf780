"""A board that hears its room itself, live, on the path of a real board."""

from __future__ import annotations

import numpy as np
import pytest
from pulse import null_sink
from rehearsal.bench import rehearsal_bench
from small_models import tinyconv

from harness.layout import RECORDINGS
from harness.records.field_record import read_field
from models.data.wav import read_wav


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> list[str]:
    path = tmp_path_factory.mktemp("model") / "tiny.tflite"
    path.write_bytes(tinyconv(0, 0))
    return ["--model", str(path), "--labels", "silence,unknown,yes,no"]


@pytest.mark.slow
def test_a_board_that_hears_its_room_needs_no_microphone_of_the_host(quiet_bench, model):
    how = ("--board", "desk", "--bench", str(quiet_bench.file), "--seconds", "2")
    answer = quiet_bench.earshot_here("listen", *how, *model)
    assert answer.returncode == 0, answer.stderr
    assert "Listened for 2." in answer.stdout or "Listened for 1.9" in answer.stdout
    assert "samples" not in answer.stdout and "scores: silence " in answer.stdout


@pytest.mark.slow
def test_a_real_boards_session_is_kept_with_the_sound_of_the_hosts_microphone(model):
    with null_sink() as sink, rehearsal_bench(sink) as bench:
        sink.play(np.tile(read_wav(RECORDINGS / "yes" / "gene.wav")[0], 120))
        output = bench.folder / "field"
        how = (
            "--board",
            "desk",
            "--bench",
            str(bench.file),
            "--save",
            "--say",
            "yes",
            "--output",
            str(output),
        )
        answer = bench.earshot("listen", *how, *model)
        assert answer.returncode == 0, answer.stderr
        (folder,) = output.glob("nano33ble/*")
        (variant,) = read_field(folder / "field.json").variants
        assert (variant.route, variant.faults, len(variant.stimuli)) == ("acoustic", [], 1)
        assert variant.stimuli[0].peak is not None and variant.reference.equal is None
        assert np.any(read_wav(folder / "live.wav")[0]) and "acoustic" in (folder / "field.html").read_text()
