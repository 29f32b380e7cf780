"""`earshot listen` as a process whose microphone is a null sink."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pulse import NullSink, null_sink
from small_models import tinyconv
from started import processes_with

from harness import cli
from harness.layout import RECORDINGS
from harness.records.field_record import read_field
from models.data.wav import read_wav

LONGEST_S = 300.0
LABELS = "silence,unknown,yes,no"


@pytest.fixture(scope="module")
def sink() -> Iterator[NullSink]:
    with null_sink() as running:
        yield running


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.tflite"
    path.write_bytes(tinyconv(0, 0))
    return path


def listen(
    sink: NullSink, model: Path, *options: str, when_heard: Callable[[subprocess.Popen], None] | None = None
) -> tuple[int, list[str]]:
    """Run the command; return its exit code and its lines, without those of the sound libraries."""
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "listen", "--model", model, "--labels", LABELS, *options],
        env=os.environ | sink.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    timer = threading.Timer(LONGEST_S, process.kill)
    timer.start()
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        if " behind  scores: " in line and when_heard and not any("scores: " in one for one in lines):
            when_heard(process)
        if not line.startswith(("ALSA", "Expression")):
            lines.append(line.rstrip())
    timer.cancel()
    return process.wait(), lines


@pytest.mark.slow
def test_a_saved_session_is_a_field_run_with_the_words_that_were_said(sink, model, tmp_path, capsys):
    playing = sink.play(np.tile(read_wav(RECORDINGS / "yes" / "gene.wav")[0], 60))
    options = ("--say", "yes,no", "--speaker", "gene", "--save", "--output", str(tmp_path))
    code, lines = listen(sink, model, *options)
    sink.end(playing)
    assert code == 0 and [line for line in lines if line.startswith("say:")] == [
        "say: yes (1 of 2)",
        "say: no (2 of 2)",
    ]
    assert any("delivered 160,000 samples, the board heard 160,000;" in line for line in lines), lines
    assert any(line.startswith("tiny detects ") for line in lines), lines
    (folder,) = tmp_path.glob("emulated/*")
    assert len(read_wav(folder / "live.wav")[0]) == 160_000
    (variant,) = read_field(folder / "field.json").variants
    assert [(row.word, row.speaker, row.source) for row in variant.stimuli] == [
        ("yes", "gene", "recordings/yes/gene_1.wav"),
        ("no", "gene", "recordings/no/gene_2.wav"),
    ]
    for number, row in enumerate(variant.stimuli, start=1):
        assert 3 * number <= row.onset_s < row.end_s <= 3 * number + 3.1
    assert variant.reference.equal == variant.reference.inferences >= 480
    for named in (folder, folder / "field.json"):
        assert cli.main(["report", str(named)]) == 0
        assert str(folder / "field.html") in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_a_session_with_its_summary(sink, model, number):
    code, lines = listen(sink, model, when_heard=lambda process: process.send_signal(number))
    assert code == 0 and lines[-2].startswith("Listened for ")
    assert lines[-1].startswith("The microphone delivered ") and "Traceback" not in "\n".join(lines)


@pytest.mark.slow
def test_a_sound_system_that_goes_is_told_and_the_sound_is_kept(model, tmp_path):
    with null_sink() as vanishing:
        code, lines = listen(
            vanishing,
            model,
            *("--save", "--output", str(tmp_path)),
            when_heard=lambda _: vanishing.daemon.kill(),
        )
    assert code == 4
    assert any(line.startswith("tiny: acoustic: the microphone delivers nothing") for line in lines)
    (folder,) = tmp_path.glob("emulated/*")
    (variant,) = read_field(folder / "field.json").variants
    assert variant.segments[0].audio_s > 0 and variant.reference.equal == variant.reference.inferences


@pytest.mark.slow
def test_a_machine_that_is_too_slow_ends_the_session_with_the_lag(sink, model):
    def slow_down(_: subprocess.Popen) -> None:
        found = processes_with(sink.environment["PULSE_SERVER"])
        (emulator,) = (pid for pid, command in found.items() if "qemu" in Path(command.split()[0]).name)
        threading.Thread(target=_run_seldom, args=[emulator], daemon=True).start()

    code, lines = listen(sink, model, when_heard=slow_down)
    assert code == 4
    (told,) = (line for line in lines if "too slow to listen live" in line)
    assert "s behind the microphone" in told


def _run_seldom(emulator: int) -> None:
    """Let a process run for a hundredth of the time, until it has ended."""
    try:
        while True:
            os.kill(emulator, signal.SIGSTOP)
            time.sleep(0.5)
            os.kill(emulator, signal.SIGCONT)
            time.sleep(0.005)
    except ProcessLookupError:
        pass


def test_a_missing_microphone_is_refused_with_the_available_ones(sink, model):
    code, lines = listen(sink, model, "--device", "Studio")
    assert code == 4
    assert lines[-1].startswith("earshot: acoustic: no single sound device") and "'pulse'" in lines[-1]


def test_words_are_checked_before_a_microphone_is_missed(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("harness.sound.devices.devices", lambda direction: [])
    assert cli.main(["listen", "--save", "--say", "yes,left,yess,No", "--output", str(tmp_path)]) == 4
    told = capsys.readouterr().err
    assert "no keyword of the model (yes, no), so nothing should be detected: left, yess\n" in told
    assert told.endswith(
        "earshot: acoustic: this computer has no microphone. Connect one, or start its sound server "
        "(PulseAudio, PipeWire).\n"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--say", "yes"], "--say needs --save"),
        (["--speaker", "anna", "--save"], "--speaker needs --say"),
        (["--open"], "--open needs --save"),
        (["--say", "../yes", "--save"], "cannot be the name of a folder"),
        (["--speaker", "../anna", "--save"], "is not a name of letters and digits"),
        (["--seconds", "0"], "it must be 1 or more"),
        (
            ["--save", "--say", "yes,no", "--seconds", "5"],
            "to say 2 words takes 9 s, more than --seconds 5",
        ),
        (["ds-cnn-*"], "variants are selected, and one listens at a time"),
        (["no-such-variant"], "no variant matches"),
        (["--model", "a.tflite", "--labels", "yes,no", "--voices", "both"], "--voices cannot be combined"),
    ],
)
def test_wrong_usage_is_told(options, message, capsys):
    try:
        code = cli.main(["listen", *options])
    except SystemExit as ended:  # of argparse
        code = ended.code
    assert code == 2 and message in capsys.readouterr().err
