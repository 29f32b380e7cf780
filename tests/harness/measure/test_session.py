"""Sessions: sample by sample, through a simulated room, without a speaker, and with a board that vanishes."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from host_library import STORE
from measured_models import LABELS, build, small_model
from scipy import signal
from shared_data import shared_data
from simulated_room import BoardInAnEmptyRoom, BoardInRoom, Room

from harness.bench_file import Bench, SpeakerEntry
from harness.boards.board import Board
from harness.boards.emulated import EmulatedBoard
from harness.errors import AcousticFailed, BoardNotFound, ProtocolError, SoundGap, UploadFailed, UsageError
from harness.firmware.firmware import Firmware
from harness.layout import RECORDINGS
from harness.measure import listener as listener_module
from harness.measure.session import Session, measure, read_session
from harness.report.variants import why_missing
from harness.runs import rows
from harness.sound.levels import at_level, rms_dbfs, speech_dbfs
from harness.sound.recordings import Recording
from harness.sound.stimulus import Stimulus, compose
from models.data.wav import read_wav
from models.pipeline import external

BENCH = Bench(
    speaker=SpeakerEntry(device="pulse", level_dbfs=-24.0, silence_s=0.3, distance_m=0.5, room="desk")
)
RATE_HZ = 16_000


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    names = ("yes/gene.wav", "no/linda.wav")
    return [
        Recording(name.split("/")[0], name.split("/")[0], name, read_wav(RECORDINGS / name)[0])
        for name in names
    ]


@pytest.fixture(scope="module")
def stimulus(recordings) -> Stimulus:
    return compose(recordings)


@pytest.fixture
def measured(firmware, model, recordings, stimulus, tmp_path):
    """Return a function that measures on a board, into `tmp_path`."""

    def measure_on(board: Board, bench: Bench | None = None) -> None:
        with board:
            measure(board, firmware, model, recordings, stimulus, tmp_path, bench)

    return measure_on


@pytest.fixture(scope="module")
def through_the_air(firmware, model, recordings, stimulus, tmp_path_factory) -> tuple[Session, Room]:
    folder = tmp_path_factory.mktemp("air")
    with BoardInRoom(STORE, Room()) as board:
        measure(board, firmware, model, recordings, stimulus, folder, BENCH)
        return read_session(folder), board.room


def test_the_stimulus_is_placed_on_the_clock_of_the_board(through_the_air, stimulus):
    session, room = through_the_air
    played = at_level(stimulus, -24.0)[0].samples.astype(float)
    heard = np.concatenate(room.heard).astype(float)
    truth_s = int(signal.correlate(heard, played, "valid", method="fft").argmax()) / RATE_HZ
    assert truth_s > 4.0
    assert session.sound_starts_s == pytest.approx(truth_s, abs=0.01)


def test_session_through_the_air_records_its_route(through_the_air):
    session, _ = through_the_air
    assert session.route == "acoustic"
    chirp = session.acoustic.chirp
    assert chirp.snr_db > 20
    assert chirp.clipped_samples == chirp.echo_samples_lost == 0
    assert session.acoustic.speaker.distance_m == 0.5


def test_the_words_are_played_at_the_level_of_the_bench_file(through_the_air, stimulus):
    session, room = through_the_air
    played = np.concatenate(room.played)
    sound = replace(stimulus, samples=played[-len(stimulus.samples) :])
    assert speech_dbfs(sound) == pytest.approx(-24.0, abs=0.1)
    gain_db = speech_dbfs(sound) - speech_dbfs(stimulus)
    assert session.acoustic.speaker.gain_db == pytest.approx(gain_db, abs=0.1)


def test_the_level_of_the_words_at_the_board_follows_from_the_chirp(through_the_air, stimulus):
    session, room = through_the_air
    begin = round(session.sound_starts_s * RATE_HZ)
    heard = np.concatenate(room.heard)[begin : begin + len(stimulus.samples)]
    measured = speech_dbfs(replace(stimulus, samples=heard))
    assert session.acoustic.words_at_board_dbfs == pytest.approx(measured, abs=3.0)


def test_the_front_end_starts_after_the_echo(through_the_air):
    session, _ = through_the_air
    echoed = session.listening.times_ms[0] / 1000 * RATE_HZ
    assert echoed > (0.3 + 2.5 + 0.7 + 0.5 + 0.5) * RATE_HZ
    assert session.listening.complete and session.listening.records_lost == 0


def test_row_through_the_air_has_its_times_on_the_clock_of_the_stimulus(through_the_air, model, stimulus):
    session, _ = through_the_air
    row = rows.with_session(rows.variant_row(model), session, stimulus, (), 1.5)
    assert row.route == "acoustic"
    assert row.acoustic.detection_window_s == 1.5
    assert row.acoustic.sound_starts_s == session.sound_starts_s
    assert row.audio_s == stimulus.duration_s
    assert all(0 <= one.at_s <= stimulus.duration_s + 2 for one in row.false_accepts)


def test_detections_through_the_air_agree_with_those_sample_by_sample(tmp_path):
    """By TensorFlow's own model: what is heard through the air agrees with what is sent sample by sample."""
    heard_model = external(shared_data("micro_speech_quantized.tflite"), LABELS, STORE)
    people = [
        Recording(word, word, word, read_wav(shared_data(f"micro_speech_{word}_1000ms.wav"))[0])
        for word in ("yes", "no")
    ]
    stimulus = compose(people)
    found = {}
    for route, board in {"pcm": EmulatedBoard(STORE), "acoustic": BoardInRoom(STORE, Room(noise=5))}.items():
        folder = tmp_path / route
        folder.mkdir()
        with board:
            measure(board, build(heard_model), heard_model, people, stimulus, folder, BENCH)
        session = read_session(folder)
        found[route] = rows.with_session(rows.variant_row(heard_model), session, stimulus, ())
    for direct, air in zip(found["pcm"].stimuli, found["acoustic"].stimuli, strict=True):
        assert (direct.detected, air.detected) == (direct.label, direct.label)
        # Echoes, noise and where the model's windows fall (the chirp's length of silence depends on the host)
        # move a detection by some inferences of 20 ms; how exactly the clocks agree is another test's.
        assert air.detected_at_s == pytest.approx(direct.detected_at_s, abs=0.6)


