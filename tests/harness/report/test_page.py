"""The report: all files, the same figures in each, nothing from outside, the same bytes every time."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from sample_night import BOARD, external, measured, sample_record, too_large

from harness.records.record import Fault, HostRow, RunRecord, StimulusRow, VariantRow
from harness.report.page import render
from harness.report.table import Table
from harness.report.tables import all_series, all_tables

REQUIRED_CSVS = {"latency", "sizes", "accuracy", "listening", "host", "samples"}
HOSTILE = '</script><img src=x onerror="alert(1)">|a|`b`*c*$d$ & "e"'


class Page(HTMLParser):
    """A page as its elements, and its tables as rows of texts with every span filled in."""

    VOID = frozenset({"meta", "br", "img", "link", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.ids: Counter[str] = Counter()
        self.tables: dict[str, list[list[str]]] = {}
        self.text = ""
        self._rows: list[list[str]] = []
        self._heading: list[str] = []
        self._spanned: dict[int, tuple[int, str]] = {}
        self._span, self._cell = 1, ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.handle_startendtag(tag, attributes)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "div" and values.get("id", "").startswith("table-"):
            self._rows = self.tables[values["id"].removeprefix("table-")] = []
            self._heading, self._spanned = [], {}
        elif tag == "tr" and "tbody" in self.open:
            if values.get("class") != "heading":
                self._rows.append(list(self._heading))
                self._fill()
        elif tag in ("td", "th"):
            self._cell, self._span = "", int(values.get("rowspan", 1))

    def handle_startendtag(self, tag, attributes):
        values = dict(attributes)
        self.elements.append((tag, values))
        if "id" in values:
            self.ids[values["id"]] += 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another element"
        if tag == "table":
            self._rows = []  # a table without a name is of no interest
        elif tag == "th" and "tbody" in self.open:
            self._heading = [self._cell.strip()]
        elif tag == "td" and self._rows:
            row = self._rows[-1]
            if self._span > 1:
                self._spanned[len(row)] = (self._span - 1, self._cell.strip())
            row.append(self._cell.strip())
            self._fill()

    def handle_data(self, data):
        self._cell += data
        if "style" not in self.open:
            self.text += data

    def _fill(self) -> None:
        """Puts the cells here that a cell above spans."""
        row = self._rows[-1]
        while len(row) in self._spanned:
            left, text = self._spanned.pop(len(row))
            if left > 1:
                self._spanned[len(row)] = (left - 1, text)
            row.append(text)


def rendered(record: RunRecord, folder: Path) -> Page:
    return Page(render(record, folder).read_text(encoding="utf-8"))


def shown_texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.shown()[1]]


def markdown_tables(text: str) -> dict[str, list[list[str]]]:
    """The body rows of each table by the heading above it, without Markdown's escapes."""
    tables: dict[str, list[list[str]]] = {}
    rows: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("## "):
            rows = tables[line[3:]] = []
        elif line.startswith("| "):
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            rows.append([re.sub(r"\\(.)", r"\1", cell.strip()) for cell in cells])
    return {title: rows[2:] for title, rows in tables.items()}


def with_variants(*variants: VariantRow) -> RunRecord:
    return replace(sample_record(), variants=list(variants))


def command_mode_only() -> VariantRow:
    """A model that takes no audio: one stage, nothing heard."""
    row = measured("ds-cnn", "DS-CNN", 90_000, seed=5)
    return replace(
        row,
        stage_us={"inference": row.stage_us["inference"]},
        stimuli=[],
        false_accepts=[],
        audio_s=None,
        listening_wall_s=None,
        parity={**row.parity, "recordings": 0, "features_equal": 0},
    )


def not_built() -> VariantRow:
    return VariantRow("broken", "Broken", [], faults=[Fault("build", "build: no compiler. Install one")])


RECORDS = {
    "sample": sample_record(),
    "one variant": with_variants(measured("tinyconv-int8", "TinyConv int8", 33_120, seed=2)),
    "failed only": with_variants(not_built(), too_large()),
    "external": with_variants(external()),
    "no host": with_variants(replace(external(), host=[])),
    "no stimuli": with_variants(replace(external(), stimuli=[], false_accepts=[])),
    "command mode": with_variants(command_mode_only()),
    "no variants": with_variants(),
    "real board": replace(sample_record(), board=replace(BOARD, clock="measured")),
}


