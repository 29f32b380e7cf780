from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_words import plan_of, put
from scipy.signal import fftconvolve

from harness.errors import UsageError
from harness.sound.conditions import NOISES, Condition
from harness.sound.playback_plan import PlaybackPlan
from harness.sound.scene import Scene, render, to_stimulus
from harness.sound.sound_files import digest_of
from models.data.wav import read_wav, write_wav

RATE_HZ = 16_000
QUIET = Condition("plain", background_dbfs=None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return put(tmp_path_factory.mktemp("recordings"), "yes/anna.wav", "no/anna.wav", "tree/bo.wav")


def scene_of(folder, condition: Condition, number: int = 1, **options) -> tuple[PlaybackPlan, Scene]:
    plan = plan_of(folder, condition, **options)
    return plan, render(plan, plan.segments[number - 1])


def active(plan: PlaybackPlan, samples: np.ndarray) -> np.ndarray:
    words = plan.segments[0].words
    return np.concatenate([samples[word.onset_sample : word.end_sample] for word in words]).astype(float)


def dbfs(samples: np.ndarray) -> float:
    return 20 * np.log10(np.sqrt(np.mean(samples**2)) / 32768)


def test_the_same_plan_gives_the_same_samples(folder):
    condition = Condition("all", snr_db=10.0, noise="babble", distance_m=2.0, rt60_s=0.2)
    (_, one), (_, other) = scene_of(folder, condition), scene_of(folder, condition)
    np.testing.assert_array_equal(one.samples, other.samples)


def test_without_a_level_the_words_are_played_as_recorded(folder):
    plan, scene = scene_of(folder, QUIET)
    for word in plan.segments[0].words:
        recorded, _ = read_wav(folder / word.source)
        np.testing.assert_array_equal(scene.samples[word.start_sample :][: len(recorded)], recorded)
    assert np.count_nonzero(scene.samples) == sum(
        np.count_nonzero(read_wav(folder / word.source)[0]) for word in plan.segments[0].words
    )


def test_words_that_were_cut_out_of_a_background_give_it_back(tmp_path):
    put(tmp_path, "yes/anna.wav", "no/anna.wav", "tree/bo.wav")
    plan, scene = scene_of(tmp_path, QUIET)
    hum = np.random.default_rng(1).integers(-900, 900, len(scene.samples)).astype(np.int16)
    write_wav(tmp_path / "live.wav", scene.samples + hum)
    words = []
    for number, word in enumerate(plan.segments[0].words):
        path = tmp_path / f"cut_{number}.wav"
        write_wav(path, (scene.samples + hum)[word.start_sample : word.end_sample + 500])
        words.append(replace(word, source=path.name, sha256=digest_of(path)))
    recorded = replace(
        plan.segments[0],
        words=tuple(words),
        background="live.wav",
        background_sha256=digest_of(tmp_path / "live.wav"),
    )
    found = render(replace(plan, segments=(recorded,)), recorded)
    np.testing.assert_array_equal(found.samples, scene.samples + hum)
    assert found.speech_dbfs == pytest.approx(dbfs(active(plan, found.samples)), abs=0.01)
    assert found.snr_db is None


@given(level_dbfs=st.floats(-50.0, -10.0), gain_db=st.floats(-10.0, 6.0))
@settings(max_examples=15)
def test_every_word_has_the_requested_level_and_the_gain(folder, level_dbfs, gain_db):
    plan, scene = scene_of(folder, replace(QUIET, level_dbfs=level_dbfs, gain_db=gain_db))
    for word in plan.segments[0].words:
        found_dbfs = dbfs(scene.samples[word.onset_sample : word.end_sample].astype(float))
        assert found_dbfs == pytest.approx(level_dbfs + gain_db, abs=0.1)
    assert scene.speech_dbfs == pytest.approx(level_dbfs + gain_db, abs=0.01)
    assert scene.clipped_samples == 0


def test_reverberation_follows_a_word_and_leaves_its_level(folder):
    plan, dry = scene_of(folder, QUIET)
    _, wet = scene_of(folder, replace(QUIET, level_dbfs=-30.0, distance_m=3.0, rt60_s=0.3))
    for word in plan.segments[0].words:
        found_dbfs = dbfs(wet.samples[word.onset_sample : word.end_sample].astype(float))
        assert found_dbfs == pytest.approx(-30.0, abs=0.1)
        behind = slice(word.end_sample + 800, word.end_sample + 2400)
        assert not dry.samples[behind].any()
        assert dbfs(wet.samples[behind].astype(float)) > -70


@pytest.mark.parametrize("kind", NOISES)
@given(snr_db=st.floats(0.0, 40.0), level_dbfs=st.none() | st.floats(-30.0, -20.0))
@settings(max_examples=3)
def test_noise_has_the_requested_snr(folder, kind, snr_db, level_dbfs):
    """The noise is the difference from the same words without it."""
    loud = replace(QUIET, level_dbfs=level_dbfs)
    plan, noisy = scene_of(folder, replace(loud, snr_db=snr_db, noise=kind))
    _, clean = scene_of(folder, loud)
    added = active(plan, noisy.samples.astype(int) - clean.samples)
    assert noisy.clipped_samples == 0
    assert dbfs(active(plan, clean.samples)) - dbfs(added) == pytest.approx(snr_db, abs=0.1)
    assert noisy.snr_db == pytest.approx(snr_db, abs=0.01)


def test_a_noise_file_is_played_as_noise(folder, tmp_path):
    fan = np.random.default_rng(0).normal(0, 0.05, 3 * RATE_HZ)
    soundfile.write(tmp_path / "fan.wav", fan, RATE_HZ, subtype="PCM_16")
    _, scene = scene_of(folder, Condition("fan", snr_db=10.0, noise=str(tmp_path / "fan.wav")))
    assert scene.snr_db == pytest.approx(10.0, abs=0.01)
    piece = scene.samples[RATE_HZ : RATE_HZ + 4000].astype(float)
    correlation = np.correlate(fan, piece, "valid") / np.linalg.norm(piece) / np.linalg.norm(fan[:4000])
    assert correlation.max() > 0.9


def test_how_a_noise_file_is_read_is_noted(folder, tmp_path):
    fan = np.random.default_rng(0).normal(0, 0.05, 3 * RATE_HZ)
    soundfile.write(tmp_path / "fan.wav", np.stack([fan, -fan], 1), RATE_HZ, subtype="PCM_16")
    noise = replace(QUIET, noise=str(tmp_path / "fan.wav"))
    plan, scene = scene_of(folder, replace(noise, snr_db=10.0))
    assert scene.snr_db == pytest.approx(10.0, abs=0.01)
    assert [note.partition(": ")[2] for note in plan.notes] == [
        "channel 1 of 2, because the channels cancel each other"
    ]


def test_noise_and_background_together_have_the_snr(folder):
    background_dbfs = -45.0
    alone = Condition("plain", level_dbfs=-30.0, background_dbfs=background_dbfs)
    _, scene = scene_of(folder, replace(alone, snr_db=12.0, noise="pink"))
    assert scene.snr_db == pytest.approx(12.0, abs=0.01)
    assert scene.noise_dbfs == pytest.approx(-42.0, abs=0.01)


def test_a_background_too_loud_for_the_snr_is_refused(folder):
    with pytest.raises(
        UsageError, match=r"background alone is too loud .*-29\.9 dBFS, but .* -40\.0"
    ) as refusal:
        scene_of(folder, Condition("a", level_dbfs=-20.0, snr_db=20.0, background_dbfs=-30.0))
    assert 'condition "a", segment 1' in refusal.value.where


def test_a_silent_noise_file_is_refused(folder, tmp_path):
    soundfile.write(tmp_path / "zeros.wav", np.zeros(RATE_HZ * 2), RATE_HZ, subtype="PCM_16")
    with pytest.raises(UsageError, match="noise is silent"):
        scene_of(folder, replace(QUIET, snr_db=10.0, noise=str(tmp_path / "zeros.wav")))


def test_samples_beyond_int16_are_clipped_and_counted(folder):
    plan, scene = scene_of(folder, replace(QUIET, level_dbfs=-6.0, gain_db=6.0))
    exceeding = active(plan, np.abs(scene.samples.astype(int)) >= 32767).sum()
    assert scene.samples.max() == 32767
    assert scene.clipped_samples == pytest.approx(exceeding, abs=10)
    assert scene.clipped_samples > 1000


@pytest.mark.parametrize("level_dbfs", [None, -30.0])
def test_keyword_free_audio_has_the_noise_of_its_condition(folder, level_dbfs):
    condition = Condition("a", level_dbfs=level_dbfs, snr_db=6.0, noise="pink", gain_db=3.0)
    _, spoken = scene_of(folder, condition, keyword_free_s=20.0)
    _, free = scene_of(folder, condition, number=2, keyword_free_s=20.0)
    assert free.noise_dbfs == pytest.approx(spoken.noise_dbfs, abs=0.01)
    assert dbfs(free.samples.astype(float)) == pytest.approx(spoken.noise_dbfs, abs=0.1)
    assert (free.speech_dbfs, free.snr_db) == (None, None)


def test_generated_keyword_free_audio_has_many_levels(folder):
    _, free = scene_of(folder, QUIET, number=2, keyword_free_s=120.0)
    seconds = free.samples.reshape(120, RATE_HZ).astype(float)
    levels_dbfs = np.sort([dbfs(second) for second in seconds])
    assert levels_dbfs[-1] - levels_dbfs[0] > 10
    assert levels_dbfs[10] > -56
    assert levels_dbfs[-1] < -19
    assert free.clipped_samples == 0


def test_generated_keyword_free_audio_holds_no_recording_forwards(tmp_path):
    put(tmp_path, "yes/1.wav")
    rising = (np.arange(16000) * np.random.default_rng(0).normal(0, 0.2, 16000)).astype(np.int16)
    write_wav(tmp_path / "yes" / "1.wav", rising)
    _, free = scene_of(tmp_path, QUIET, number=2, keyword_free_s=120.0)
    sound = free.samples.astype(float)
    likeness = [np.abs(fftconvolve(sound, piece, "valid")).max() for piece in (rising[::-1], rising)]
    assert likeness[0] < 0.5 * likeness[1]  # the first is the correlation with the recording


def test_a_keyword_free_file_is_played_from_the_planned_sample(folder, tmp_path):
    talk = np.random.default_rng(0).normal(0, 0.05, 30 * RATE_HZ)
    soundfile.write(tmp_path / "talk.wav", talk, RATE_HZ, subtype="PCM_16")
    options = {"keyword_free": tmp_path / "talk.wav", "segment_s": 15.0}
    _, scene = scene_of(folder, QUIET, number=3, **options)
    np.testing.assert_array_equal(scene.samples, read_wav(tmp_path / "talk.wav")[0][15 * RATE_HZ :])


@pytest.mark.parametrize("role", ["noise", "keyword-free"])
def test_a_changed_file_is_refused_by_name(folder, tmp_path, role):
    def write(seconds: int) -> None:
        samples = np.random.default_rng(0).normal(0, 0.05, seconds * RATE_HZ)
        soundfile.write(tmp_path / "fan.wav", samples, RATE_HZ, subtype="PCM_16")

    write(20)
    if role == "noise":
        plan = plan_of(folder, replace(QUIET, snr_db=10.0, noise=str(tmp_path / "fan.wav")))
    else:
        plan = plan_of(folder, QUIET, keyword_free=tmp_path / "fan.wav")
    write(21)
    with pytest.raises(UsageError, match=r"sha256 differs.*fan\.wav"):
        render(plan, plan.segments[-1])


def test_an_snr_without_any_word_is_refused(tmp_path):
    put(tmp_path, "silence/1.wav")
    with pytest.raises(UsageError, match="an SNR needs a spoken word or a level") as refusal:
        scene_of(tmp_path, Condition("a", snr_db=10.0))
    assert "level" in refusal.value.remedy


def test_a_recording_of_silence_keeps_its_level(tmp_path):
    put(tmp_path, "silence/1.wav", level=300.0)
    put(tmp_path, "yes/1.wav", level=301.0)
    plan, scene = scene_of(tmp_path, replace(QUIET, level_dbfs=-20.0))
    (silence,) = [word for word in plan.segments[0].words if word.word == "silence"]
    recorded, _ = read_wav(tmp_path / "silence" / "1.wav")
    np.testing.assert_array_equal(scene.samples[silence.start_sample :][:16000], recorded)
    assert scene.speech_dbfs == pytest.approx(-20.0, abs=0.01)


def test_a_stimulus_has_the_labels_of_a_model(folder):
    plan, scene = scene_of(folder, Condition("plain"))
    stimulus = to_stimulus(scene, plan.segments[0], ("silence", "unknown", "Yes"))
    assert stimulus.samples is scene.samples
    assert [(word.label, word.onset_s, word.end_s) for word in stimulus.words] == [
        ("Yes" if word.word == "yes" else "unknown", word.onset_s, word.end_s)
        for word in plan.segments[0].words
    ]
