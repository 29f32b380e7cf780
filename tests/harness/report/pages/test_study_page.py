"""The page of a study: comparisons, plot, tables, gaps."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace

import pandas as pd
import pytest
from study_records import failed, network, study_record

from harness.records.study import RECORD, write_study
from harness.report.pages.study import render_study
from harness.report.pages.study_tables import compare, sentences


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("studies") / "cuts"
    write_study(study_record(), found / RECORD)
    render_study(study_record(), found)
    return found


def test_the_same_record_gives_the_same_bytes(folder, tmp_path):
    render_study(study_record(), tmp_path)
    write_study(study_record(), tmp_path / RECORD)
    assert json.loads((tmp_path / RECORD).read_text()) == asdict(study_record())
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (folder / path.name).read_bytes()


def test_each_series_is_compared_with_the_reference():
    assert [text.replace("\u00a0", " ") for text in sentences(study_record())] == [
        "L1 against random: accuracy +70.0 points in the mean over 8 pairs of networks "
        "(95 % intervals: +70.0 to +70.0 over 4 seeds, +39.8 to +100.0 over clips)."
    ]


def test_without_a_reference_series_are_compared_with_the_trained_networks():
    compared = compare(study_record(reference=""))
    assert compared["l1"].difference == pytest.approx(-0.05)
    assert compared["random"].difference == pytest.approx(-0.75)


def test_points_without_a_counterpart_are_not_compared():
    record = study_record()
    left = replace(record, points=[failed(record.points[0]), *record.points[1:]])
    assert compare(left)["l1"].runs == 7
    alone = replace(record, points=[point for point in record.points if point.series == "l1"])
    assert sentences(alone) == ["L1 against random: nothing to compare."]


def test_means_have_intervals_over_the_seeds(tmp_path):
    record = study_record()
    better = replace(record.points[1], after=network(9, 10))
    render_study(replace(record, points=[record.points[0], better, *record.points[2:]]), tmp_path)
    means = pd.read_csv(tmp_path / "means.csv")
    ninety = means[(means["series"] == "L1") & (means["x"] == 0.9)].iloc[0]
    assert (ninety["accuracy"], ninety["before"], ninety["seeds"]) == pytest.approx((0.825, 0.7, 4))
    assert (ninety["low"], ninety["high"]) == pytest.approx(
        (0.825 - 3.182446 * 0.025, 0.825 + 3.182446 * 0.025)
    )
    assert (ninety["parameters"], ninety["operations"]) == (10, 200)


def test_the_page_needs_nothing_from_outside(folder):
    page = (folder / "study.html").read_text()
    assert not re.search(r'(src|href)="(https?:)?//|@import|url\(["\']?http|<script', page)
    assert "accuracy before fine-tuning" in page and "float32, as trained" in page


def test_a_failed_point_is_listed(tmp_path):
    record = study_record()
    record = replace(record, points=[failed(record.points[0]), *record.points[1:]])
    page = render_study(record, tmp_path).read_text()
    assert "it broke &lt;here&gt;" in page and "l1 &lt;0.5&gt;" in page
    assert pd.read_csv(tmp_path / "means.csv")["seeds"].tolist() == [4, 3, 4, 4, 4]


def test_a_study_without_any_network_has_a_page(tmp_path):
    record = study_record()
    record = replace(record, points=[failed(point) for point in record.points], baselines={})
    page = render_study(record, tmp_path).read_text()
    assert "nothing to compare." in page and "<svg" not in page


def test_a_single_seed_has_no_interval_over_seeds():
    record = study_record()
    record = replace(record, points=[point for point in record.points if point.seed == 1])
    assert "intervals: +39.8 to +100.0 over clips)" in sentences(record)[0]
