from __future__ import annotations

import csv
import io
import itertools
import re
from dataclasses import replace
from pathlib import Path

import matplotlib
import pandas as pd
import pytest
from html_page import HOSTILE, Page, markdown_tables, plain, shown_tables, shown_texts
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation
from samples import BOARD, external, family_run, measured, sample_record, too_large

from harness.records.record import Fault, RunRecord, StimulusRow, VariantRow
from harness.records.verdict import RunVerdict, SeriesVerdict
from harness.report.pages.run import headline, render_run, summary_text
from harness.report.pages.run_plots import draw_devices, draw_timeline
from harness.report.pages.run_tables import all_tables
from harness.report.plot import STYLE
from harness.report.verdict import verdict_sentence, verdict_table


def rendered(record: RunRecord, folder: Path) -> Page:
    return Page(render_run(record, folder).read_text(encoding="utf-8"))


def with_variants(*variants: VariantRow) -> RunRecord:
    return replace(sample_record(), variants=list(variants))


def command_mode_only() -> VariantRow:
    """A model that takes no audio: one stage, and no detections."""
    row = measured("ds-cnn", "DS-CNN", 90_000, seed=5)
    return replace(
        row,
        stage_us={"inference": row.stage_us["inference"]},
        stimuli=[],
        false_accepts=[],
        audio_s=None,
        listening_wall_s=None,
        parity=replace(row.parity, recordings=0, features_equal=0),
    )


def not_built() -> VariantRow:
    return VariantRow("broken", "Broken", [], faults=[Fault("build", "build: no compiler. Install one")])


RECORDS = {
    "equal titles": with_variants(*(replace(row, title="TinyConv") for row in sample_record().variants)),
    "sample": sample_record(),
    "failed only": with_variants(not_built(), too_large()),
    "no host": with_variants(replace(external(), host=[])),
    "command mode": with_variants(command_mode_only()),
}


@pytest.fixture(scope="module", params=RECORDS)
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    record = RECORDS[request.param]
    return record, folder, rendered(record, folder)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    return folder, rendered(sample_record(), folder)


def test_the_page_is_well_formed_and_self_contained(run):
    _, folder, page = run
    page.check()
    assert not {"script", "img"} & set(page.tags)
    assert not re.search(r"url\((?!#)|@import|https?:", (folder / "report.html").read_text())
    files = {path.name for path in folder.iterdir()}
    assert {link for link in page.links if link.endswith((".csv", ".md"))} <= files


def test_the_page_shows_every_table(run):
    record, _, page = run
    assert page.tables == shown_tables(all_tables(record))


def test_csvs_hold_the_values_behind_the_page(run):
    record, folder, page = run
    for name, table in all_tables(record).items():
        rows = list(csv.reader(io.StringIO((folder / f"{name}.csv").read_text())))
        assert rows[0] == list(table.frame.columns)
        assert len(rows) == len(table.frame) + 1
    for name in ("host", "latency", "sizes", "overview"):
        frame = pd.read_csv(folder / f"{name}.csv").astype(object)
        rows = frame.where(frame.notna(), None).to_dict("records")
        read = replace(all_tables(record)[name], rows=rows)
        assert shown_texts(read) == page.tables.get(name, [])


def test_markdown_has_the_overview_and_the_faults(sample):
    folder, _ = sample
    found = markdown_tables((folder / "report.md").read_text())
    tables = all_tables(sample_record())
    assert found == {tables[name].title: shown_texts(tables[name]) for name in ("overview", "faults")}


def test_the_same_record_gives_the_same_bytes(sample, tmp_path):
    folder, _ = sample
    render_run(sample_record(), tmp_path)
    for path in folder.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_missing_measurements_are_never_zero(tmp_path):
    page = rendered(with_variants(not_built(), too_large()), tmp_path)
    for name in ("overview", "host", "latency", "sizes"):
        for row in page.tables[name]:
            assert not {"0", "0 µs", "0 %"} & {plain(text) for text in row}


@pytest.mark.parametrize("word", ["modeled", "instructions"])
def test_emulated_times_are_labeled(sample, tmp_path, word):
    _, page = sample
    if word != "modeled":
        page = rendered(replace(sample_record(), board=replace(BOARD, clock=word)), tmp_path)
    assert all(word in row for row in page.tables["host"] if "MCU" in row and "ms" in " ".join(row))
    for heading in (f"Inference ({word})", f"All stages ({word})", f"Stage ({word})", f"MCU ({word})"):
        assert heading in page.text
    assert f"({word})" in page.text.split("Earshot", 2)[2].split("At a glance")[0]


def test_a_fault_stands_near_the_top_with_its_remedy(sample):
    _, page = sample
    assert page.text.index("412,880 bytes of ram") < page.text.index("Devices")
    assert "Choose a smaller variant" in page.text


