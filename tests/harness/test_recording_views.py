from __future__ import annotations

import numpy as np
import pytest
import soundfile

from harness.errors import UsageError
from harness.layout import RECORDINGS
from harness.recording_views import glances, look
from harness.sound.recordings import Recording
from models.data.features import feature_crc, micro_features
from models.data.wav import read_wav
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


def test_small_views_of_a_folder(tmp_path):
    write(tmp_path / "yes" / "a.wav", hum())
    write(tmp_path / "no" / "click.wav", hum(seconds=0.01))
    played = [Recording("", "", name, read_wav(tmp_path / name)[0]) for name in ("no/click.wav", "yes/a.wav")]
    click, word = glances(tmp_path, played, Store(tmp_path / "store"))
    assert (click.facts.name, word.facts.name) == ("no/click.wav", "yes/a.wav")
    assert click.mel is None and click.micro is None
    assert len(word.waveform.high) == 200 and word.micro.values.dtype == np.uint16
