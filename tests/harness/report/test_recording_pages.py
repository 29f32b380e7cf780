from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from html_page import Page, plain
from samples import sample_record

from harness.recording_views import Facts, Glance, Look
from harness.records.record import StimulusRow
from harness.report.pages.recording import render_recording
from harness.report.pages.recording_plots import ALL_VIEWS
from harness.report.pages.recordings import outcomes, render_recordings
from models.views import mel_of, micro_of, views_of, waveform_of

NAMES = ("waveform", "spectrum", "spectrogram", "mel", "mfcc", "micro")
FACTS = Facts(
    name="yes/a.wav",
    word="yes",
    label="yes",
    source="a speaker",
    sha256="ab" * 32,
    reading="mean of 2 channels",
    samples=16_000,
    peak=0.5,
    rms_dbfs=-20.0,
    clipped=0,
    active_s=(0.2, 0.8),
    feature_crc=0x1234,
)


def sound(seconds=1.0, seed=0):
    samples = np.random.default_rng(seed).normal(0, 3000, round(16_000 * seconds))
    return samples.clip(-32768, 32767).astype(np.int16)


def look_at(samples, facts=FACTS) -> Look:
    return Look(replace(facts, samples=len(samples)), views_of(samples), samples)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    seen = look_at(sound())
    return seen, render_recording(seen, b"RIFF", tmp_path_factory.mktemp("views"))


def test_the_page_is_well_formed_and_self_contained(rendered):
    html = rendered[1].read_text()
    page = Page(html)
    page.check()
    assert set(NAMES) <= set(page.ids)
    assert page.tags.count("svg") == len(NAMES)
    assert "script" not in page.tags
    assert not re.search(r"#0101[0-9a-f]{2}", html), "a placeholder color is left"


def test_the_page_has_the_facts_and_the_parameters(rendered):
    text = plain(Page(rendered[1].read_text()).text)
    for fact in ("“yes”, 1.00 s", "−6.0 dBFS", "−20.0 dBFS", "0 samples", "mean of 2 channels", "ab" * 32):
        assert fact in text
    for parameter in ("window 30 ms every 10 ms", "40 mel bands 125 to 7,500 Hz", "512-point FFT"):
        assert parameter in text


def test_every_view_is_a_picture_and_a_csv(rendered):
    seen, page = rendered
    links = Page(page.read_text()).links
    for name in NAMES:
        assert {f"{name}.csv", f"{name}.svg"} <= links
        ElementTree.fromstring((page.parent / f"{name}.svg").read_text())
    micro = pd.read_csv(page.parent / "micro.csv")
    np.testing.assert_array_equal(micro.drop(columns="start_s").to_numpy(), seen.views.micro.values)
    assert micro["start_s"].tolist()[:3] == [0.005, 0.025, 0.045]
    mel = pd.read_csv(page.parent / "mel.csv")
    np.testing.assert_allclose(mel.drop(columns="start_s").to_numpy(), seen.views.mel.values, atol=6e-4)
    assert pd.read_csv(page.parent / "mfcc.csv").shape == (98, 14)


def test_plots_of_silence_say_so(tmp_path):
    silent = replace(FACTS, peak=0.0, rms_dbfs=-101.1, remarks=("Every <b>sample</b> is 0.",))
    text = render_recording(look_at(np.zeros(16_000, np.int16), silent), None, tmp_path).read_text()
    assert "Every &lt;b&gt;sample&lt;/b&gt; is 0." in text
    assert text.count("digital silence: ") == 3
    assert text.count("all coefficients are 0") == text.count("all features are 0") == 1
    assert "<audio" not in text


@pytest.mark.parametrize(("seconds", "filled"), [(3.0, False), (0.3, True)])
def test_the_input_of_a_model_is_marked(seconds, filled):
    micro = next(view for view in ALL_VIEWS if view.name == "micro")
    drawn = micro.plot(look_at(sound(seconds))).svg
    assert "49 slices, 40 channels: one input of a model" in drawn
    assert ("filled with zeros" in drawn) == filled


def glance(name: str, seed: int = 0) -> Glance:
    samples = sound(seed=seed)
    facts = replace(FACTS, name=name, word=name.split("/")[0])
    return Glance(facts, waveform_of(samples, 200), mel_of(samples), micro_of(samples))


def test_recordings_are_shown_with_their_detections(tmp_path):
    record = sample_record()
    sources = [row.source for row in record.variants[0].stimuli]
    path = render_recordings(record, [glance(source) for source in sources], tmp_path)
    page = Page(path.read_text())
    assert page.open == [] and page.links == {"report.html"}
    assert all(source in page.text for source in sources)
    assert page.tags.count("img") == 2 * len(sources)
    assert page.tags.count("svg") == len(sources)
    assert "✓" in page.text and "✗" in page.text
    assert path.stat().st_size < 100_000 * len(sources)


def test_variants_with_the_same_outcome_share_a_line():
    record = sample_record()
    word = StimulusRow("yes", "yes", "yes/a.wav", 2.0, 2.6, "yes", 210, 2.7, True)
    missed = replace(word, detected=None, score=None, detected_at_s=None, correct=False)
    variants = [
        replace(
            record.variants[0],
            id=f"variant-{index}",
            title=f"Variant {index}",
            stimuli=[missed if index == 3 else word],
        )
        for index in range(6)
    ]
    right, wrong = outcomes(replace(record, variants=variants), "yes/a.wav")
    assert (right.correct, right.detected, right.by) == (True, "“yes”", "5 of 6 variants")
    assert "Variant 5" in right.names
    assert (wrong.correct, wrong.detected, wrong.by) == (False, "missed", "Variant 3")