@pytest.fixture(scope="module", params=RECORDS)
def night(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("night")
    record = RECORDS[request.param]
    return record, folder, rendered(record, folder)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    return folder, rendered(sample_record(), folder)


def test_all_files_are_written(night):
    _, folder, _ = night
    assert {"report.html", "report.md", *(f"{name}.csv" for name in REQUIRED_CSVS)} <= {
        path.name for path in folder.iterdir()
    }


def test_every_element_is_closed_and_every_id_is_used_once(night):
    *_, page = night
    assert page.open == []
    assert [name for name, times in page.ids.items() if times > 1] == []


def test_nothing_comes_from_outside(night):
    _, folder, page = night
    assert not {"script", "link", "iframe", "object", "img", "base"} & {tag for tag, _ in page.elements}
    for _, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "action"):
            assert not re.search(r"^\s*\w+:|//", attributes.get(name) or "")
    assert not re.search(r"url\((?!#)|@import|https?:", (folder / "report.html").read_text())


def test_references_within_the_page_lead_somewhere(night):
    _, folder, page = night
    wanted = re.findall(r'(?:url\(|href=")#([^")]+)', (folder / "report.html").read_text())
    assert set(wanted) <= set(page.ids)


def test_linked_tables_are_there(night):
    _, folder, page = night
    links = {attributes["href"] for tag, attributes in page.elements if tag == "a" and attributes["href"]}
    assert {link for link in links if link.endswith((".csv", ".md"))} <= {
        path.name for path in folder.iterdir()
    }


def test_the_page_shows_every_table(night):
    record, _, page = night
    expected = {name: shown_texts(table) for name, table in all_tables(record).items() if len(table.frame)}
    assert page.tables == expected


def test_markdown_shows_every_table(night):
    record, folder, _ = night
    found = markdown_tables((folder / "report.md").read_text())
    for table in all_tables(record).values():
        if len(table.frame):
            columns, rows = table.shown()
            expected = [
                [
                    f"[{cell.text}]({cell.text})" if column.mark == "link" else cell.text
                    for column, cell in zip(columns, row, strict=True)
                    if column.mark != "interval"
                ]
                for row in rows
            ]
            assert found[table.title] == expected


def test_csvs_hold_the_figures_behind_the_page(night):
    record, folder, _ = night
    frames = {name: table.frame for name, table in all_tables(record).items()} | all_series(record)
    for name, frame in frames.items():
        rows = list(csv.reader(io.StringIO((folder / f"{name}.csv").read_text())))
        assert rows[0] == list(frame.columns)
        assert rows[1:] == [
            ["" if value is None else str(value) for value in row] for row in frame.itertuples(index=False)
        ]


def test_csvs_read_back_show_the_texts_of_the_page(night):
    record, folder, page = night
    for name in ("host", "latency", "sizes", "accuracy", "listening", "overview"):
        table = all_tables(record)[name]
        frame = pd.read_csv(folder / f"{name}.csv").astype(object)
        read = replace(table, frame=frame.where(frame.notna(), None))
        assert shown_texts(read) == page.tables.get(name, [])


def test_none_is_never_shown_as_a_figure_or_a_word(night):
    *_, page = night
    text = page.text.replace("arm-none-eabi", "")
    assert not re.search(r"(?i)\b(none|nan|inf|null|undefined)\b", text)


def test_the_same_record_gives_the_same_bytes(sample, tmp_path):
    folder, _ = sample
    render(sample_record(), tmp_path)
    for path in folder.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_what_was_not_measured_has_no_zero(tmp_path):
    page = rendered(with_variants(not_built(), too_large()), tmp_path)
    for name in ("overview", "host", "latency", "sizes"):
        for row in page.tables[name]:
            assert not {"0", "0 µs", "0 %"} & {text.replace("\u00a0", " ") for text in row}


