"""The pages of the history: links, verdicts, plots, tables."""

import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pandas as pd
import pytest
from html_page import Page
from hypothesis import given
from hypothesis import strategies as st
from shown_nights import FLASH, INT8, LEVEL_US, OPERATORS, board, history, night, of, time_of

from harness.files import file_name
from harness.records.record import CalibrationRow
from harness.records.verdict import STATUSES, SeriesName, SeriesVerdict
from harness.regression.history import History, LeftOut
from harness.regression.nights import merge
from harness.regression.specimens import told_apart
from harness.report.pages.history import render_history
from harness.report.pages.history_plots import MARKS, limits
from harness.report.pages.history_tables import amount, change, with_code

INT8_PAGE = f"{file_name('tiny-int8/codegen/inference_us/clip')}.html"


def rendered(folder, nights, baselines=None, records=None, left_out=()):
    history = History(merge(nights), records or {}, tuple(left_out))
    return render_history(history, baselines or {}, folder / "site")


def text_of(page: Path) -> str:
    """Return the visible text, with single blanks."""
    return " ".join(Page(page.read_text()).text.split())


@pytest.fixture(scope="module")
def two_boards(tmp_path_factory):
    """Return nights of a board that got slower and of a modeled one, with baselines and records."""
    nano, nano_baseline = history(130, step_at=110)
    emulated, emulated_baseline = history(20, board="emulated", modeled=True, environment={"qemu": "7.2"})
    nights, records = [*emulated, *nano], {}
    for one in nights[::7]:
        folder = tmp_path_factory.mktemp("records") / f"a folder of #{one.id}"
        (folder / "transcripts").mkdir(parents=True)
        (folder / "report.html").write_text("")
        records[one.id] = folder / "run.json"
        records[one.id].write_text("{}")
    return nights, {"nano": nano_baseline, "emulated": emulated_baseline}, records


@pytest.fixture(scope="module")
def site(tmp_path_factory, two_boards):
    return rendered(tmp_path_factory.mktemp("two boards"), *two_boards).parent


def test_every_link_leads_to_a_file_on_disk(site):
    pages = {page.resolve(): Page(page.read_text()) for page in site.rglob("*.html")}
    assert len(pages) == 1 + 2 * 4
    targets = set()
    for path, page in pages.items():
        page.check()
        assert not {"script", "img"} & set(page.tags)
        paths = (unquote(urlsplit(link).path) for link in page.links)
        targets |= {(path.parent / target).resolve() for target in paths if target}
    assert [target for target in targets if not target.exists()] == []
    assert pages.keys() <= targets
    assert {path.name for path in targets} >= {"run.json", "report.html", "transcripts", "series.csv"}


def test_two_benches_are_named_and_their_boards_stand_side_by_side(tmp_path):
    nights = [
        night(index, us, f"nano-{bench}", bench=bench, kind="nano33ble")
        for bench, us in (("berlin", LEVEL_US), ("munich", 1.02 * LEVEL_US))
        for index in range(3)
    ]
    index = rendered(tmp_path, nights)
    text = text_of(index)
    assert "Measured on berlin (3 nights)." in text and "Measured on munich (3 nights)." in text
    assert "nano-munich of munich against nano-berlin of berlin, nano33ble" in text
    assert (
        f"{INT8} {LEVEL_US / 1000:.2f} ms {1.02 * LEVEL_US / 1000:.2f} ms +2.00 % +2.00 % to +2.00 % 3"
        in text.replace("\u00a0", " ")
    )
    assert "berlin" in text_of(index.parent / "nano-berlin" / INT8_PAGE)
    assert set(pd.read_csv(index.parent / "nano-munich" / "nights.csv")["bench"]) == {"munich"}


def test_the_command_for_a_board_of_two_benches_names_it_as_its_bench_does(tmp_path):
    benches = enumerate(("berlin", "munich"))
    nights = [night(index, LEVEL_US, "nano 1", bench=bench, uid=bench) for index, bench in benches]
    text = text_of(rendered(tmp_path, told_apart(nights)))
    assert text.count("earshot baseline accept --board 'nano 1' --reason") == 2
    assert "without uncommitted changes on munich with" in text


