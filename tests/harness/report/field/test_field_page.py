"""The page of a field run: all that was asked for, the same in each file, nothing from outside."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from sample_field import (
    acoustic,
    command_mode,
    failed,
    heard_by,
    sample_field,
    slow,
    with_clips,
)

from harness.report.field import render_field, summary_text
from harness.report.field.page import MOST_ROWS, field_tables
from harness.report.field.plots import det_front
from harness.report.markdown import escaped
from harness.results.field_record import FieldRecord

HOSTILE = '</script><img src=x onerror="alert(1)">|a|`b`*c*'
CLIPS = 12


class Page(HTMLParser):
    """A page as its elements, texts and links; every element is closed by its own end."""

    VOID = frozenset({"meta", "br", "img", "link", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.open: list[str] = []
        self.ids: Counter[str] = Counter()
        self.tags: Counter[str] = Counter()
        self.links: list[str] = []
        self.sounds: list[str] = []
        self.loaded: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.handle_startendtag(tag, attributes)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        values = dict(attributes)
        self.tags[tag] += 1
        if "id" in values:
            self.ids[values["id"]] += 1
        if "src" in values:
            (self.sounds if tag == "audio" else self.loaded).append(values["src"])
        if "href" in values:
            self.links.append(values["href"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    def headline(self) -> str:
        found = re.search(r"<h1>(.*?)</h1>", self.source)
        assert found
        return found[1].replace("\u00a0", " ")


def everything() -> FieldRecord:
    record = sample_field()
    return replace(record, variants=[*record.variants, acoustic(), command_mode()])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Everything there can be, rendered."""
    made = tmp_path_factory.mktemp("field")
    render_field(with_clips(everything(), made, CLIPS), made)
    return made


