"""Clips of missed words: the played sound and the board's features."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from harness.errors import UsageError
from harness.records.field_record import FieldRecord, FieldSegment, FieldStimulus, FieldVariant
from harness.records.record import BoardRow, ModelRow
from harness.report.pages.missed_words import GAP_ROWS, begins_s, missed_words, picture
from harness.runs.field.missed_clips import CLIPS, choose, write_clips
from harness.sound.conditions import Condition
from harness.sound.planning import make_plan
from harness.sound.playback_plan import PlanOptions
from harness.sound.scene import render
from models.data.features import micro_features
from models.data.front_ends import load_front_end
from models.data.wav import read_wav, write_wav
from models.errors import ModelError
from models.views import mel_of

LABELS = ["silence", "unknown", "yes", "no"]
WINDOW_S = 1.0
CONDITIONS = (Condition("near", snr_db=20.0), Condition("far", snr_db=5.0))


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """Three words under two conditions, a segment each."""
    folder = tmp_path_factory.mktemp("recordings")
    times_s = np.arange(16_000) / 16_000
    for number, word in enumerate(("yes", "no", "tree")):
        tone = 5000 * np.sin(2 * np.pi * (400 + 200 * number) * times_s) * (times_s > 0.3) * (times_s < 0.8)
        (folder / word).mkdir()
        write_wav(folder / word / "anna.wav", tone.astype(np.int16))
    return make_plan(folder, PlanOptions(conditions=CONDITIONS))


def record_of(plan, folder, *identities: str, missed=lambda row: True, **changes) -> FieldRecord:
    """A record in which the words selected by `missed` were missed."""
    variants = []
    for identity in identities:
        stimuli, segments = [], []
        for segment in plan.segments:
            log = f"transcripts/{identity}/segment-{segment.number:04d}.log"
            segments.append(
                FieldSegment(
                    number=segment.number, condition=segment.condition, audio_s=segment.duration_s,
                    keyword_free_s=1.0, samples_lost=0, records_lost=0, complete=True, wall_s=1.0,
                    transcript=log, clipped_samples=0, speech_dbfs=-20.0, snr_db=10.0, **changes,
                )
            )  # fmt: skip
            stimuli += [stimulus(segment, word, missed) for word in segment.words]
        variants.append(FieldVariant(identity, identity, LABELS, segments=segments, stimuli=stimuli))
    board = BoardRow("emulated", "test", "A board", 64_000_000, "modeled cycles", 1, 1)
    return FieldRecord({}, {}, {}, board, {}, [], [], [], variants, threshold=None, window_s=WINDOW_S)


def stimulus(segment, word, missed) -> FieldStimulus:
    label = word.word if word.word in LABELS else "unknown"
    row = FieldStimulus(
        segment=segment.number, condition=segment.condition, label=label,
        word=word.word, source=word.source, speaker=word.speaker, onset_s=word.onset_s, end_s=word.end_s,
        detected=None, score=None, detected_at_s=None, correct=False, delay_s=None, peak=10,
    )  # fmt: skip
    return row if missed(row) else replace(row, correct=True)


def model_row(front_end: str) -> ModelRow:
    return ModelRow("00", 1, "int8", None, None, {}, front_end=front_end)


def first_row(record: FieldRecord) -> FieldStimulus:
    return record.variants[0].stimuli[0]


def test_sound_is_the_played_word_with_half_a_second_around_it(plan, tmp_path):
    row = first_row(write_clips(plan, record_of(plan, tmp_path, "a"), tmp_path))
    samples, _ = read_wav(tmp_path / row.clip)
    played = render(plan, plan.segments[0]).samples
    begin, end = round(16_000 * begins_s(row)), round(16_000 * (row.end_s + 0.5))
    np.testing.assert_array_equal(samples, played[begin:end])
    assert 0.5 <= row.onset_s - begins_s(row) < 0.52


def test_features_are_those_of_a_front_end_without_reset(plan, tmp_path):
    row = first_row(write_clips(plan, record_of(plan, tmp_path, "a"), tmp_path))
    played = render(plan, plan.segments[0]).samples
    begin, end = round(16_000 * begins_s(row)), round(16_000 * (row.end_s + WINDOW_S))
    seen, first = played[begin:end], begin // 320
    running_on = micro_features(played)[first : first + (len(seen) - 480) // 320 + 1]
    assert (tmp_path / row.picture).read_bytes() == picture(mel_of(seen).values, running_on)
    assert not np.array_equal(running_on, micro_features(seen)), "the word does not tell them apart"


def test_a_word_is_drawn_with_the_features_of_each_variants_front_end(plan, tmp_path):
    record = record_of(plan, tmp_path, "a", "b", "c")
    others = [
        replace(one, model=model_row(name))
        for one, name in zip(record.variants[1:], ("mfcc", "log_mel"), strict=True)
    ]
    written = write_clips(plan, replace(record, variants=[record.variants[0], *others]), tmp_path)
    played = render(plan, plan.segments[0]).samples
    row = first_row(written)
    begin, end = round(16_000 * begins_s(row)), round(16_000 * (row.end_s + WINDOW_S))
    seen, first = played[begin:end], begin // 320
    for variant in written.variants:
        front_end = load_front_end(variant.front_end)
        part = front_end.slices(played)[first : first + (len(seen) - 480) // 320 + 1]
        drawn = (tmp_path / variant.stimuli[0].picture).read_bytes()
        apart = variant.front_end == "mfcc"
        assert drawn == picture(mel_of(seen).values, front_end.window(part), apart)
    assert len({one.stimuli[0].picture for one in written.variants}) == 3
    assert len({one.stimuli[0].clip for one in written.variants}) == 1
    (word,) = missed_words(written.variants, tmp_path)[:1]
    assert [name for name, _ in word.pictures] == ["micro", "mfcc", "log_mel"]


def test_coefficients_are_drawn_as_high_as_the_spectrogram():
    levels = np.full((20, 40), -80.0, np.float32)
    pixels = imread(io.BytesIO(picture(levels, np.arange(100, dtype=np.uint16).reshape(10, 10))))
    assert pixels.shape == (2 * 40 + GAP_ROWS, 20, 4)


def test_word_missed_by_two_variants_is_cut_out_once(plan, tmp_path):
    first, second = write_clips(plan, record_of(plan, tmp_path, "a", "b"), tmp_path).variants
    assert [row.clip for row in first.stimuli] == [row.clip for row in second.stimuli]
    files = sorted(path.suffix for path in (tmp_path / CLIPS).iterdir())
    assert files == [".png"] * 6 + [".wav"] * 6


def test_only_counted_and_missed_words_are_cut_out(plan, tmp_path):
    record = record_of(plan, tmp_path, "a", missed=lambda row: row.word == "no")
    variant = record.variants[0]
    rows = [replace(row, excluded="lost" if row.condition == "far" else "") for row in variant.stimuli]
    written = write_clips(plan, replace(record, variants=[replace(variant, stimuli=rows)]), tmp_path)
    assert [(row.word, row.condition) for row in written.variants[0].stimuli if row.clip] == [("no", "near")]
    assert len(list((tmp_path / CLIPS).glob("*.wav"))) == 1


def test_limit_is_dealt_to_every_kind(plan, tmp_path):
    record = record_of(plan, tmp_path, "a")
    assert {(row.condition, row.label) for row in choose(record, 6)} == {
        (condition.name, label) for condition in CONDITIONS for label in ("yes", "no", "unknown")
    }
    variant = record.variants[0]
    crowd = [replace(row, onset_s=row.onset_s + turn) for turn in range(50) for row in variant.stimuli[:1]]
    crowded = replace(record, variants=[replace(variant, stimuli=[*crowd, *variant.stimuli[1:]])])
    assert len({(row.condition, row.label) for row in choose(crowded, 6)}) == 6


def test_no_misses_no_files(plan, tmp_path):
    record = record_of(plan, tmp_path, "a", missed=lambda row: False)
    assert write_clips(plan, record, tmp_path) == record
    assert not list((tmp_path / CLIPS).iterdir())


def test_word_at_either_end_of_its_segment_has_a_shorter_clip(plan, tmp_path):
    record = record_of(plan, tmp_path, "a")
    variant, end_s = record.variants[0], plan.segments[0].duration_s
    early = replace(variant.stimuli[0], onset_s=0.1, end_s=0.4)
    late = replace(variant.stimuli[1], onset_s=end_s - 0.3, end_s=end_s)
    ends = replace(record, variants=[replace(variant, stimuli=[early, late])])
    rows = write_clips(plan, ends, tmp_path).variants[0].stimuli
    lengths = [len(read_wav(tmp_path / row.clip)[0]) / 16_000 for row in rows]
    assert lengths == [pytest.approx(0.9), pytest.approx(0.8, abs=0.02)]
    assert all((tmp_path / row.picture).stat().st_size for row in rows)


def test_missing_recording_is_named(plan, tmp_path):
    elsewhere = replace(plan, folder=tmp_path / "gone")
    with pytest.raises((UsageError, ModelError), match=r"anna\.wav"):
        write_clips(elsewhere, record_of(plan, tmp_path, "a"), tmp_path)


def test_picture_has_low_frequencies_at_the_bottom_and_a_gap_between_its_parts():
    mel, micro = np.full((20, 40), -80.0, np.float32), np.zeros((10, 40), np.uint16)
    mel[:, 0], micro[:, 0] = 0.0, 600
    pixels = imread(io.BytesIO(picture(mel, micro)))
    assert pixels.shape == (2 * 40 + GAP_ROWS, 20, 4)
    brightness = pixels[..., :3].sum(axis=2).mean(axis=1)
    assert {int(row) for row in np.argsort(brightness)[-2:]} == {39, 2 * 40 + GAP_ROWS - 1}
    assert (pixels[40 : 40 + GAP_ROWS, :, 3] == 0).all()


def test_a_word_of_a_segment_that_the_plan_does_not_have_is_refused(plan, tmp_path):
    record = record_of(plan, tmp_path, "a")
    elsewhere = [replace(row, segment=9) for row in record.variants[0].stimuli]
    with pytest.raises(UsageError, match="no segment 9"):
        write_clips(
            plan, replace(record, variants=[replace(record.variants[0], stimuli=elsewhere)]), tmp_path
        )
