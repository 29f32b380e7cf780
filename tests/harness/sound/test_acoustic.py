"""The verdict on what a board heard of a chirp, and where that places a sound on the board's clock."""

from __future__ import annotations

import re

import numpy as np
import pytest
import soxr

from harness.bench_file import SpeakerEntry, Thresholds
from harness.errors import AcousticFailed
from harness.link.events import Inference, Loss, Overrun, Pcm
from harness.sound.acoustic import Qualification, align
from harness.sound.chirp import chirp

RATE_HZ = 16_000
SPEAKER = SpeakerEntry(device="pulse", silence_s=0.5)
SOUND = np.arange(1, 5001, dtype=np.int16)


def echo(gain: float = 0.3, noise: float = 20.0, start: int = 30_000, length: int = 60_000) -> np.ndarray:
    sound = np.random.default_rng(2).standard_normal(length) * noise
    sound[start : start + 8000] += gain * chirp()
    return np.clip(np.rint(sound), -32_768, 32_767).astype(np.int16)


def times(samples: int, rate_hz: float = RATE_HZ, late_ms: float = 0.0) -> list[tuple[int, int]]:
    """As a board tells them: 64 samples a record, of which a buffer of 256 is handed over at once."""
    rng = np.random.default_rng(0)
    return [
        (end, round(-(-end // 256) * 256 / rate_hz * 1000 + late_ms + rng.integers(0, 3)))
        for end in range(64, samples + 1, 64)
    ]


def records(samples: np.ndarray, count: int | None = None) -> list[Pcm]:
    found = []
    for number, (end, ms) in enumerate(times(len(samples))):
        found.append(Pcm(0.0, number, ms, end - 64, samples[end - 64 : end].astype("<i2").tobytes()))
    return found[:count]


def refusal(samples: np.ndarray, thresholds: Thresholds | None = None) -> str:
    with pytest.raises(AcousticFailed, match="acoustic path is not usable") as problem:
        align(samples, times(len(samples)), thresholds or Thresholds())
    assert problem.value.remedy
    return str(problem.value)


@pytest.mark.parametrize("late_ms", [0, 140])
def test_the_chirp_is_placed_on_the_clock_of_the_board(late_ms):
    _, starts_s = align(echo(), times(60_000, late_ms=late_ms), Thresholds())
    assert starts_s == pytest.approx(30_000 / RATE_HZ + late_ms / 1000, abs=0.003)


def test_a_microphone_that_is_fast_does_not_shift_the_time():
    heard = np.rint(soxr.resample(echo().astype(float), RATE_HZ, 16_125)).astype(np.int16)
    _, starts_s = align(heard, times(len(heard), 16_125), Thresholds())
    assert starts_s == pytest.approx(30_000 / RATE_HZ, abs=0.003)


def test_samples_lost_before_the_chirp_do_not_shift_it():
    """The board's count of samples lacks them, its clock does not."""
    lost = 4000
    told = [(end - lost if end > 20_000 else end, ms) for end, ms in times(60_000)]
    heard = np.concatenate((echo()[:16_000], echo()[20_000:]))
    _, starts_s = align(heard, told, Thresholds())
    assert starts_s == pytest.approx(30_000 / RATE_HZ, abs=0.003)


@pytest.mark.parametrize(
    ("samples", "cause"),
    [
        (echo(gain=0), r"the chirp was not found \(.*dBFS in the chirp's band.*loudspeaker on, unmute it"),
        (np.zeros(60_000, np.int16), "microphone delivers nothing"),
        (echo(gain=0, noise=3000), "too noisy"),
        (echo(gain=0, noise=60_000), "overloaded"),
        (echo(gain=8.0), "too loud.*dB above the noise.*samples clipped"),
        (echo(gain=0.01, noise=1), "too quiet"),
        (echo(gain=0.03, noise=100), "too quiet"),
        (echo(gain=0.5, noise=2000), "the room is too noisy"),
    ],
)
def test_a_bad_path_is_refused_by_its_cause(samples, cause):
    assert re.search(cause, refusal(samples))


@pytest.mark.parametrize(
    "thresholds",
    [Thresholds(chirp_snr_db=40), Thresholds(chirp_min_dbfs=-25), Thresholds(chirp_max_dbfs=-35)],
)
def test_the_thresholds_of_the_bench_decide(thresholds):
    refusal(echo(), thresholds)


def heard_echo(qualification: Qualification, start: int = 20_000) -> np.ndarray:
    return echo(start=start, length=qualification.echo_samples // 64 * 64)


def play_until_verdict(qualification: Qualification, events: list) -> list[np.ndarray]:
    """What is played when the events come in after 5 blocks of waiting."""
    played = []
    for block in qualification.blocks():
        played.append(block)
        if len(played) == 7:  # quiet, chirp, 5 blocks of silence
            for event in events:
                qualification.take(event)
    return played


def test_the_sound_follows_the_verdict():
    qualification = Qualification(SOUND, SPEAKER, Thresholds())
    events = [*records(heard_echo(qualification)), Inference(0, 0, 5000, 1, 1, 1, 1, (0, 0))]
    played = play_until_verdict(qualification, events)
    assert np.array_equal(np.concatenate(played[-4:]), SOUND)
    heard, sound_starts_s = qualification.result()
    between = sum(len(block) for block in played[1:-4])
    assert sound_starts_s == pytest.approx((20_000 + between) / RATE_HZ, abs=0.003)
    assert heard.level_dbfs == pytest.approx(-30.5, abs=0.5)


def test_nothing_but_silence_and_the_chirp_is_played_before_the_verdict():
    qualification = Qualification(SOUND, SPEAKER, Thresholds())
    blocks = qualification.blocks()
    first = np.concatenate([next(blocks) for _ in range(40)])
    at = int(np.flatnonzero(first)[0])
    assert not np.delete(first, slice(at - 1, at + 8000)).any()


def test_the_sound_is_not_played_after_a_bad_verdict():
    qualification = Qualification(SOUND, SPEAKER, Thresholds())
    silent = records(np.zeros(qualification.echo_samples, np.int16))
    with pytest.raises(AcousticFailed, match="delivers nothing"):
        play_until_verdict(qualification, [*silent, Inference(0, 0, 5000, 1, 1, 1, 1, (0, 0))])
    with pytest.raises(AcousticFailed, match="delivers nothing"):
        qualification.result()


def test_a_record_that_is_lost_leaves_silence_and_is_counted():
    qualification = Qualification(SOUND, SPEAKER, Thresholds())
    events = records(heard_echo(qualification))
    missing = len(heard_echo(qualification)) - 64 * (len(events) - 3)
    del events[100], events[350], events[-1]
    events += [Loss(0, 3, "gap"), Inference(0, 0, 5000, 1, 1, 1, 1, (0, 0))]
    play_until_verdict(qualification, events)
    spare = qualification.echo_samples % 64
    assert qualification.echo_samples_lost == missing + spare
    assert qualification.result()[1] > 0


@pytest.mark.parametrize("event", [Loss(0, 1, "gap"), Overrun(0, 5, 100, 64)])
def test_what_happens_within_the_echo_does_not_end_it(event):
    qualification = Qualification(SOUND, SPEAKER, Thresholds())
    some = records(heard_echo(qualification), 50)
    for one in [*some, event]:
        qualification.take(one)
    blocks = qualification.blocks()
    assert not np.concatenate([next(blocks) for _ in range(20)])[20_000:].any()


def test_a_canceled_sound_ends_at_once_without_a_result():
    qualification = Qualification(SOUND, SPEAKER, Thresholds())
    blocks = qualification.blocks()
    [next(blocks) for _ in range(5)]
    qualification.cancel()
    assert list(blocks) == []
    with pytest.raises(AcousticFailed, match="sent nothing back"):
        qualification.result()


def test_a_board_that_sends_nothing_back_is_not_waited_for_forever(monkeypatch):
    monkeypatch.setattr("harness.sound.acoustic._VERDICT_S", -60.0)
    with pytest.raises(AcousticFailed, match="did not send back its microphone"):
        list(Qualification(SOUND, SPEAKER, Thresholds()).blocks())
