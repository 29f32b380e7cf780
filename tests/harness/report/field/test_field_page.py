"""The page of a field run as a whole: the verdict first, nothing from outside, nothing dropped in silence."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
from field_pages import CLIPS, everything, only, quiet_variant, rendered
from sample_field import failed, heard_by, sample_field, slow, with_clips

from harness.report.field import render_field, summary_text
from harness.report.field.page import field_tables
from harness.report.markdown import escaped

HOSTILE = '</script><img src=x onerror="alert(1)">|a|`b`*c*'


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


def test_the_page_sets_every_color_of_its_plots(page):
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
    late = sum(row.cause == "latency" for row in slow().stimuli)
    assert (
        f"TinyConv, float32 misses {late} words only because it is too slow: with an inference every 20.0 ms "
        "it would hear them; it makes one every 140 ms, and lost 32.0 ms of audio."
    ) in page.text.replace("\u00a0", " ")


def test_variants_that_are_fast_enough_are_said_to_be(quiet):
    assert "No word was missed only because a variant is too slow." in quiet.text


def test_no_false_accept_is_only_an_upper_bound(quiet):
    hours = (600 + 9 * 14) / 3600
    assert f"below {3 / hours:.1f}" in quiet.text
    assert "announced nothing" in quiet.text


def test_figures_at_another_threshold_than_the_boards_are_said_to_be_recomputed(tmp_path, quiet):
    other = rendered(replace(only(quiet_variant()), threshold=150), tmp_path)
    assert "threshold is 150, recomputed from the logged scores; the board's is 200." in other.text
    assert "recomputed from the logged scores; the board's" not in quiet.text


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


def test_all_that_was_left_out_or_lost_is_listed(page, folder):
    for text in ("no/cut.wav", "too short: 0.12 s", "yes/loud.wav: 312 samples clipped"):
        assert text in page.text
    assert set(pd.read_csv(folder / "pcm-left-out.csv")["reason"]) == {"2 records lost within its window"}
    losses = pd.read_csv(folder / "pcm-losses.csv").set_index("segment")
    assert losses.loc[1, "samples_lost"] == 512 and losses.loc[1, "note"] == "the board lost audio twice"
    assert losses.loc[2, "records_lost"] == 3
    assert not losses.loc[3, "complete"] and losses.loc[3, "clipped_samples"] == 44


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
