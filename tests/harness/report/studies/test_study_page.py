from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pandas as pd
import pytest
from study_records import claim, failed, study_record

from harness.records.study import RECORD, write_study
from harness.report.studies import render_study, sections, summary_text

L1, CHANCE = {"criterion": ["l1"]}, {"criterion": ["random"]}
CLAIMS = (claim(L1, CHANCE), claim(CHANCE, L1), claim(L1, L1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("studies") / "cuts"
    write_study(study_record(*CLAIMS), found / RECORD)
    render_study(study_record(*CLAIMS), found)
    return found


def test_the_same_record_gives_the_same_bytes(folder, tmp_path):
    render_study(study_record(*CLAIMS), tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (folder / path.name).read_bytes()


def test_the_verdict_is_told_with_its_figures(folder):
    page = (folder / "study.html").read_text()
    for verdict in ("Holds:", "Does not hold:", "Undecided:"):
        assert f"<strong>{verdict}</strong>" in page
    assert "+70.0 points" in page and "−70.0 points" in page


def test_every_network_is_in_the_csv(folder):
    points = pd.read_csv(folder / "points.csv")
    assert len(points) == 4 + 16
    first = points[points["id"] == "l1-0.5-1"].iloc[0]
    assert (first["correct_before"], first["correct"], first["clips"]) == (8, 9, 10)
    assert (first["correct_silence"], first["total_silence"]) == (2, 2)
    assert (first["parameters"], first["operations"]) == (50, 1000)


def test_means_have_both_intervals(folder):
    means = pd.read_csv(folder / "means.csv")
    ninety = means[(means["series"] == "L1") & (means["x"] == 0.9)].iloc[0]
    assert (ninety["accuracy"], ninety["before"], ninety["seeds"]) == pytest.approx((0.8, 0.7, 4))
    assert (ninety["correct"], ninety["total"]) == (32, 40)
    assert ninety["wilson_low"] == pytest.approx(0.652, abs=1e-3)


def test_the_picture_stands_on_its_own(folder):
    picture = ElementTree.fromstring((folder / "study.svg").read_text())
    texts = {element.text.strip() for element in picture.iter() if element.tag.endswith("text")}
    assert {"L1", "random", "float32, as trained", "accuracy before fine-tuning"} <= texts


def test_the_page_needs_nothing_from_outside(folder):
    page = (folder / "study.html").read_text()
    assert not re.search(r'(src|href)="(https?:)?//|@import|url\(["\']?http|<script', page)


def test_a_gap_is_told(tmp_path):
    record = study_record(*CLAIMS)
    record = replace(record, points=[failed(record.points[0]), *record.points[1:]])
    page = render_study(record, tmp_path).read_text()
    assert "it broke &lt;here&gt;" in page and "l1 &lt;0.5&gt;" in page
    means = pd.read_csv(tmp_path / "means.csv")
    assert means["seeds"].tolist() == [4, 3, 4, 4, 4]


def test_a_study_of_which_nothing_came_is_told_too(tmp_path):
    record = study_record(*CLAIMS)
    record = replace(record, points=[failed(point) for point in record.points], baselines={})
    page = render_study(record, tmp_path).read_text()
    assert "There is nothing to compare." in page and "<svg" not in page
    assert not (tmp_path / "study.svg").exists()


def test_a_single_seed_is_shown_without_intervals(tmp_path):
    record = study_record(*CLAIMS)
    record = replace(record, points=[point for point in record.points if point.seed == 1])
    assert "of a single seed" in render_study(record, tmp_path).read_text()


def test_studies_are_sections_for_other_pages(folder):
    (section,) = sections(folder.parent)
    assert (section.name, section.page) == ("cuts", folder / "study.html")
    assert len(section.verdicts) == 3 and section.plot.svgs


def test_without_studies_there_are_no_sections(tmp_path):
    assert sections(tmp_path / "nothing") == []


def test_the_summary_is_for_a_terminal():
    lines = summary_text(study_record(*CLAIMS)).splitlines()
    assert lines[0] == "What is cut. How much can go?"
    assert [line.split(":")[0] for line in lines[1:]] == ["- Holds", "- Does not hold", "- Undecided"]
