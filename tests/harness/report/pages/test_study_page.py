"""The page of a study: comparisons, plot, tables, gaps."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace

import pandas as pd
import pytest
from study_records import failed, network, study_record

from harness.records.record import Condition, LinuxRow
from harness.records.study import RECORD, Power, write_study
from harness.report.pages.study import render_study, summary_text
from harness.report.pages.study_tables import TRAINED, compare, sentences


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


def test_the_terminal_shows_the_main_table_in_short(measured):
    lines = summary_text(study_record()).replace("\u00a0", " ").splitlines()
    assert lines[0] == "Cuts. How much can go?" and lines[1].startswith("L1 against random: ")
    assert lines[3].split()[:2] == ["Series", "Pruned"] and max(map(len, lines[3:])) <= 110
    assert " ".join(lines[5].split()) == "L1 50 % 50 25 1,000 80.0 % 90.0 % 90.0 to 90.0 %"
    table = summary_text(measured)
    assert "Average latency" in table and "20.1\u00a0ms" in table and "not zero" not in table


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


def test_the_legend_names_the_trained_network_only_where_it_is_drawn(folder, tmp_path):
    render_study(replace(study_record(), baselines={}), tmp_path)
    counts = [(one / "study.html").read_text().count(TRAINED) for one in (folder, tmp_path)]
    assert counts[0] > 0 == counts[1]


def linux_row(**changes):
    state = Condition(frequency_mhz=None, temperature_c=None)
    samples_us = [20_000.0] * 299 + [50_000.0]
    row = LinuxRow(
        "1.20",
        "3.11",
        1,
        samples_us,
        10,
        0.0,
        1e-5,
        12_000_000,
        80_000_000,
        15_000_000,
        None,
        state,
        state,
        None,
    )
    return replace(row, **changes)


@pytest.fixture
def measured():
    """Return a study of one seed whose networks were measured, but for the first point."""
    record = study_record(reference="")
    points = [point for point in record.points if point.seed == 1 and point.series == "l1"]
    points = [replace(point, series="", fine_tune_epochs=5) for point in points]
    failed_one = replace(points[0].after, not_measured="accuracy: the outputs differ")
    points[0] = replace(points[0], after=failed_one)
    points[1] = replace(points[1], after=replace(points[1].after, linux=linux_row()))
    base = record.baselines["seed = 1"]
    base = replace(base, network=replace(base.network, linux=linux_row(model_bytes=13_000_000)))
    return replace(
        record, points=points, baselines={"seed = 1": base}, samples="images", computer="this host"
    )


def test_networks_measured_as_onnx_have_the_published_columns(measured, tmp_path):
    page = render_study(measured, tmp_path).read_text()
    table = page[page.index('id="table-linux"') : page.index('id="table-means"')]
    for header in (
        *("Pruned", "Fine-tuning epochs", "Parameters", "Maximum memory", "Average latency"),
        *("Maximum power", "Average energy", "Accuracy"),
    ):
        assert f">{header}</th>" in table
    rows = pd.read_csv(tmp_path / "linux.csv")
    assert rows["x"].tolist() == [0, 0.5, 0.9] and rows["fine_tune_epochs"].tolist() == [0, 5, 5]
    assert rows["unfolded_parameters"].tolist() == [108, 58, 18]
    assert rows["mean_us"][2] == pytest.approx(20_100) and rows["process_peak_bytes"][2] == 80_000_000
    assert "20.1\u00a0ms" in table and "80.0\u00a0MB" in table
    assert "of 300 inferences of one image on 1 thread" in page.lower()
    assert "on 10 images of the test set of words" in page and "over 10 images" in page


def test_what_no_meter_measured_is_not_measured(measured, tmp_path):
    page = render_study(measured, tmp_path).read_text()
    assert page.count(">not measured</td>") == 2 * 3
    assert pd.read_csv(tmp_path / "linux.csv")["joules"].isna().all()


def test_power_of_a_meter_is_shown(measured, tmp_path):
    power = Power(joules=0.0612, net_joules=0.04, idle_watts=2.1, peak_watts=4.35)
    points = [replace(one, after=replace(one.after, power=power)) for one in measured.points]
    page = render_study(replace(measured, points=points, meter="rapl, package-0"), tmp_path).read_text()
    assert ">4.35 W</td>" in page and ">61.2 mJ</td>" in page
    assert "Power by the meter rapl, package-0" in page


def test_a_network_that_was_not_measured_is_a_row_with_its_reason(measured, tmp_path):
    page = render_study(measured, tmp_path).read_text()
    assert "accuracy: the outputs differ" in page
    assert pd.read_csv(tmp_path / "linux.csv")["mean_us"].isna().tolist() == [False, True, False]


def test_other_work_is_a_remark(measured, tmp_path):
    busy = replace(measured.points[1].after, linux=replace(linux_row(), other_cores=1.26))
    points = [measured.points[0], replace(measured.points[1], after=busy)]
    page = render_study(replace(measured, points=points), tmp_path).read_text()
    assert page.count("other processes used 1.3 cores meanwhile") == 1


def test_throttling_is_marked(measured, tmp_path):
    hot = replace(measured.points[1].after, linux=linux_row(throttled=["temperature limit"]))
    points = [measured.points[0], replace(measured.points[1], after=hot)]
    page = render_study(replace(measured, points=points), tmp_path).read_text()
    assert "throttled: temperature limit" in page


def test_a_single_seed_has_an_interval_over_samples(measured, tmp_path):
    render_study(measured, tmp_path)
    means = pd.read_csv(tmp_path / "means.csv")
    assert (means["low"][1], means["high"][1]) == pytest.approx((0.5958, 0.9821), abs=1e-3)


def test_a_study_without_measurements_has_no_such_table(folder):
    assert not (folder / "linux.csv").exists()


def test_a_single_seed_has_no_interval_over_seeds():
    record = study_record()
    record = replace(record, points=[point for point in record.points if point.seed == 1])
    assert "intervals: +39.8 to +100.0 over clips)" in sentences(record)[0]
