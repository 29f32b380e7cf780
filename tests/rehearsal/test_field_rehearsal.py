"""A field run through the air, on the path of a real board: chirp, words, figures, page."""

from __future__ import annotations

import json

import pytest

WORDS = ("yes/andy.wav", "no/andy.wav", "yes/mario.wav", "no/mario.wav")


@pytest.mark.slow
@pytest.mark.usefixtures("trained")
def test_words_through_the_air_become_a_page(bench):
    bench.write_bench_file(words=WORDS)
    output = bench.folder / "field"
    how = ("--board", "desk", "--bench", str(bench.file), "--variants", "tinyconv-int8")
    answer = bench.earshot("field", *how, "--output", str(output))
    assert answer.returncode == 0, answer.stderr
    (folder,) = output.glob("nano33ble/*")
    record = json.loads((folder / "field.json").read_text())
    (row,) = record["variants"]
    assert row["faults"] == []
    assert (row["route"], record["board"]["clock"]) == ("acoustic", "measured")
    assert sum(word["correct"] for word in row["stimuli"]) >= 3, row["stimuli"]
    assert [word["source"] for word in row["stimuli"] if word["excluded"]] == []
    assert all(clip["board_equals_host"] for clip in row["clips"]) and len(row["clips"]) == 4
    (segment,) = row["segments"]
    assert segment["complete"] and segment["acoustic"]["chirp"]["snr_db"] > 10
    assert set(row["reference"].values()) == {None}
    assert "acoustic" in (folder / "field.html").read_text()

    refused = bench.earshot("field", *how, "--distance", "2", "--output", str(output))
    assert refused.returncode == 2
    assert "a simulated room cannot be played in a real room" in refused.stderr
    assert len(list(output.glob("nano33ble/*"))) == 1


def test_field_run_without_a_speaker_is_refused(quiet_bench):
    bench = quiet_bench
    output = bench.folder / "field"
    answer = bench.earshot_here(
        "field", "--board", "desk", "--bench", str(bench.file), "--output", str(output)
    )
    assert answer.returncode == 4
    assert "the bench has no speaker" in answer.stderr
    assert not output.exists()