def test_hostile_texts_stay_texts(tmp_path):
    variant = replace(
        measured("hostile", HOSTILE, 33_120, seed=2),
        labels=[HOSTILE],
        stimuli=[StimulusRow(HOSTILE, HOSTILE, HOSTILE, 1.0, 1.5, HOSTILE, 220, 1.8, True)],
        transcripts={HOSTILE: f"javascript:alert(1)//{HOSTILE}"},
        notes=[HOSTILE],
        faults=[Fault("protocol", f"protocol: {HOSTILE}\nsecond line")],
    )
    page = rendered(replace(with_variants(variant), environment={HOSTILE: HOSTILE}), tmp_path)
    assert not {"script", "img"} & set(page.tags)
    assert page.open == []
    assert page.tables["words"][0][1] == HOSTILE
    assert not [link for link in page.links if ":" in link]
    markdown = (tmp_path / "report.md").read_text()
    assert not re.search(r"(?<!\\)<img", markdown)
    assert markdown_tables(markdown)["At a glance"][0][0].replace("&amp;", "&") == HOSTILE


def test_estimates_stand_beside_image_and_arena():
    row = next(row for row in family_run().variants if row.id == "tinyconv-int8")
    frame = all_tables(with_variants(row))["sizes"].frame.iloc[0]
    assert (frame["weights_flash_bytes"], frame["live_ram_bytes"]) == (16_688, 5_960)
    assert frame["flash_share"] == pytest.approx(row.firmware.flash_bytes / 983_040)


def test_operators_without_a_fast_kernel_are_marked():
    row = next(row for row in family_run().variants if row.id == "tinyconv-int8")
    marked = replace(row, firmware=replace(row.firmware, portable="CONV_2D (operator 3)"))
    assert all_tables(with_variants(marked))["models"].frame["portable"].tolist() == ["CONV_2D (operator 3)"]


def test_a_footprint_has_a_column_where_it_is_not_the_usual_one():
    row = next(row for row in family_run().variants if row.id == "tinyconv-int8")
    small = replace(row, firmware=replace(row.firmware, footprint="small"))
    usual, marked = (all_tables(with_variants(one))["models"].aligned() for one in (row, small))
    assert "footprint" not in usual
    assert re.search(r"footprint.*\n.* small ", marked)


def sentences(record) -> list[str]:
    return [plain(sentence) for sentence in headline(record, all_tables(record))]


def test_the_headline_has_the_key_result_and_compares_it():
    first, second, *_ = sentences(sample_record())
    assert first == (
        "TinyConv int8 takes 33.1 ms per inference on the emulated Cortex-M4F (modeled) "
        "and detects 7 of 10 keywords."
    )
    assert "3.88 × faster than TinyConv float32 on the same board" in second
    assert "1,370 × slower than ONNX Runtime on this host's CPU" in second


def test_a_faulty_variant_does_not_lead_the_headline():
    record = sample_record()
    faulty = replace(measured("fast", "Too fast", 10, seed=9), faults=too_large().faults)
    assert "TinyConv int8" in sentences(replace(record, variants=[faulty, *record.variants]))[0]


def test_the_headline_says_if_nothing_was_measured():
    assert sentences(with_variants(too_large())) == [
        "Nothing was measured on the emulated Cortex-M4F.",
        "Failed: WideConv float32 (does-not-fit).",
    ]


def test_the_headline_says_if_the_run_was_interrupted():
    record = sample_record()
    assert any("interrupted" in line for line in sentences(replace(record, run={**record.run, "ended": ""})))


def test_the_summary_aligns_a_row_for_each_variant_and_lists_faults():
    lines = summary_text(sample_record()).splitlines()
    header = next(line for line in lines if line.startswith("Variant"))
    column = header.index(" bytes ") + len(" bytes")
    row = next(line for line in lines if line.startswith("TinyConv int8  "))
    assert row[:column].endswith("61,312")
    assert any(line.startswith("WideConv float32: does-not-fit: the image needs") for line in lines)
    assert "Nothing was measured" in summary_text(with_variants())


def test_the_summary_of_the_default_variants_fits_120_columns():
    title = "TinyConv, int8 by quantization-aware training"
    table = summary_text(with_variants(measured("tinyconv-aware", title, 11_000, seed=1))).split("\n\n")[1]
    assert max(map(len, table.splitlines())) <= 120


def test_a_variant_in_command_mode_says_so_in_the_summary():
    assert "in command mode, without words" in summary_text(with_variants(command_mode_only()))


# The verdict

SLOW = SeriesVerdict(
    "a/codegen/inference_us/clip", "regressed", "a is slower.", value=1040.0, reference=1000.0, change=0.04
)
LARGE = SeriesVerdict(
    "a/codegen/flash_bytes/-",
    "changed",
    "a is larger.",
    advisory=True,
    value=1100,
    reference=1000,
    change=0.1,
)
FINE = SeriesVerdict("b/codegen/inference_us/clip", "ok", "b is as before.")
VERDICT = RunVerdict(
    "1",
    "desk",
    "regressed",
    "1 regressed, 1 changed of 3 series on desk: a is slower: accept it with `earshot baseline accept`.",
    3,
    (FINE, LARGE, SLOW),
)