@pytest.fixture(scope="module")
def page(folder):
    return Page((folder / "field.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    """The page of a variant that hears everything."""
    return rendered(only(quiet_variant()), tmp_path_factory.mktemp("quiet"))


def rendered(record: FieldRecord, folder) -> Page:
    return Page(render_field(record, folder).read_text(encoding="utf-8"))


def only(variant) -> FieldRecord:
    return replace(sample_field(), variants=[variant], excluded=[], notes=[])


def quiet_variant():
    """Hears everything, announces nothing else, loses nothing."""
    variant = heard_by("tinyconv-int8", "TinyConv, int8", 0.0, seed=1)
    stimuli = [
        replace(
            row, heard=row.label if row.label != "unknown" else None, correct=True, excluded="", cause="",
            delay_s=0.1 if row.label != "unknown" else None,
        )
        for row in variant.stimuli
    ]  # fmt: skip
    return replace(variant, stimuli=stimuli, false_accepts=[], notes=[])


# The page as a whole


def test_ids_are_unique_and_all_that_is_linked_to_is_there(page, folder):
    assert max(page.ids.values()) == 1
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids or re.search(rf'id="{re.escape(link[1:])}"', page.source)
        elif not link.endswith(".log"):  # the logs are the run's
            assert (folder / link).is_file(), link


def test_nothing_but_the_sounds_is_loaded(page, folder):
    assert all(source.startswith("data:image/png;base64,") for source in page.loaded)
    assert page.sounds and all((folder / sound).is_file() for sound in page.sounds)
    assert not re.search(r"(?:src|href)=.https?:|@import|url\(http", page.source)


def test_it_needs_no_javascript(page):
    assert "script" not in page.tags


def test_the_page_sets_every_colour_of_its_plots(page):
    assert not re.search(r"#0101\d\d|#010[234]\d\d", page.source)


def test_the_same_record_gives_the_same_bytes(folder, tmp_path):
    render_field(with_clips(everything(), tmp_path, CLIPS), tmp_path)
    for path in folder.iterdir():
        if path.is_file():
            assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def test_texts_of_others_stay_texts(tmp_path):
    record = only(replace(quiet_variant(), title=HOSTILE, notes=[HOSTILE]))
    found = rendered(replace(record, excluded=[{"source": HOSTILE, "reason": HOSTILE}]), tmp_path)
    assert HOSTILE in found.text
    assert "img" not in found.tags


# Figures in all three


def test_every_table_is_a_csv_with_the_same_figures(folder):
    for name, table in field_tables(with_clips(everything(), folder, CLIPS)).items():
        if len(table.frame):
            kept = pd.read_csv(folder / f"{name}.csv", keep_default_na=False, na_values=[""])
            assert list(kept.columns) == list(table.frame.columns), name
            assert len(kept) == len(table.frame), name
            for column in table.frame.columns:
                if pd.api.types.is_numeric_dtype(kept[column]) and kept[column].dtype != bool:
                    expected = table.frame[column].astype(float)
                    np.testing.assert_allclose(kept[column], expected, rtol=1e-12, err_msg=f"{name} {column}")


def test_every_table_is_in_the_markdown_with_the_same_texts(folder):
    sections = (folder / "field.md").read_text(encoding="utf-8").split("\n## ")[1:]
    tables = field_tables(with_clips(everything(), folder, CLIPS)).values()
    shown = [table for table in tables if len(table.frame)]
    assert len(sections) == len(shown)
    for section, table in zip(sections, shown, strict=True):
        columns, rows = table.shown()
        for row in rows[:50]:
            for column, cell in zip(columns, row, strict=True):
                if column.mark == "":
                    assert escaped(cell.text) in section, (table.name, cell.text)


def test_routes_never_share_a_table(folder):
    frames = {path.name: path.read_text() for path in folder.glob("*.csv")}
    through_air = pd.read_csv(folder / "acoustic-overview.csv")
    assert list(through_air["variant"]) == ["TinyConv, int8"]
    assert len(pd.read_csv(folder / "pcm-overview.csv")) == 2
    played = {name for name in frames if name.startswith(("pcm-", "acoustic-"))}
    assert {name.split("-", 1)[1] for name in played if name.startswith("acoustic")} >= {
        "labels.csv",
        "words.csv",
    }
    assert set(pd.read_csv(folder / "clip-words.csv")["source"]) >= {"yes/andy.wav"}


# What is said first


def test_the_verdict_comes_first_with_its_interval_and_the_drop(tmp_path):
    found = rendered(only(heard_by("tinyconv-int8", "TinyConv, int8", 0.0, seed=1)), tmp_path)
    assert found.headline().startswith(
        "TinyConv, int8 hears 58 of 71 keywords: 81.7 % (95 % interval 71.2 to 89.0 %)"
    )
    assert "points below the test set" in found.headline()


def test_a_variant_that_is_too_slow_is_said_to_be(page):
    assert re.search(
        r"TinyConv, float32 misses \d+ words only because it is too slow: with an inference every 20.0.ms it "
        r"would hear them; it makes one every 140.ms, and lost 32.0.ms of audio",
        page.text,
    )


def test_variants_that_are_fast_enough_are_said_to_be(quiet):
    assert "No word was missed only because a variant is too slow." in quiet.text


def test_no_false_accept_is_only_an_upper_bound(quiet):
    hours = (600 + 9 * 14) / 3600
    assert f"below {3 / hours:.1f}" in quiet.text
    assert "announced nothing" in quiet.text


def test_a_run_without_keywords_is_about_false_accepts(tmp_path):
    variant = replace(heard_by("a", "A", 0.0, seed=1), stimuli=[])
    assert (
        rendered(only(variant), tmp_path)
        .headline()
        .startswith("In 12.1 min without words A announced 2 keywords")
    )


def test_a_run_that_heard_nothing_says_so(tmp_path):
    found = rendered(only(failed()), tmp_path)
    assert found.headline() == "Nothing was heard on the emulated Cortex-M4F."
    assert "does-not-fit" in found.text


def test_a_run_that_was_interrupted_says_so(tmp_path):
    record = only(quiet_variant())
    cut = replace(record, run={name: value for name, value in record.run.items() if name != "ended"})
    assert "The run was interrupted" in rendered(cut, tmp_path).text


def test_the_terminal_gets_the_verdict_first():
    lines = summary_text(sample_field()).splitlines()
    assert lines[0].startswith("TinyConv, int8 hears 58 of 71 keywords")
    assert any("does-not-fit" in line for line in lines)


# Nothing is dropped in silence


def test_all_that_was_left_out_or_lost_is_listed(page):
    for text in (
        "no/cut.wav", "too short: 0.12 s", "2 records lost within its window", "cut off",
        "yes/loud.wav: 312 samples clipped", "the board lost audio twice",
    ):  # fmt: skip
        assert text in page.text


def test_that_nothing_was_left_out_is_said_too(quiet):
    assert "Nothing: every recording was played" in quiet.text


def test_words_that_are_left_out_are_in_no_rate(folder):
    overview = pd.read_csv(folder / "pcm-overview.csv").set_index("variant").loc["TinyConv, int8"]
    labels = pd.read_csv(folder / "pcm-labels.csv")
    played = labels[(labels["variant"] == "TinyConv, int8") & (labels["label"] != "all")]
    assert overview["left_out"] == 1
    assert played["played"].sum() == 9 * 10 - 1
    assert overview["keywords"] == 9 * 8 - 1


def test_unequal_scores_stand_out(tmp_path):
    text = rendered(only(slow()), tmp_path).source
    assert (
        '<tr class="bad">\n<td class="short">TinyConv, float32</td>\n<td class="figure">6,331 of 6,340'
        in text
    )


# Parts


def test_a_label_stands_beside_all_three_parts_of_the_data_set(folder):
    row = (
        pd.read_csv(folder / "pcm-labels.csv").set_index(["variant", "label"]).loc[("TinyConv, int8", "yes")]
    )
    assert row["correct"] / row["played"] == pytest.approx(row["accuracy"])
    assert row["testing_accuracy"] - row["accuracy"] == pytest.approx(row["testing_drop"])
    assert row["training_accuracy"] == pytest.approx(0.94, abs=0.001)
    assert row["testing_drop_low"] < row["testing_drop"] < row["testing_drop_high"]


def test_a_confusion_has_a_column_for_nothing(folder, page):
    counts = pd.read_csv(folder / "pcm-confusion.csv").set_index(["variant", "label"])
    assert counts.loc[("TinyConv, int8", "yes"), "heard none"] == 6
    assert '<th scope="col">none</th>' in page.source


def test_every_condition_has_its_row_and_the_sweep_its_plot(folder, page):
    conditions = pd.read_csv(folder / "pcm-conditions.csv")
    assert len(conditions) == 2 * 9
    assert set(conditions["distance_m"]) == {0.5, 2, 4} and set(conditions["snr_db"]) == {0, 10, 20}
    assert "plot-pcm-sweep" in page.ids


def test_one_condition_is_no_sweep(tmp_path):
    variant = quiet_variant()
    first = replace(variant, stimuli=variant.stimuli[:10], segments=variant.segments[:1])
    assert "plot-pcm-sweep" not in rendered(only(first), tmp_path).ids


def test_no_noise_and_no_room_have_their_places_in_the_sweep(tmp_path):
    record = only(quiet_variant())
    bare = [
        one | {"snr_db": None if one["snr_db"] == 20 else one["snr_db"], "distance_m": None}
        for one in record.conditions
    ]
    text = rendered(replace(record, conditions=bare), tmp_path).text
    assert "no noise" in text


def test_the_det_curve_marks_the_threshold_that_was_used(page, folder):
    assert "Ringed: the threshold that was used, 200." in page.text
    points = pd.read_csv(folder / "pcm-det.csv", keep_default_na=False)
    assert set(points["condition"]) > {"", "0.5 m, 20 dB"}


def test_the_det_curve_is_of_the_thresholds_that_no_other_one_beats():
    points = pd.DataFrame(
        {
            "threshold": [100, 120, 140, 160, 180],
            "misses": [1, 4, 3, 3, 6],
            "false_accepts": [9, 5, 2, 4, 0],
        }
    )
    assert list(det_front(points)["threshold"]) == [180, 140, 100]


def test_what_is_missed_now_stands_beside_what_would_be(folder):
    rows = pd.read_csv(folder / "pcm-operating.csv")
    assert list(rows["limit"])[:4] == ["as it is", "10 an hour", "1 an hour", "3 in 24 hours"]
    assert rows["threshold"].iloc[0] == 200


def test_causes_add_up_to_the_keywords_that_were_missed(folder):
    causes = pd.read_csv(folder / "pcm-causes.csv")
    for _, rows in causes.groupby("variant"):
        assert rows["words"].sum() == rows["missed"].iloc[0]
        assert rows["share"].sum() == pytest.approx(1)


def test_clip_against_streaming_front_end_is_a_row(folder):
    row = pd.read_csv(folder / "pcm-front-ends.csv").iloc[0]
    assert row["difference"] == pytest.approx((70 - 74) / 90)


def test_variants_are_paired_on_the_words_that_count_for_both(folder):
    row = pd.read_csv(folder / "pcm-pairs.csv").iloc[0]
    assert row["words"] == 89
    assert row["difference"] == pytest.approx((row["only_variant"] - row["only_reference"]) / 89)


def test_many_words_are_left_to_the_csv(tmp_path):
    variant = quiet_variant()
    many = [replace(row, segment=row.segment + 10 * turn) for turn in range(12) for row in variant.stimuli]
    assert len(many) > MOST_ROWS
    found = rendered(only(replace(variant, stimuli=many)), tmp_path)
    assert f"Word by word ({len(many):,} rows)" in found.text
    assert "table-pcm-words" not in found.ids
    assert len(pd.read_csv(tmp_path / "pcm-words.csv")) == len(many)


def test_ten_thousand_words_are_a_page_of_a_few_megabytes(tmp_path):
    variant = heard_by("tinyconv-int8", "TinyConv, int8", 0.3, seed=1)
    many = [replace(row, segment=row.segment + 10 * turn) for turn in range(110) for row in variant.stimuli]
    assert render_field(only(replace(variant, stimuli=many)), tmp_path).stat().st_size < 3_000_000


# Listening


def test_each_missed_word_that_was_cut_out_can_be_heard_and_seen(page):
    assert len(page.sounds) >= CLIPS
    assert len(page.loaded) == len(page.sounds)
    assert page.source.count("<polyline") >= CLIPS


def test_how_many_of_the_missed_words_are_there_is_said(tmp_path):
    record = with_clips(only(heard_by("a", "A", 0.0, seed=1)), tmp_path, 3)
    missed = sum(row.counts and not row.correct for row in record.variants[0].stimuli)
    text = rendered(record, tmp_path).text
    assert f"{missed} words were not heard as what they are by some variant: here are 3 of them" in text


def test_a_clip_that_is_gone_is_not_linked_to(tmp_path):
    record = with_clips(only(heard_by("a", "A", 0.0, seed=1)), tmp_path, 3)
    for path in (tmp_path / "clips").iterdir():
        path.unlink()
    found = rendered(record, tmp_path)
    assert not found.sounds
    assert "none of them was cut out" in found.text


def test_everything_heard_is_said_where_there_is_nothing_to_listen_to(quiet):
    assert "Every word was heard as what it is" in quiet.text