@pytest.mark.parametrize(
    ("room", "cause"), [(Room(gain=0.0), "the chirp was not found"), (Room(gain=20.0), "too loud")]
)
def test_nothing_is_played_through_an_unusable_path(measured, tmp_path, room, cause):
    with pytest.raises(AcousticFailed, match=cause):
        measured(BoardInRoom(STORE, room), BENCH)
    after_the_chirp = np.concatenate(room.played)[round(0.7 * RATE_HZ) + 8000 :]
    assert not after_the_chirp.any()
    assert (tmp_path / "listening.log").read_bytes().count(b"$pcm,") > 1000


def test_clipping_level_is_refused_before_the_upload(measured, tmp_path):
    loud = Bench(speaker=SpeakerEntry(device="pulse", level_dbfs=-1.0))
    with pytest.raises(UsageError, match="would clip"):
        measured(BoardInRoom(STORE, Room()), loud)
    assert not list(tmp_path.iterdir())


def test_board_without_a_speaker_is_timed_and_has_no_words(measured, model, stimulus, tmp_path, monkeypatch):
    monkeypatch.setattr(listener_module, "ROOM_S", 0.1)
    measured(BoardInAnEmptyRoom(STORE, Room()))
    row = rows.with_session(rows.variant_row(model), read_session(tmp_path), stimulus, ())
    assert row.route == "room"
    assert len(row.stage_us["inference"]) >= 300
    assert (row.stimuli, row.false_accepts, row.audio_s, row.acoustic) == ([], [], None, None)
    assert any("has no speaker" in note for note in row.notes)


