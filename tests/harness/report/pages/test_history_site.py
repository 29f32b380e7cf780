"""The pages of the history: links, verdicts, plots, tables."""

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from shown_nights import INT8, LEVEL_US, history, night, time_of

from harness.records.verdict import SeriesName, SeriesVerdict
from harness.regression.history import History, LeftOut
from harness.regression.nights import merge
from harness.report.pages.history import render_history


def rendered(folder, nights, baselines=None, records=None, left_out=()):
    history = History(merge(nights).nights, records or {}, tuple(left_out))
    return render_history(history, baselines or {}, folder / "site")


def text_of(page: Path) -> str:
    """Return the visible text, with single blanks."""
    bare = re.sub(r"<style>.*?</style>|<title>.*?</title>|<[^>]*>", " ", page.read_text(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(bare).replace("\u00a0", " "))


class Anchors(HTMLParser):
    """The links, ids and tags of a page."""

    def __init__(self, page: Path):
        super().__init__()
        self.page, self.links, self.ids, self.tags = page, [], set(), set()
        self.feed(page.read_text())

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        found = dict(attributes)
        self.links += [found[name] for name in ("href", "src") if name in found]
        self.ids |= {found["id"]} if "id" in found else set()


@pytest.fixture(scope="module")
def two_boards():
    """Return many nights of a board that got slower, and a few of a modeled one."""
    nano, nano_baseline = history(130, step_at=110)
    emulated, emulated_baseline = history(20, board="emulated", modeled=True, environment={"qemu": "7.2"})
    return [*emulated, *nano], {"nano": nano_baseline, "emulated": emulated_baseline}


def test_every_link_leads_somewhere(tmp_path, two_boards):
    nights, baselines = two_boards
    records = {}
    for one in nights[::7]:
        folder = tmp_path / "nights" / one.board / f"a folder of #{one.id}"
        (folder / "transcripts").mkdir(parents=True)
        (folder / "report.html").write_text("")
        records[one.id] = folder / "run.json"
        records[one.id].write_text("{}")
    rendered(tmp_path, nights, baselines, records=records)
    pages = {page.resolve(): Anchors(page) for page in (tmp_path / "site").rglob("*.html")}
    assert len(pages) == 1 + 2 * (4 + 1)  # the index; four series and the nights of each board
    led_to = set()
    for page, anchors in pages.items():
        for link in anchors.links:
            parts = urlsplit(link)
            assert not parts.scheme and not parts.netloc, f"{link} needs a network"
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.exists(), f"{page} leads to {link}"
            led_to.add(target)
            if parts.fragment:
                assert parts.fragment in pages[target].ids, f"{page} leads to {link}"
    assert pages.keys() <= led_to
    assert {path.name for path in led_to} >= {"run.json", "report.html", "transcripts"}


def test_no_page_has_a_script_or_anything_from_elsewhere(tmp_path, two_boards):
    rendered(tmp_path, *two_boards)
    for page in (tmp_path / "site").rglob("*.html"):
        assert not Anchors(page).tags & {"script", "link", "img", "iframe"}
        assert "http" not in page.read_text()
        assert "url(" not in page.read_text()


def test_the_same_history_gives_the_same_bytes_in_any_order(tmp_path, two_boards):
    nights, baselines = two_boards
    rendered(tmp_path / "one", nights, baselines)
    rendered(tmp_path / "two", nights[::-1], baselines)
    files = sorted(path for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert files
    for path in files:
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


def test_the_index_begins_with_what_changed(tmp_path, two_boards):
    page = rendered(tmp_path, *two_boards)
    assert "emulated: 1 changed; nano: 1 regressed" in text_of(page)
    assert "1 regressed of 4 series on nano: tiny-int8/codegen/inference_us/clip is" in text_of(page)
    assert text_of(page).count("Times of this board are modeled") == 1
    rows = (tmp_path / "site" / "series.csv").read_text().splitlines()
    assert rows[0].startswith("board,night,started,series,status") and len(rows) == 1 + 8
    assert page.read_text().index("changed; nano") < page.read_text().index("All series of")


def test_the_index_has_a_sparkline_for_canary_and_series(tmp_path, two_boards):
    page = rendered(tmp_path, *two_boards).read_text()
    assert page.count('<svg class="spark"') == 2 * (1 + 4)


def test_a_series_has_one_plot_of_all_nights(tmp_path, two_boards):
    rendered(tmp_path, *two_boards)
    page = (tmp_path / "site" / "nano" / "tiny-int8-codegen-inference_us-clip.html").read_text()
    assert page.count('class="nights"') == 1
    for part in ("band", "specks", "mark regressed", "canary first", "event epoch", "level", "accepted"):
        assert f'class="{part}"' in page
    assert "<title>2027-02-19 01:00: " in page  # the first slow night, by its mark
    assert "epoch 1: the &lt;first&gt;" in page


def test_few_nights_have_a_mark_each_and_their_commits(tmp_path, two_boards):
    rendered(tmp_path, *two_boards)
    page = (tmp_path / "site" / "emulated" / "tiny-int8-codegen-inference_us-clip.html").read_text()
    assert page.count('<a href="nights.html#n') >= 20
    assert page.count('<path class="commit"') == 20
    assert 'class="specks"' not in page


def test_a_change_of_level_names_its_commits(tmp_path, two_boards):
    rendered(tmp_path, *two_boards)
    page = text_of(tmp_path / "site" / "nano" / "tiny-int8-codegen-inference_us-clip.html")
    assert re.search(r"2027-02-19 3[23]\.\d\d ms 3[34]\.\d\d ms \+[23]\.\d\d % 000006dccc … 000006eccc", page)


def test_a_modeled_board_gets_the_command_that_finds_the_commit(tmp_path):
    nights = [night(index, 1_000.5 if index < 4 else 1_001.5, modeled=True) for index in range(8)]
    rendered(tmp_path, nights)
    page = text_of(tmp_path / "site" / "nano" / "tiny-int8-codegen-inference_us-clip.html")
    assert "1,000.5 µs 1,001.5 µs +1 µs, +0.10 %" in page
    command = "earshot bisect 0000003ccc 0000004ccc --series tiny-int8/codegen/inference_us/clip"
    assert command in page


def test_an_empty_history_shows_the_first_commands(tmp_path):
    page = rendered(tmp_path, [])
    assert "No night has been measured yet" in text_of(page)
    assert "earshot nightly --board emulated" in text_of(page)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_first_nights_have_a_page(tmp_path, count):
    nights, _ = history(count, accepted_at=None)
    page = rendered(tmp_path, nights)
    assert "nano: nothing accepted yet" in text_of(page)
    assert 'earshot baseline accept --board nano --reason "…"' in text_of(page)
    assert f" {count} night{'' if count == 1 else 's'} since" in text_of(page)


def test_records_that_were_left_out_are_listed(tmp_path):
    left_out = [LeftOut(Path("/mnt/other/run.json"), "the night record is not whole JSON: remove it.")]
    page = rendered(tmp_path, history(3, accepted_at=None)[0], left_out=left_out)
    assert "/mnt/other/run.json the night record is not whole JSON: remove it." in text_of(page)


def test_another_environment_is_shown_with_both_values(tmp_path):
    nights, baseline = history(12)
    nights.append(night(12, environment={"core": "4.3.0"}))
    page = text_of(rendered(tmp_path, nights, {"nano": baseline}))
    assert "The environment is not the accepted one Environment Accepted Last night core 4.2.1 4.3.0" in page


def test_the_noise_of_one_image_is_listed(tmp_path):
    nights, baseline = history(14)
    page = text_of(rendered(tmp_path, nights, {"nano": baseline}))
    assert re.search(r"tiny-int8 inference_us clip aaaaaaaa 14 0\.\d\d % 0 gates", page)
    assert (tmp_path / "site" / "noise.csv").read_text().startswith("board,series,image,nights,night_sd")


def test_names_are_escaped_in_pages_and_paths(tmp_path):
    name = SeriesName("..<script>alert(1)<i>", "a b", "inference_us", "clip")
    made = night(0, board="../nano & <b>", times={name: time_of(LEVEL_US)}, exact={}, commit="<i>")
    page = rendered(tmp_path, [made])
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert [path.relative_to(tmp_path / "site").as_posix() for path in pages] == [
        "index.html",
        "nano-b/nights.html",
        "nano-b/script-alert-1-i--a-b-inference_us-clip.html",
    ]
    assert not any({"script", "b", "i"} & Anchors(path).tags for path in pages)
    assert "../nano & <b>" in text_of(page)


def test_nights_are_listed_with_faults_and_uncommitted_changes(tmp_path):
    nights, baseline = history(20)
    nights[5] = replace(nights[5], fault="there is no board at /dev/ttyACM0", times={}, exact={}, judged={})
    nights.append(night(20, dirty=True))
    index = rendered(tmp_path, nights, {"nano": baseline})
    page = text_of(tmp_path / "site" / "nano" / "nights.html")
    assert "2026-11-06 01:00 broken there is no board at /dev/ttyACM0" in page
    assert "0000014ccc with changes" in page
    assert "with uncommitted changes" in text_of(index)


def test_nights_that_stood_out_are_listed_the_latest_first(tmp_path):
    nights, baseline = history(20)
    nights[4] = replace(nights[4], judged={INT8: SeriesVerdict(str(INT8), "suspect", "")})
    nights[7] = replace(nights[7], judged={INT8: SeriesVerdict(str(INT8), "noisy", "")})
    rendered(tmp_path, nights, {"nano": baseline})
    page = text_of(tmp_path / "site" / "nano" / "tiny-int8-codegen-inference_us-clip.html")
    assert re.search(r"Nights that stood out .* 2026-11-08 01:00 noisy .* 2026-11-05 01:00 suspect", page)
