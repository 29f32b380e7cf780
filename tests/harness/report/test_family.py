from __future__ import annotations

import re
from dataclasses import replace

import pytest
from html_page import Page, plain, shown_tables
from samples import (
    CHANNELS,
    WEIGHTS,
    family_run,
    not_deployable,
    pruned,
    quantized,
    sample_record,
    sparse_run,
    trained,
)

from harness.records.record import Fault, RunRecord, VariantRow
from harness.report.pages.family import headline, render_family
from harness.report.pages.family_entries import entries_of, front_of, original_of
from harness.report.pages.family_plots import series_of
from harness.report.pages.family_tables import comparison_table, confusions, family_tables
from harness.report.pages.run import render_run


def run_of(*rows: VariantRow) -> RunRecord:
    return replace(family_run(), variants=list(rows))


def entries(*rows: VariantRow):
    return entries_of([run_of(*rows)])


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    records = {folder / "dense": family_run(), folder / "sparse": sparse_run()}
    for place, record in records.items():
        render_run(record, place)
    page = render_family(records, folder / "dense")
    return list(records.values()), page.parent, Page(page.read_text(encoding="utf-8"))


def test_a_variant_with_a_fault_is_on_no_front():
    fast = trained("tinyconv", "int8", 1, 0.99)
    broken = replace(fast, faults=[Fault("protocol", "protocol: it fell silent")])
    found = entries(broken, trained("tinyconv", "float32", 20_000, 0.8))
    assert [entry.variant.id for entry in front_of(found)] == ["tinyconv-float32"]


def test_ratios_are_to_original_of_the_same_network():
    found = entries(
        trained("tinyconv", "float32", 20_000, 0.9),
        trained("ds-cnn", "float32", 80_000, 0.9),
        trained("ds-cnn", "int8", 40_000, 0.9),
    )
    frame = comparison_table(found).frame.set_index("id")
    assert frame.loc["ds-cnn-int8", "mcu_ratio"] == pytest.approx(0.5, rel=1e-3)
    assert frame.loc["tinyconv-float32", "mcu_ratio"] == 1


def test_the_reference_is_from_the_same_run_if_it_is_there():
    found = entries_of([family_run(), family_run()])
    pairs = [(entry, original) for entry in found if (original := original_of(entry, found))]
    assert pairs and all(original.record is entry.record for entry, original in pairs)


def test_entries_are_ordered_by_network_size_and_threshold():
    found = entries_of([family_run()])
    assert list(dict.fromkeys(entry.network for entry in found)) == ["TinyConv", "DS-CNN", ""]
    series = [entry for entry in found if (entry.network, entry.kind) == ("TinyConv", "channels")]
    assert [entry.threshold for entry in series] == list(CHANNELS)


def test_titles_name_the_engine_where_a_variant_has_two():
    titles = [entry.title for entry in entries_of([family_run(), sparse_run()])]
    assert len(set(titles)) == len(titles)
    assert "TinyConv, int8, 90 % of the weights pruned (engine codegen-sparse)" in titles
    assert "DS-CNN, int8" in titles


def test_pruning_is_compared_with_the_unpruned_network_of_another_engine_if_need_be():
    sparse = sparse_run()
    sparse = replace(sparse, variants=sparse.variants[1:])
    series = series_of(entries_of([family_run(), sparse]), "weights")
    assert set(series) == {"TinyConv, engine codegen", "TinyConv, engine codegen-sparse"}
    whole, *others = series["TinyConv, engine codegen-sparse"]
    assert (whole.engine, whole.threshold) == ("codegen", None)
    assert [entry.threshold for entry in others] == list(WEIGHTS)


def test_the_headline_counts_measured_variants_and_gaps():
    found = entries(
        trained("tinyconv", "float32", 20_000, 0.9),
        trained("tinyconv", "int8", 10_000, 0.9),
        not_deployable(quantized("bits-4", "4 bits", 4, "float32", 0)),
    )
    text = plain(" ".join(headline(found)))
    assert "of 2 variants" in text
    assert "Not measured on a board: 1 variant." in text


def test_a_confusion_matrix_counts_every_clip_once():
    (entry,) = entries(trained("tinyconv", "int8", 10_000, 0.7))
    (matrix,) = confusions([entry])
    assert sum(map(sum, matrix.counts)) == entry.test[1]
    assert sum(row[index] for index, row in enumerate(matrix.counts)) == entry.test[0]


def test_every_gap_has_its_reason():
    frame = comparison_table(entries_of([family_run()])).frame
    assert {row.variant: row.note for row in frame.itertuples() if row.note} == {
        "TinyConv, 4 bits": "no board can run it: 4-bit integers",
        "DS-CNN, int8, 5 % of the channels pruned": "failed: does-not-fit",
        "all-pruned": "failed: config",
    }


def test_the_page_is_well_formed_and_self_contained(rendered):
    _, folder, page = rendered
    page.check()
    html = (folder / "family.html").read_text()
    assert html.count("<script") == 1 and "src=" not in html and "innerHTML" not in html
    assert not {"img", "button"} & set(page.tags)
    assert not re.search(r"url\((?!#)|@import|https?:", html)


def test_the_page_shows_every_table_and_matrix(rendered):
    records, folder, page = rendered
    tables = family_tables(entries_of(records))
    drawn = [attributes for _, attributes in page.elements if attributes.get("class") == "matrix"]
    assert len(drawn) == len(confusions(entries_of(records)))
    for table in tables.values():
        assert (folder / f"{table.name}.csv").read_text() == table.csv()
    del tables["confusion"]
    assert page.tables == shown_tables(tables)


def test_links_lead_to_runs_and_files(rendered):
    _, folder, page = rendered
    assert {"report.html", "../sparse/report.html"} <= page.links
    assert [link for link in page.links if not (folder / link).exists()] == []
    assert 'href="family.html"' in (folder / "report.html").read_text()


def test_pruning_is_drawn_only_beside_the_unpruned_network(tmp_path):
    rows = [pruned("tinyconv", "channels", share, 9_000 * (1 - share), 0.8) for share in CHANNELS]
    alone = Page(render_family({tmp_path: run_of(*rows)}, tmp_path).read_text())
    whole = trained("tinyconv", "int8", 9_500, 0.9)
    together = Page(render_family({tmp_path: run_of(whole, *rows)}, tmp_path).read_text())
    assert (alone.ids["plot-channels"], together.ids["plot-channels"]) == (0, 1)


def test_two_variants_are_no_family(tmp_path):
    render_run(run_of(*family_run().variants[:2]), tmp_path)
    assert not (tmp_path / "family.html").exists()
    assert "family.html" not in (tmp_path / "report.html").read_text()


def test_a_record_without_details_of_models_has_a_page(tmp_path):
    Page(render_family({tmp_path: sample_record()}, tmp_path).read_text()).check()