class Vanishing(EmulatedBoard):
    """A board that fails by turns: `failures` holds what goes wrong next, by the verb."""

    def __init__(self, failures: list[str]) -> None:
        super().__init__(STORE)
        self.failures = failures

    def upload(self, firmware: Firmware) -> None:
        if self.failures and self.failures[0] == "upload":
            self.failures.pop(0)
            raise UploadFailed("no device found", command="arduino-cli upload", returncode=1)
        super().upload(firmware)

    def open(self, transcript: Path):
        if self.failures and self.failures[0] == "open":
            self.failures.pop(0)
            raise BoardNotFound("the port cannot be opened", where="/dev/ttyACM0")
        device = super().open(transcript)
        if self.failures and self.failures[0] == transcript.stem:
            device.name()
            if self.failures.pop(0):
                raise BoardNotFound("the port is gone", where="/dev/ttyACM0")
        return device


@pytest.mark.parametrize(
    ("failures", "kept"),
    [
        (["upload", "open"], []),
        (
            ["listening", "conformance"],
            ["conformance, failed attempt 1", "conformance, failed attempt 2", "listening, failed attempt 1"],
        ),
    ],
)
def test_lost_port_or_upload_is_retried_and_noted(measured, model, stimulus, tmp_path, failures, kept):
    measured(Vanishing(list(failures)))
    session = read_session(tmp_path)
    assert len(session.retries) == 2
    assert all(note.startswith("measurement: retry ") for note in session.retries)
    assert session.listening.complete
    assert list(session.transcripts) == ["conformance", "listening", *kept]
    assert all(path.stat().st_size for path in session.transcripts.values())
    row = rows.with_session(rows.variant_row(model), session, stimulus, ())
    assert row.notes[:2] == list(session.retries)


def test_sound_with_a_gap_is_played_again_and_never_judged(measured, tmp_path):
    class LateHost(BoardInRoom):
        gaps = 0

        def listen(self, sound) -> None:
            super().listen(sound)
            if not self.gaps:
                self.gaps += 1
                raise SoundGap("the sound has a gap")

    measured(LateHost(STORE, Room()), BENCH)
    session = read_session(tmp_path)
    assert session.retries == ("measurement: retry 1 of 2 after acoustic: the sound has a gap",)
    assert list(session.transcripts)[2:] == ["conformance, failed attempt 1", "listening, failed attempt 1"]


def test_missing_board_is_given_up_after_two_retries(measured):
    failures = ["open"] * 5
    with pytest.raises(BoardNotFound):
        measured(Vanishing(failures))
    assert len(failures) == 2


def test_protocol_failure_is_not_retried(measured):
    class Confused(EmulatedBoard):
        opened = 0

        def open(self, transcript: Path):
            self.opened += 1
            raise ProtocolError("the board runs another image")

    board = Confused(STORE)
    with pytest.raises(ProtocolError):
        measured(board)
    assert board.opened == 1


def test_sound_ends_when_the_board_vanishes(measured):
    """Else a retry would talk to a speaker that still plays the first attempt."""

    class Unplugged(BoardInRoom):
        over = False

        def listen(self, sound) -> None:
            for number, block in enumerate(sound):
                self.room.played.append(block)
                time.sleep(0.01)  # a speaker takes its time
                if number == 10:
                    self._link.close()
            self.over = True

    board = Unplugged(STORE, Room())
    with pytest.raises(ProtocolError):
        measured(board, BENCH)
    assert board.over
    assert rms_dbfs(np.concatenate(board.room.played)[20_000:]) < -100


def test_model_whose_board_gives_no_times_is_not_measured(recordings, stimulus, tmp_path_factory):
    class InEnergyMode(EmulatedBoard):
        """Like a device of the benchmark that sends no laps in energy mode."""

        def open(self, transcript: Path):
            device = super().open(transcript)
            infer = device.infer
            device.infer = lambda: replace(infer(), laps_us=())
            return device

    folder, deaf = tmp_path_factory.mktemp("deaf"), small_model(tmp_path_factory.mktemp("model"), 40)
    with InEnergyMode(STORE) as board:
        measure(board, build(deaf), deaf, recordings, stimulus, folder)
    assert rows.misfit(deaf).endswith("(49 x 40) and cannot listen; its 40 inputs fit no front end")
    row = rows.with_session(rows.variant_row(deaf), read_session(folder), stimulus, ())
    assert row.stage_us == {}
    assert "The board gave no time for 300 of 300 inferences." in row.notes
    assert why_missing(row) == "not measured"
