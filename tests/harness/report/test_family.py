from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from html_page import HOSTILE, Page, plain, shown_tables
from hypothesis import given
from hypothesis import strategies as st
from sample_family import (
    CHANNELS,
    WEIGHTS,
    family_run,
    not_deployable,
    pruned,
    quantized,
    sparse_run,
    trained,
)
from sample_run import sample_record
from study_records import study_record

from harness.records.record import Fault, RunRecord, VariantRow
from harness.records.study import RECORD, write_study
from harness.report.pages.family import family_tables, headline, render_family
from harness.report.pages.family_entries import different_models, entries_of, float32_of
from harness.report.pages.family_tables import (
    comparison_table,
    confusions,
    front,
    pairs_table,
    pareto_front,
    pruned_table,
    pruning_sentences,
    series_of,
)
from harness.report.pages.run import render_run


def run_of(*rows: VariantRow) -> RunRecord:
    return replace(family_run(), variants=list(rows))


def entries(*rows: VariantRow):
    return entries_of([run_of(*rows)])


def tables_of(records):
    found = entries_of(records)
    return family_tables(found, series_of(found, "channels"), series_of(found, "weights"))


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """The page of two runs, in the folder of the first."""
    folder = tmp_path_factory.mktemp("runs")
    records = {folder / "dense": family_run(), folder / "sparse": sparse_run()}
    for place, record in records.items():
        render_run(record, place)
    studies = folder / "studies"
    write_study(study_record(), studies / "cuts" / RECORD)
    page = render_family(records, folder / "dense", studies)
    return list(records.values()), page.parent, Page(page.read_text(encoding="utf-8"))


# The front


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_the_front_has_the_points_that_no_other_point_dominates(points):
    def dominates(one, other):
        return one[0] <= other[0] and one[1] >= other[1] and one != other

    expected = {i for i, point in enumerate(points) if not any(dominates(other, point) for other in points)}
    chosen = front(points)
    assert set(chosen) == expected
    assert [points[index][0] for index in chosen] == sorted(points[index][0] for index in chosen)


def test_a_variant_with_a_fault_is_on_no_front():
    fast = trained("tinyconv", "int8", 1, 0.99)
    broken = replace(fast, faults=[Fault("protocol", "protocol: it fell silent")])
    found = entries(broken, trained("tinyconv", "float32", 20_000, 0.8))
    assert [entry.variant.id for entry in pareto_front(found)] == ["tinyconv-float32"]


# References


def test_ratios_are_to_float32_of_the_same_network():
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
    for entry in found:
        if (reference := float32_of(entry, found)) is not None:
            assert reference.record is entry.record


def test_another_seed_is_no_reference():
    other = trained("tinyconv", "int8", 10_000, 0.9)
    other = replace(other, model=replace(other.model, seed=2))
    found = entries(trained("tinyconv", "float32", 20_000, 0.9), other)
    assert float32_of(next(entry for entry in found if entry.kind == "int8"), found) is None


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


def test_a_model_that_two_engines_ran_is_compared_once():
    both = entries_of([family_run(), family_run()])
    assert len(different_models(both)) < len(both)


# Sentences


def test_the_effect_of_pruning_is_summarized_by_device():
    rows = [trained("tinyconv", "int8", 10_000, 0.9)]
    rows += [pruned("tinyconv", "channels", share, 10_000 * (1 - share), 0.8) for share in (0.25, 0.5)]
    rows = [
        replace(row, host=[replace(row.host[0], median_us=time)])
        for row, time in zip(rows, (20.0, 25.0, 22.0), strict=True)
    ]
    (text,) = pruning_sentences(series_of(entries(*rows), "channels"), "channels")
    assert plain(text) == (
        "TinyConv, 50 % of the channels pruned: 10.0 ms to 5.00 ms (−50.0 %) on the board, "
        "20.0 µs to 22.0 µs (+10.0 %) on the CPU, 15,000 to 9,000 bytes compressed."
    )


def test_the_effect_of_pruning_is_summarized_by_engine():
    found = entries_of([family_run(), sparse_run()])
    dense, sparse = pruning_sentences(series_of(found, "weights"), "weights")
    assert "engine codegen, " in dense and "engine codegen-sparse, " in sparse


def test_a_series_without_its_own_unpruned_network_uses_that_of_another_engine():
    sparse = sparse_run()
    sparse = replace(sparse, variants=sparse.variants[1:])
    found = entries_of([family_run(), sparse])
    series = next(one for one in series_of(found, "weights") if one.engine == "codegen-sparse")
    assert (series.unpruned.engine, series.unpruned.threshold) == ("codegen", None)
    frame = pruned_table([series], "weights", "").frame
    assert list(frame["note"]) == ["engine codegen"] + [""] * len(WEIGHTS)
    assert frame["mcu_share"].iloc[-1] == pytest.approx(0.1, rel=0.1)


