"""The parts of a field run's page: each table and plot, and the words to listen to."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import pytest
from field_pages import CLIPS, only, quiet_variant, rendered
from sample_field import heard_by, with_clips

from harness.records.field_record import DetPoint
from harness.report.field import render_field
from harness.report.field.alarms import LIMITS
from harness.report.field.missed_words import TINTS
from harness.report.field.page import MOST_ROWS
from harness.report.field.plots import det_front


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


def test_each_snr_stands_over_all_distances_and_each_distance_over_all_snrs(folder):
    margins = pd.read_csv(folder / "pcm-margins.csv")
    conditions = pd.read_csv(folder / "pcm-conditions.csv")
    own = conditions[(conditions["variant"] == "TinyConv, int8") & (conditions["snr_db"] == 10)]
    row = margins[
        (margins["variant"] == "TinyConv, int8") & (margins["by"] == "SNR") & (margins["value"] == 10)
    ]
    assert row["heard"].item() == own["heard"].sum() and row["keywords"].item() == own["keywords"].sum()
    assert len(margins) == 2 * (3 + 3)


def test_another_threshold_is_named_where_it_would_miss_clearly_less(tmp_path):
    variant = quiet_variant()
    now, lower = (
        DetPoint(200, 40, 80, 1, 1.0, accepted_non_keywords=2, non_keywords=18),
        DetPoint(150, 10, 80, 1, 1.0, accepted_non_keywords=9, non_keywords=18),
    )
    text = rendered(only(replace(variant, det=[lower, now])), tmp_path).text.replace("\u00a0", " ")
    assert (
        "With the threshold at 150 instead of 200 it would have missed 10 keywords instead of 40, without "
        "more false accepts, and taken 9 of 18 other words for a keyword instead of 2." in text
    )


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
    assert list(rows["limit"])[:4] == ["as it is", *LIMITS]
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


def test_of_many_variants_those_that_made_the_same_of_a_word_stand_together(tmp_path):
    variant = heard_by("a", "A", 0.0, seed=1)
    many = [replace(variant, id=f"v{index}", title=f"Variant {index}") for index in range(7)]
    record = with_clips(replace(only(variant), variants=many), tmp_path, 2)
    found = rendered(record, tmp_path)
    assert "✗ 7 of 7 variants: missed" in found.text
    drawn = set(re.findall(r'<polyline class="(t\d+)', found.source))
    assert drawn == {f"t{tint}" for tint in range(1, TINTS + 1)}