def test_the_order_of_the_nights_does_not_change_a_byte(site, tmp_path, two_boards):
    nights, baselines, _ = two_boards
    small = [one for one in nights if one.board == "emulated"]
    rendered(tmp_path, small[::-1], baselines)
    rendered(tmp_path / "again", small, baselines)
    files = [path for path in (tmp_path / "site").rglob("*") if path.is_file()]
    assert files
    for path in files:
        again = tmp_path / "again" / path.relative_to(tmp_path)
        assert path.read_bytes() == again.read_bytes()


def test_the_index_begins_with_the_findings(site):
    text = text_of(site / "index.html")
    assert "emulated: 1 changed; nano: 1 regressed" in text
    assert "1 regressed of 4 series on nano: tiny-int8/codegen/inference_us/clip is" in text
    assert text.count("Times of this board are modeled") == 1
    assert text.count("Not calibrated on your board") == 1
    assert re.search(r"Not as accepted tiny-int8/codegen/inference_us/clip regressed 33.96 ms \+2.85 %", text)
    assert (site / "index.html").read_text().count('<svg class="spark"') == 2 * 4
    rows = pd.read_csv(site / "nano" / "series.csv")
    assert rows["status"].tolist() == ["regressed", "ok", "ok", "ok"]
    assert rows["image_nights"][0] == 130  # the noise of one image


def test_a_series_has_a_plot_and_its_nights(site):
    page = site / "nano" / INT8_PAGE
    assert page.read_text().count('id="plot-nights"') == 1
    assert "000006eccc" in page.read_text().split("</figure>")[0]  # the commit of the new level
    text = text_of(page)
    level = (
        r"2027-02-19 01:00 regressed 33\.94 ms \+2\.81 % 000006eccc 50.000 → 50.000 new level: 33\.\d\d ms"
    )
    assert re.search(level + r" → 33\.\d\d ms, \+2\.\d\d %, commits 000006dccc … 000006eccc", text)
    assert "epoch 1: the <first>" in text
    assert "2026-12-24 01:00" not in text  # an old night without a finding
    nights = pd.read_csv(page.parent / "nights.csv")
    assert len(nights) == 130 and nights[f"{INT8} status"].iloc[-1] == "regressed"


@pytest.mark.parametrize(
    ("environment", "options"),
    [
        ({"flags": "-Os"}, "clip."),
        ({"flags": "-O2", "footprint": "small"}, "clip --footprint small --optimization O2."),
    ],
)
def test_a_modeled_board_gets_the_command_that_finds_the_commit(tmp_path, environment, options):
    nights = [
        night(index, 1_000.5 if index < 4 else 1_001.5, modeled=True, environment=environment)
        for index in range(8)
    ]
    rendered(tmp_path, nights)
    page = text_of(tmp_path / "site" / "nano" / INT8_PAGE)
    assert "new level: 1,000.5 µs → 1,001.5 µs, +1 µs, +0.10 %" in page
    command = "earshot bisect 0000003ccc 0000004ccc --series tiny-int8/codegen/inference_us/"
    assert command + options in page


def test_a_modeled_board_shows_its_error_on_a_real_one(tmp_path):
    error = CalibrationRow("desk", "Nano", "2026-11-01", {"inference": -0.04})
    rendered(tmp_path, [night(0, modeled=True, calibrations=(error,))])
    text = text_of(tmp_path / "site" / "index.html")
    assert "Against desk (Nano), the modeled time of an inference is off by −4.00 %." in text


@pytest.mark.parametrize("count", [1, 2])
def test_the_first_nights_have_a_page(tmp_path, count):
    left_out = [LeftOut(Path("/mnt/other/run.json"), "the night record is not whole JSON: remove it.")]
    page = text_of(rendered(tmp_path, history(count, accepted_at=None)[0], left_out=left_out))
    assert "nano: nothing accepted yet" in page
    assert 'earshot baseline accept --board nano --reason "…"' in page
    assert f" {count} night{'' if count == 1 else 's'} since" in page
    assert "/mnt/other/run.json the night record is not whole JSON: remove it." in page