def test_the_headline_counts_measured_variants_and_gaps():
    found = entries(
        trained("tinyconv", "float32", 20_000, 0.9),
        trained("tinyconv", "int8", 10_000, 0.9),
        not_deployable(quantized("bits-4", "4 bits", 4, "float32", 0)),
    )
    text = plain(" ".join(headline(found)))
    assert "of 2 variants" in text
    assert "Not measured on a board: 1 variant." in text


def test_the_headline_says_if_nothing_was_measured():
    rows = [not_deployable(quantized(f"bits-{bits}", f"{bits} bits", bits, "float32", 0)) for bits in (2, 3)]
    assert headline(entries(*rows)) == ["2 variants, none of them measured on a board."]


# Tables


def test_pairs_count_the_clips_that_only_one_got_right():
    found = entries(trained("tinyconv", "float32", 20_000, 0.9), trained("tinyconv", "int8", 10_000, 0.7))
    row = pairs_table(found).frame.iloc[0]
    whole, other = (next(entry for entry in found if entry.kind == kind) for kind in ("float32", "int8"))
    pairs = list(zip(other.right, whole.right, strict=True))
    assert row["only_variant"] == pairs.count((True, False))
    assert row["only_reference"] == pairs.count((False, True))
    assert row["difference"] == pytest.approx((sum(other.right) - sum(whole.right)) / len(pairs))
    assert row["reads"] == "worse"


def test_different_clips_are_not_paired():
    other = trained("tinyconv", "int8", 10_000, 0.7)
    other = replace(other, model=replace(other.model, test_labels=list(reversed(other.model.test_labels))))
    assert pairs_table(entries(trained("tinyconv", "float32", 20_000, 0.9), other)).frame.empty


def test_a_confusion_matrix_counts_every_clip_once():
    (entry,) = entries(trained("tinyconv", "int8", 10_000, 0.7))
    (matrix,) = confusions([entry])
    assert sum(map(sum, matrix.counts)) == len(entry.right)
    assert sum(row[index] for index, row in enumerate(matrix.counts)) == sum(entry.right)


def test_every_gap_has_its_reason():
    frame = tables_of([family_run()])["family"].frame
    assert {row.variant: row.note for row in frame.itertuples() if row.note} == {
        "TinyConv, 4 bits": "no board can run it: 4-bit integers",
        "DS-CNN, int8, 5 % of the channels pruned": "failed: does-not-fit",
        "all-pruned": "failed: config",
    }


# The page


def test_the_page_is_well_formed_and_self_contained(rendered):
    _, folder, page = rendered
    page.check()
    html = (folder / "family.html").read_text()
    assert html.count("<script") == 1 and "src=" not in html and "innerHTML" not in html
    assert not {"img", "button"} & set(page.tags)
    assert not re.search(r"url\((?!#)|@import|https?:", html)


def test_the_page_shows_every_table_and_matrix(rendered):
    records, folder, page = rendered
    tables = tables_of(records)
    drawn = [attributes for _, attributes in page.elements if attributes.get("class") == "matrix"]
    assert len(drawn) == len(confusions(different_models(entries_of(records))))
    confusion = tables.pop("confusion")
    assert page.tables == shown_tables(tables)
    for table in (confusion, *tables.values()):
        assert (folder / f"{table.name}.csv").read_text() == table.csv()


def test_columns_sort_by_raw_values(rendered):
    _, folder, _ = rendered
    values = re.findall(r'data-sort="([^"]*)"', (folder / "family.html").read_text())
    assert values and all(math.isfinite(float(value)) for value in values)


def test_links_lead_to_runs_and_studies(rendered):
    _, folder, page = rendered
    assert {"report.html", "../sparse/report.html", "../studies/cuts/study.html"} <= page.links
    assert [link for link in page.links if not (folder / link).exists() and "studies" not in link] == []
    assert page.ids["plot-study-cuts"] == 1
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


def test_hostile_texts_stay_texts(tmp_path):
    row = trained("tinyconv", "int8", 10_000, 0.9)
    hostile = replace(
        row,
        title=HOSTILE,
        labels=[f"{HOSTILE}{index}" for index in range(4)],
        model=replace(row.model, network=HOSTILE),
        faults=[Fault("build", HOSTILE)],
    )
    page = Page(render_family({tmp_path: run_of(hostile)}, tmp_path).read_text())
    assert page.tags.count("script") == 1 and "img" not in page.tags


def test_a_record_without_details_of_models_has_a_page(tmp_path):
    Page(render_family({tmp_path: sample_record()}, tmp_path).read_text()).check()
