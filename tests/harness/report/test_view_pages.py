"""The pages of recordings: well-formed, whole in themselves, the same bytes every time, nothing left out."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from sample_night import sample_record

from harness.records.record import StimulusRow
from harness.report.recordings import outcomes, render_recordings
from harness.report.view_data import Facts, Glance, Times
from harness.report.view_plots import ALL_VIEWS
from harness.report.views import render_views, sentences
from models.views import mel_of, micro_of, views_of, waveform_of

NAMES = ("waveform", "spectrum", "spectrogram", "mel", "mfcc", "micro")
HOSTILE = '</script><img src=x onerror="alert(1)">&.wav'
FACTS = Facts(
    name="yes/a.wav",
    word="yes",
    label="yes",
    source="a speaker",
    sha256="ab" * 32,
    reading="mean of 2 channels",
    samples=16_000,
    duration_s=1.0,
    peak=0.5,
    rms_dbfs=-20.0,
    clipped=0,
    active_s=(0.2, 0.8),
    feature_crc=0x1234,
)
TIMES = Times(1.0, (0.2, 0.8), (0.005, 0.985))


class Page(HTMLParser):
    """Checks that every element is closed by its own end, and gathers ids, texts and what is loaded."""

    VOID = frozenset({"meta", "br", "img", "link", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.sources: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.handle_startendtag(tag, attributes)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        values = dict(attributes)
        self.ids += [values["id"]] if "id" in values else []
        self.sources += [values["src"]] if "src" in values else []
        if "href" in values:
            (self.links if tag == "a" else self.sources).append(values["href"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


def sound(seconds=1.0, seed=0):
    samples = np.random.default_rng(seed).normal(0, 3000, round(16_000 * seconds))
    return samples.clip(-32768, 32767).astype(np.int16)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    views = views_of(sound())
    return views, render_views(FACTS, views, TIMES, b"RIFF", folder)


def test_the_page_is_well_formed_and_whole_in_itself(rendered):
    page = Page(rendered[1].read_text())
    assert len(page.ids) == len(set(page.ids))
    assert set(NAMES) <= set(page.ids)
    assert page.tags.count("svg") == len(NAMES)
    assert all(source.startswith(("data:", "#")) for source in page.sources)
    assert "script" not in page.tags
    assert not re.search(r"(?:src|href)=.https?:", rendered[1].read_text())


def test_every_picture_and_number_is_a_file_that_the_page_links_to(rendered):
    page = Page(rendered[1].read_text())
    for name in NAMES:
        for suffix in ("csv", "png", "svg"):
            assert f"{name}.{suffix}" in page.links
            assert (rendered[1].parent / f"{name}.{suffix}").stat().st_size > 100


def test_the_facts_and_the_parameters_stand_on_the_page(rendered):
    text = Page(rendered[1].read_text()).text
    for fact in ("“yes”, 1.00", "−6.0", "−20.0", "nothing is clipped", "mean of 2 channels", "ab" * 32):
        assert fact in text
    for parameter in (
        "window 30 ms every 10 ms",
        "40 mel bands 125 to 7,500 Hz",
        "512-point FFT",
        "49 slices",
    ):
        assert parameter in text


def test_the_page_sets_every_color_of_its_plots(rendered):
    assert not re.search(r"#0101\d\d|#010[234]\d\d", rendered[1].read_text())


def test_a_file_has_real_colors_and_is_not_blank(rendered):
    for name in NAMES:
        svg = (rendered[1].parent / f"{name}.svg").read_text()
        ElementTree.fromstring(svg)
        assert not re.search(r"#0101\d\d|#010[234]\d\d", svg)
        pixels = imread(io.BytesIO((rendered[1].parent / f"{name}.png").read_bytes()))
        assert pixels[0, 0, :3].tolist() == [1, 1, 1]
        assert pixels[..., :3].std() > 0.02


def test_the_csv_files_hold_the_numbers(rendered):
    views, page = rendered
    micro = pd.read_csv(page.parent / "micro.csv")
    np.testing.assert_array_equal(micro.drop(columns="start_s").to_numpy(), views.micro.values)
    assert micro["start_s"].tolist()[:3] == [0.005, 0.025, 0.045]
    mel = pd.read_csv(page.parent / "mel.csv")
    np.testing.assert_allclose(mel.drop(columns="start_s").to_numpy(), views.mel.values, atol=6e-4)
    spectrum = pd.read_csv(page.parent / "spectrum.csv")
    np.testing.assert_allclose(spectrum["dbfs"], views.spectrum.dbfs, atol=6e-3)
    assert pd.read_csv(page.parent / "mfcc.csv").shape == (98, 14)


def test_the_same_recording_gives_the_same_bytes(rendered, tmp_path):
    render_views(FACTS, rendered[0], TIMES, b"RIFF", tmp_path)
    for path in rendered[1].parent.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def test_silence_is_said_in_every_plot_that_would_show_nothing(tmp_path):
    silent = replace(FACTS, peak=0.0, rms_dbfs=-101.1, remarks=("Every sample is 0: try again.",))
    page = render_views(silent, views_of(np.zeros(16_000, np.int16)), TIMES, None, tmp_path)
    text = page.read_text()
    assert "Every sample is 0: try again." in text and "Digital silence from beginning to end." in text
    assert text.count("digital silence: ") == 3
    assert text.count("all coefficients are 0") == text.count("all features are 0") == 1
    assert "<audio" not in text


def test_where_the_window_of_the_model_ends_is_marked_in_a_longer_recording():
    drawn = micro_plot(3.0)
    assert "49 slices, 40 channels: one input of a model" in drawn
    assert "filled with zeros" not in drawn


def test_zeros_after_a_short_recording_are_named():
    assert "filled with zeros" in micro_plot(0.3)


def micro_plot(seconds: float) -> str:
    micro = next(view for view in ALL_VIEWS if view.name == "micro")
    times = Times(seconds, (0.0, seconds), TIMES.model_s)
    return micro.plot(views_of(sound(seconds)), times).svgs[0]


def test_a_hostile_name_stays_text(tmp_path):
    facts = replace(FACTS, name=HOSTILE, word="", remarks=(HOSTILE,))
    page = Page(render_views(facts, views_of(sound()), TIMES, None, tmp_path).read_text())
    assert HOSTILE in page.text
    assert "img" not in page.tags


def test_one_clipped_sample_is_singular():
    assert "; 1 sample clipped." in sentences(replace(FACTS, clipped=1))


def glance(name: str, seed: int = 0) -> Glance:
    samples = sound(seed=seed)
    facts = replace(FACTS, name=name, word=name.split("/")[0])
    return Glance(facts, waveform_of(samples, 200), mel_of(samples), micro_of(samples))


def test_a_night_shows_every_recording_with_what_was_heard(tmp_path):
    record = sample_record()
    sources = [row.source for row in record.variants[0].stimuli]
    page = render_recordings(record, [glance(source) for source in sources], tmp_path)
    seen = Page(page.read_text())
    for source in sources:
        assert source in seen.text
    assert seen.tags.count("img") == 2 * len(sources)
    assert seen.tags.count("svg") == len(sources)
    assert all(source.startswith("data:image/png;base64,") for source in seen.sources)
    assert seen.links == ["report.html"]
    assert "✓" in seen.text and "✗" in seen.text


def test_thirty_three_recordings_are_a_small_page(tmp_path):
    lines = [glance(f"yes/{index}.wav", seed=index) for index in range(33)]
    assert render_recordings(sample_record(), lines, tmp_path).stat().st_size < 3_000_000


def test_a_recording_too_short_for_a_view_says_so(tmp_path):
    short = replace(glance("yes/a.wav"), mel=None, micro=None)
    assert "too short" in Page(render_recordings(sample_record(), [short], tmp_path).read_text()).text


def test_variants_that_made_the_same_of_a_recording_stand_together():
    record = sample_record()
    word = StimulusRow("yes", "yes", "yes/a.wav", 2.0, 2.6, "yes", 210, 2.7, True)
    missed = replace(word, detected=None, score=None, detected_at_s=None, correct=False)
    variants = [
        replace(
            record.variants[0],
            id=str(index),
            title=f"Variant {index}",
            stimuli=[missed if index == 3 else word],
        )
        for index in range(6)
    ]
    right, wrong = outcomes(replace(record, variants=variants), "yes/a.wav")
    assert (right.correct, right.heard, right.by) == (True, "“yes”", "5 of 6 variants")
    assert "Variant 5" in right.names
    assert (wrong.correct, wrong.heard, wrong.by) == (False, "missed", "Variant 3")


def test_a_recording_that_was_not_played_says_so(tmp_path):
    text = Page(render_recordings(sample_record(), [glance("never/played.wav")], tmp_path).read_text()).text
    assert "not played" in text