def test_the_page_begins_with_the_verdict(tmp_path):
    judged = replace(sample_record(), verdict=VERDICT)
    page = render_run(judged, tmp_path).read_text()
    assert "<h1>1 regressed, 1 changed of 3 series on desk.</h1>" in page
    assert 'id="verdict"' in page and "a is slower." in page
    assert page.index('id="verdict"') < page.index('id="overview"')
    assert "b is as before." not in page


def test_the_rows_are_those_that_are_not_as_accepted_the_gravest_first():
    _, rows = verdict_table(replace(sample_record(), verdict=VERDICT)).shown()
    assert [[cell.text for cell in row][:5] for row in rows] == [
        ["regressed", SLOW.series, "+4.00\u00a0%", "1,000.00", "1,040.00"],
        ["changed, advisory", LARGE.series, "+10.00\u00a0%", "1,000", "1,100"],
    ]


def test_a_run_without_findings_has_its_sentence_and_no_rows():
    for verdict in (
        RunVerdict("1", "desk", "broken", "The night cannot be judged on desk.", 4),
        RunVerdict("1", "desk", "ok", "Nothing changed on desk.", 0, (FINE,)),
    ):
        judged = replace(sample_record(), verdict=verdict)
        assert verdict_sentence(judged) == verdict.sentence
        assert verdict_table(judged).frame.empty
    assert verdict_sentence(sample_record()) == ""


def test_texts_of_the_timeline_lie_in_the_picture_and_do_not_overlap():
    names = ["TinyConv, int8", "A variant with a very long title, by quantization-aware training, 35 words"]
    words = [
        {
            "variant": name,
            "onset_s": 0.4 + 0.9 * place,
            "end_s": 0.9 + 0.9 * place,
            "word": "backward",
            "label": "backward",
            "source": f"{place}.wav",
            "detected": None if place % 3 else "backward",
            "detected_at_s": None if place % 3 else 1.3 + 0.9 * place,
            "correct": not place % 2,
        }
        for name in names
        for place in range(30)
    ]
    with matplotlib.rc_context(STYLE):
        figure = draw_timeline(pd.DataFrame(words))
        renderer = FigureCanvasAgg(figure).get_renderer()
        figure.draw(renderer)
        lanes: dict[tuple[float, float], list] = {}
        for axes in figure.axes:
            start, end = axes.get_xlim()
            seconds = [label for label in axes.get_xticklabels() if start <= label.get_position()[0] <= end]
            for label in axes.get_yticklabels() + seconds:
                box = label.get_window_extent(renderer)
                assert box.x0 >= 0 and box.x1 <= figure.bbox.width, label.get_text()
            for text in axes.texts:
                place = axes.get_position().y0, text.xy[1] if isinstance(text, Annotation) else 0
                lanes.setdefault(place, []).append(text.get_window_extent(renderer))
    assert len(lanes) >= 5
    for boxes in lanes.values():
        boxes.sort(key=lambda box: box.x0)
        assert len(boxes) > 1 and boxes[0].x0 >= 0 and boxes[-1].x1 <= figure.bbox.width
        assert all(one.x1 <= other.x0 for one, other in itertools.pairwise(boxes))


def test_swapped_labels_are_suspected_in_terminal_and_page(tmp_path):
    row = measured("swapped", "Swapped", 90_000, seed=5)
    other = {"yes": "no", "no": "yes"}
    swapped = [replace(one, detected=other.get(one.label), correct=False) for one in row.stimuli]
    wrong = len({one.source for one in swapped if one.label == "no"})
    sentence = f"“no” is mostly detected as “yes” by Swapped ({wrong} recordings, 0 as itself)"
    record = with_variants(replace(row, stimuli=swapped))
    assert sentence in rendered(record, tmp_path).text
    assert sentence in " ".join(summary_text(record).split())
    assert "mostly detected as" not in summary_text(with_variants(row))


def test_the_page_fits_a_phone(tmp_path):
    page = rendered(sample_record(), tmp_path)
    labels = {attributes["data-label"] for tag, attributes in page.elements if "data-label" in attributes}
    assert {"Keywords detected", "Flash, bytes: image"} <= labels
    boxes = [attributes["class"] for tag, attributes in page.elements if tag == "div"]
    assert boxes.index("narrow") == boxes.index("plot wide") + 1
    figure = draw_devices(all_tables(sample_record())["host"].frame, narrow=True)
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    texts = figure.axes[0].texts
    assert len(texts) > 10
    for text in texts:
        box = text.get_window_extent(renderer)
        assert box.x0 >= 0 and box.x1 <= figure.bbox.width, text.get_text()