def test_another_environment_is_shown_with_both_values(tmp_path):
    nights, baseline = history(12)
    nights.append(night(12, environment={"core": "4.3.0"}))
    index = rendered(tmp_path, nights, {"nano": baseline})
    assert "The environment is not the accepted one: core 4.2.1 → 4.3.0." in text_of(index)
    assert "core 4.2.1 → 4.3.0" in text_of(index.parent / "nano" / INT8_PAGE)


def test_names_are_escaped_in_pages_and_paths(tmp_path):
    name = SeriesName("..<script>alert(1)<i>", "a b", "inference_us", "clip")
    made = night(0, board="../nano & <b>", times={name: time_of(LEVEL_US)}, exact={}, commit="<i>")
    page = rendered(tmp_path, [made])
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert [path.relative_to(tmp_path / "site").as_posix() for path in pages] == [
        "index.html",
        f"{file_name('../nano & <b>')}/{file_name(name)}.html",
    ]
    assert not any({"script", "b", "i"} & set(Page(path.read_text()).tags) for path in pages)
    assert "../nano & <b>" in text_of(page)


def test_faults_and_uncommitted_changes_are_shown_with_their_nights(tmp_path):
    nights, baseline = history(20)
    nights[5] = replace(nights[5], fault="there is no board at /dev/ttyACM0", times={}, exact={}, judged={})
    nights[7] = replace(nights[7], judged={INT8: SeriesVerdict(str(INT8), "noisy", "")})
    nights.append(night(20, dirty=True, faults={("other", "codegen"): "no space"}))
    index = rendered(tmp_path, nights, {"nano": baseline})
    page = text_of(tmp_path / "site" / "nano" / INT8_PAGE)
    assert re.search(r"2026-11-06 01:00 – – 0000005ccc .*there is no board at /dev/ttyACM0", page)
    assert "2026-11-08 01:00 noisy" in page and "0000014ccc with changes" in page
    assert "with uncommitted changes" in text_of(index) and "no space" in text_of(index)


def test_an_outlier_does_not_set_the_limits_but_a_reference_does():
    values = np.random.default_rng(1).normal(33_000, 60, 100)
    values[40] = 90_000
    low, high = limits(values, np.array([np.nan]))
    assert 32_500 < low < high < 33_500
    assert limits(values, np.array([34_000.0, np.nan]))[1] > 34_000


@given(st.lists(st.floats(-1e9, 1e9) | st.just(np.nan), max_size=9), st.floats(-1e9, 1e9))
def test_any_values_have_limits(values, last):
    low, high = limits(np.array([*values, last]), np.array([last]))
    assert low < last < high


def test_every_status_has_a_mark():
    assert MARKS.keys() == {*STATUSES, ""}
    assert MARKS["regressed"] != MARKS["improved"]


@pytest.mark.parametrize(
    ("value", "name", "modeled", "text"),
    [
        (33_117.4, INT8, False, "33.12 ms"),
        (33_117.4, INT8, True, "33,117.4 µs"),
        (61_312, FLASH, False, "61,312 bytes"),
        (None, FLASH, False, "–"),
        (float("nan"), INT8, False, "–"),
        ("CONV_2D 1, SOFTMAX 1", OPERATORS, False, "CONV_2D 1, SOFTMA…"),
    ],
)
def test_an_amount_has_its_unit(value, name, modeled, text):
    series = of(name, board([night(0, modeled=modeled)]))
    assert amount(value, series).replace("\u00a0", " ") == text


def test_a_change_of_an_exact_figure_has_its_unit_too():
    measured, modeled = (of(INT8, board([night(0, modeled=kind)])) for kind in (False, True))
    assert change(150_012.5, 150_000.25, modeled).replace("\u00a0", " ") == "+12.25 µs, +0.0082 %"
    assert change(33_660.0, 33_000.0, measured).replace("\u00a0", " ") == "+2.00 %"
    assert [change(text, "a", measured) for text in ("a", "b")] == ["the same", "another"]


def test_commands_become_code_and_everything_else_is_escaped():
    assert with_code("<b> `earshot run --x <y>`.") == "&lt;b&gt; <code>earshot run --x &lt;y&gt;</code>."
