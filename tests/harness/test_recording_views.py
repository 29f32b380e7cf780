from __future__ import annotations

import numpy as np
import pytest
import soundfile

from harness import recording_views
from harness.errors import UsageError
from harness.layout import RECORDINGS
from harness.recording_views import glances, look
from harness.sound.recordings import read_recordings
from models.data.features import feature_crc, micro_features
from models.errors import DatasetError
from models.store import Store, sha256_of


def write(path, samples, rate=16_000):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate)
    return path


def hum(seconds=1.0, level=0.3, rate=16_000):
    return level * np.sin(2 * np.pi * 300 * np.arange(round(seconds * rate)) / rate)


def test_facts_include_the_manifest_row_and_the_hash():
    path = RECORDINGS / "yes" / "andy.wav"
    seen = look(path)
    facts = seen.facts
    assert (facts.name, facts.word, facts.label) == ("yes/andy.wav", "yes", "yes")
    assert "espeak-ng" in facts.source
    assert facts.sha256 == sha256_of(path)
    assert facts.feature_crc == feature_crc(micro_features(seen.samples))
    assert not facts.remarks and not facts.reading
    assert 0 < facts.active_s[0] < facts.active_s[1] < facts.duration_s == 1


def test_a_hash_that_differs_from_the_manifest_is_a_remark(tmp_path):
    write(tmp_path / "yes" / "a.wav", hum())
    header = "path,label,word,source,license,sha256\n"
    (tmp_path / "manifest.csv").write_text(f"{header}yes/a.wav,yes,yes,me,mine,{'0' * 64}\n")
    facts = look(tmp_path / "yes" / "a.wav").facts
    assert facts.word == "yes"
    assert any("SHA-256 differs" in remark for remark in facts.remarks)


def test_a_broken_manifest_is_skipped(tmp_path):
    write(tmp_path / "a.wav", hum())
    (tmp_path / "manifest.csv").write_bytes(b"\xff\xfe path, label")
    assert look(tmp_path / "a.wav").facts.word == ""


def test_conversions_are_in_the_facts(tmp_path):
    sound = hum(seconds=2, rate=44_100)
    facts = look(write(tmp_path / "a.flac", np.stack([sound, sound], axis=1), 44_100)).facts
    assert "44,100 Hz" in facts.reading and "2 channels" in facts.reading
    assert facts.duration_s == pytest.approx(2, abs=1e-3)
    assert facts.peak == pytest.approx(0.3, abs=0.01)
    assert facts.rms_dbfs == pytest.approx(20 * np.log10(0.3 / np.sqrt(2)), abs=0.05)


@pytest.mark.parametrize(
    ("samples", "remark"),
    [
        (np.zeros(16_000), "Every sample is 0"),
        (hum(level=0.0005), "Very quiet: −69 dBFS"),
        (np.clip(hum(level=2.0), -1, 1), "Clipped samples"),
        (hum(seconds=0.4), "0.60 s of zeros"),
    ],
)
def test_remarks_name_problems(tmp_path, samples, remark):
    remarks = look(write(tmp_path / "a.wav", samples)).facts.remarks
    assert any(remark in one for one in remarks)


@pytest.mark.parametrize(
    ("name", "problem"), [("gone.wav", "not there"), (".", "folder"), ("click.wav", "30 ms")]
)
def test_a_file_without_views_is_a_usage_error_with_a_remedy(tmp_path, name, problem):
    write(tmp_path / "click.wav", hum(seconds=0.01))
    with pytest.raises(UsageError) as refused:
        look(tmp_path / name)
    assert problem in str(refused.value)
    assert refused.value.remedy


def test_a_file_that_is_no_sound_is_a_dataset_error(tmp_path):
    (tmp_path / "a.wav").write_text("not a sound")
    with pytest.raises(DatasetError, match=r"a\.wav"):
        look(tmp_path / "a.wav")


def test_numbers_are_cached(tmp_path, monkeypatch):
    folder = tmp_path / "mine"
    write(folder / "yes" / "a.wav", hum())
    write(folder / "no" / "b.wav", hum(seconds=2.5))
    write(folder / "no" / "click.wav", hum(seconds=0.01))
    recordings = read_recordings(folder, ()).recordings
    first = glances(folder, recordings, Store(tmp_path / "store"))

    def computed_again(*_: object) -> None:
        raise AssertionError("computed again")

    for name in ("waveform_of", "mel_of", "micro_of"):
        monkeypatch.setattr(recording_views.views, name, computed_again)
    again = glances(folder, recordings, Store(tmp_path / "store"))
    assert [glance.facts for glance in first] == [glance.facts for glance in again]
    assert [glance.facts.name for glance in again] == ["no/b.wav", "no/click.wav", "yes/a.wav"]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.waveform.high, other.waveform.high)
        if one.mel and one.micro:
            np.testing.assert_array_equal(one.mel.values, other.mel.values)
            assert other.micro.values.dtype == np.uint16
            assert (other.micro.first_s, other.mel.method) == (one.micro.first_s, one.mel.method)
    assert again[1].mel is None and again[1].micro is None


def test_a_changed_recording_is_computed_again(tmp_path):
    folder, store = tmp_path / "mine", Store(tmp_path / "store")
    write(folder / "yes" / "a.wav", hum())
    first = glances(folder, read_recordings(folder, ()).recordings, store)[0]
    write(folder / "yes" / "a.wav", hum(level=0.1))
    second = glances(folder, read_recordings(folder, ()).recordings, store)[0]
    assert second.waveform.high.max() < first.waveform.high.max() / 2