@pytest.mark.parametrize("word", ["modeled", "instructions"])
def test_emulated_times_are_labeled_where_they_stand(sample, tmp_path, word):
    _, page = sample
    if word != "modeled":
        page = rendered(replace(sample_record(), board=replace(BOARD, clock=word)), tmp_path)
    assert all(word in row for row in page.tables["host"] if "MCU" in row and "ms" in " ".join(row))
    for heading in (f"Inference ({word})", f"All stages ({word})", f"Stage ({word})", f"MCU ({word})"):
        assert heading in page.text
    assert f"({word})" in page.text.split("Earshot", 2)[2].split("At a glance")[0]


def test_a_fault_stands_near_the_top_with_its_remedy(sample):
    _, page = sample
    assert page.text.index("412,880 bytes of ram") < page.text.index("CPU, GPU and MCU")
    assert "Choose a smaller variant" in page.text


def test_a_gpu_that_is_not_there_says_so(sample):
    _, page = sample
    row = next(row for row in page.tables["host"] if row[1] == "GPU")
    assert row[4:6] == ["–", "–"]
    assert row[-1] == "no CUDA device"


def test_a_time_without_a_spread_is_shown_without(tmp_path):
    row = HostRow("cpu", "Example CPU", "torch", 2, 3, 16_825.0, None, None, 0.0, "")
    page = rendered(with_variants(replace(command_mode_only(), host=[row])), tmp_path)
    shown = next(row for row in page.tables["host"] if row[1] == "CPU")
    assert [text.replace("\u00a0", " ") for text in shown[4:6]] == ["16.8 ms", "–"]


def test_a_gpu_that_is_there_is_compared(tmp_path):
    gpu = HostRow("gpu", "Example GPU", "torch", None, 500, 150.0, 140.0, 160.0, 0.004, "")
    page = rendered(with_variants(replace(command_mode_only(), host=[gpu])), tmp_path)
    row = next(row for row in page.tables["host"] if row[1] == "GPU")
    assert row[4].replace("\u00a0", " ") == "150 µs"
    assert "Example GPU" in page.text


def test_hostile_texts_stay_texts(tmp_path):
    variant = measured("hostile", HOSTILE, 33_120, seed=2)
    stimulus = StimulusRow(HOSTILE, HOSTILE, HOSTILE, 1.0, 1.5, HOSTILE, 220, 1.8, True)
    record = replace(
        with_variants(
            replace(
                variant,
                labels=[HOSTILE],
                stimuli=[stimulus],
                transcripts={HOSTILE: f"javascript:alert(1)//{HOSTILE}"},
                notes=[HOSTILE],
                faults=[Fault("protocol", f"protocol: {HOSTILE}\nsecond line")],
            )
        ),
        environment={HOSTILE: HOSTILE},
    )
    page = rendered(record, tmp_path)
    assert not {"script", "img"} & {tag for tag, _ in page.elements}
    assert page.open == []
    assert page.tables["words"][0][1] == HOSTILE
    links = [attributes["href"] or "" for tag, attributes in page.elements if tag == "a"]
    assert not [link for link in links if ":" in link]
    markdown = (tmp_path / "report.md").read_text()
    assert not re.search(r"(?<!\\)<img", markdown)
    assert markdown_tables(markdown)["Word by word"][0][1].replace("&amp;", "&") == HOSTILE


def test_links_to_transcripts_are_relative_and_quoted(tmp_path):
    variant = replace(command_mode_only(), transcripts={"listening": "a night/listening #1.log"})
    page = rendered(with_variants(variant), tmp_path)
    assert ("a", {"href": "a%20night/listening%20%231.log"}) in page.elements


def test_a_loss_that_left_the_numbers_is_no_figure(tmp_path):
    variant = command_mode_only()
    assert variant.model
    epochs = [replace(epoch, training_loss=math.nan) for epoch in variant.model.epochs]
    page = rendered(with_variants(replace(variant, model=replace(variant.model, epochs=epochs))), tmp_path)
    assert "nan" not in page.text


def test_no_half_written_file_is_left(sample):
    folder, _ = sample
    assert not list(folder.glob(".*"))
