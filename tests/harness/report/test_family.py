"""The family's page: what is compared with what, what the sentences say, and the page itself."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_family import (
    CHANNELS,
    WEIGHTS,
    family_night,
    not_deployable,
    pruned,
    quantized,
    sparse_night,
    trained,
)
from study_records import claim, study_record
from test_page import HOSTILE, Page, markdown_tables, shown_texts

from harness.records.record import Fault, RunRecord, VariantRow
from harness.records.study import RECORD, write_study
from harness.report.estimates import estimates_table, layers_table, sized
from harness.report.family.comparison import comparison_table, pareto_front
from harness.report.family.entries import entries_of, float32_of
from harness.report.family.headline import headline
from harness.report.family.labels import confusions, different_models, pairs_table
from harness.report.family.page import family_tables, render_family
from harness.report.family.pareto import front
from harness.report.family.pruned import channels_sentences, pruned_table, series_of, weights_sentences
from harness.report.page import render
from harness.report.studies import sections
from harness.stats.pairing import holm


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def night_of(*rows: VariantRow) -> RunRecord:
    return replace(family_night(), variants=list(rows))


def entries(*rows: VariantRow):
    return entries_of([night_of(*rows)])


def tables_of(records):
    found = entries_of(records)
    return family_tables(found, series_of(found, "channels"), series_of(found, "weights"))


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """The page over two nights, in the first one's folder."""
    folder = tmp_path_factory.mktemp("nights")
    records = {folder / "dense": family_night(), folder / "sparse": sparse_night()}
    for place, record in records.items():
        render(record, place)
    studies = folder / "studies"
    write_study(
        study_record(claim({"criterion": ["l1"]}, {"criterion": ["random"]})), studies / "cuts" / RECORD
    )
    page = render_family(records, folder / "dense", studies)
    return list(records.values()), page.parent, Page(page.read_text(encoding="utf-8"))


# The front


POINTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12)


@given(POINTS)
def test_the_front_is_what_no_other_point_dominates(points):
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


# What is compared with what


def test_ratios_are_to_float32_of_the_same_network():
    found = entries(
        trained("tinyconv", "float32", 20_000, 0.9),
        trained("ds-cnn", "float32", 80_000, 0.9),
        trained("ds-cnn", "int8", 40_000, 0.9),
    )
    frame = comparison_table(found).frame.set_index("id")
    assert frame.loc["ds-cnn-int8", "inference_ratio"] == pytest.approx(0.5, rel=1e-3)
    assert frame.loc["tinyconv-float32", "inference_ratio"] == 1


def test_the_reference_is_of_the_same_night_before_that_of_another():
    one, two = family_night(), family_night()
    found = entries_of([one, two])
    for entry in found:
        if (reference := float32_of(entry, found)) is not None:
            assert reference.record is entry.record


def test_another_seed_is_no_reference():
    other = trained("tinyconv", "int8", 10_000, 0.9)
    other = replace(other, model=replace(other.model, seed=2))
    found = entries(trained("tinyconv", "float32", 20_000, 0.9), other)
    assert float32_of(next(entry for entry in found if entry.kind == "int8"), found) is None


def test_the_smallest_network_comes_first_and_thresholds_rise():
    found = entries_of([family_night()])
    networks = list(dict.fromkeys(entry.network for entry in found))
    assert networks == ["TinyConv", "DS-CNN", ""]
    thresholds = [
        entry.threshold for entry in found if (entry.network, entry.kind) == ("TinyConv", "channels")
    ]
    assert thresholds == list(CHANNELS)


def test_the_same_variant_with_two_engines_is_told_apart():
    titles = [entry.title for entry in entries_of([family_night(), sparse_night()])]
    assert len(set(titles)) == len(titles)
    assert "TinyConv, int8, 90 % of the weights pruned (engine codegen-sparse)" in titles
    assert "DS-CNN, int8" in titles


def test_a_model_that_two_engines_ran_is_compared_once():
    both = entries_of([family_night(), family_night()])
    assert len(different_models(both)) < len(both)


# Sentences


def test_the_board_falls_with_every_step_and_the_cpu_is_said_to_rise():
    rows = [trained("tinyconv", "int8", 10_000, 0.9)]
    rows += [pruned("tinyconv", "channels", share, 10_000 * (1 - share), 0.8) for share in (0.25, 0.5)]
    times = (20.0, 25.0, 22.0)
    rows = [
        replace(row, host=[replace(row.host[0], median_us=time)])
        for row, time in zip(rows, times, strict=True)
    ]
    (text,) = channels_sentences(series_of(entries(*rows), "channels"))
    assert "TinyConv: on the board an inference takes less with every step, from 10.0 ms at 0 %" in plain(
        text
    )
    assert "On the CPU it does not fall in 1 of 2 steps (most from 0 % to 25 %: +25.0 %)" in plain(text)
    assert "which is 110.0 % of it" in plain(text)


def test_a_board_that_does_not_fall_is_said_to_not_fall():
    rows = [trained("tinyconv", "int8", 10_000, 0.9)]
    rows += [pruned("tinyconv", "channels", share, us, 0.8) for share, us in ((0.25, 8_000), (0.5, 9_000))]
    (text,) = channels_sentences(series_of(entries(*rows), "channels"))
    assert "on the board an inference does not fall in 1 of 2 steps" in plain(text)


def test_pruned_weights_are_said_to_make_dense_kernels_no_faster_and_sparse_ones_faster():
    found = entries_of([family_night(), sparse_night()])
    dense, sparse = weights_sentences(series_of(found, "weights"))
    assert "engine codegen: " in dense and "pruning makes them no faster" in dense
    assert "engine codegen-sparse: " in sparse and "takes less with every step" in sparse
    assert re.search(r"shrinks from 15,000 to 4,200 bytes at 90 %", plain(dense))


def test_without_an_unpruned_network_of_its_own_an_engine_is_compared_with_the_others():
    sparse = sparse_night()
    sparse = replace(sparse, variants=sparse.variants[1:])
    found = entries_of([family_night(), sparse])
    series = next(one for one in series_of(found, "weights") if one.engine == "codegen-sparse")
    assert (series.unpruned.engine, series.unpruned.threshold) == ("codegen", None)
    frame = pruned_table([series], "weights", "").frame
    assert list(frame["note"]) == ["engine codegen"] + [""] * len(WEIGHTS)
    assert frame["inference_share"].iloc[-1] == pytest.approx(0.1, rel=0.1)


def test_the_headline_names_the_fastest_that_is_as_good_as_float32():
    found = entries(
        trained("tinyconv", "float32", 20_000, 0.9),
        trained("tinyconv", "int8", 10_000, 0.9),
        not_deployable(quantized("bits-4", "4 bits", 4, "float32", 0)),
    )
    text = plain(" ".join(headline(found)))
    assert "of 2 variants" in text
    assert "Without figures of a board: 1." in text


def test_a_family_that_was_never_measured_says_so():
    rows = [
        not_deployable(quantized(f"bits-{bits}", f"{bits} bits", bits, "float32", 0)) for bits in (2, 3, 4)
    ]
    assert headline(entries(*rows)) == ["3 variants, none of them measured on a board."]


# Tables


def test_pairs_count_the_clips_that_one_alone_had_right():
    found = entries(trained("tinyconv", "float32", 20_000, 0.9), trained("tinyconv", "int8", 10_000, 0.7))
    row = pairs_table(found).frame.iloc[0]
    whole, other = (next(entry for entry in found if entry.kind == kind) for kind in ("float32", "int8"))
    pairs = list(zip(other.right, whole.right, strict=True))
    assert row["only_variant"] == pairs.count((True, False))
    assert row["only_reference"] == pairs.count((False, True))
    assert row["difference"] == pytest.approx((sum(other.right) - sum(whole.right)) / len(pairs))
    assert row["reads"] == "worse"


def test_other_clips_are_not_paired():
    other = trained("tinyconv", "int8", 10_000, 0.7)
    other = replace(other, model=replace(other.model, test_labels=list(reversed(other.model.test_labels))))
    assert pairs_table(entries(trained("tinyconv", "float32", 20_000, 0.9), other)).frame.empty


@given(st.lists(st.floats(0, 1), max_size=8))
def test_corrected_p_values_are_never_smaller_and_keep_their_order(values):
    adjusted = holm(values)
    assert all(before <= after <= 1 for before, after in zip(values, adjusted, strict=True))
    order = sorted(range(len(values)), key=values.__getitem__)
    assert [adjusted[index] for index in order] == sorted(adjusted)


def test_holm_of_its_textbook_case():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_a_confusion_matrix_has_every_clip_once_and_the_right_ones_on_its_diagonal():
    (entry,) = entries(trained("tinyconv", "int8", 10_000, 0.7))
    (matrix,) = confusions([entry])
    assert sum(map(sum, matrix.counts)) == len(entry.right)
    assert sum(row[index] for index, row in enumerate(matrix.counts)) == sum(entry.right)


def test_the_error_of_an_estimate_is_against_what_image_and_arena_took():
    row = trained("tinyconv", "int8", 10_000, 0.9)
    frame = estimates_table(sized(night_of(row))).frame.iloc[0]
    assert frame["flash_error"] == pytest.approx(16_688 / row.firmware.flash_bytes - 1)
    assert frame["live_error"] == pytest.approx(5_960 / row.firmware.arena_bytes - 1)
    assert frame["weights_flash_share"] == pytest.approx(16_688 / 983_040)


def test_variants_of_the_same_layers_are_listed_once():
    rows = [pruned("tinyconv", "weights", share, 10_000, 0.9) for share in WEIGHTS]
    frame = layers_table(sized(night_of(*rows))).frame
    assert list(frame["operations"]) == [640_000, 32_000]
    assert list(frame["bias_operations"]) == [4_000, 4]
    assert frame["variants"].str.contains("and 4 more with the same layers").all()


def test_every_gap_has_its_reason():
    frame = tables_of([family_night()])["gaps"].frame
    assert dict(zip(frame["variant"], frame["reason"], strict=True)) == {
        "TinyConv, 4 bits": "no board can run it: 4-bit integers",
        "DS-CNN, int8, 5 % of the channels pruned": "failed: does-not-fit",
        "all-pruned": "failed: config",
    }


# The page


def test_the_page_shows_every_table(rendered):
    records, _, page = rendered
    tables = tables_of(records)
    shown = set(tables) - {"confusion"}
    assert page.tables == {name: shown_texts(tables[name]) for name in shown}


def test_markdown_and_csvs_hold_every_table(rendered):
    records, folder, _ = rendered
    found = markdown_tables((folder / "family.md").read_text())
    for table in tables_of(records).values():
        assert found[table.title] == shown_texts(table)
        rows = list(csv.reader(io.StringIO((folder / f"{table.name}.csv").read_text())))
        assert rows[0] == list(table.frame.columns)
        assert len(rows) == len(table.frame) + 1


def test_a_column_sorts_by_its_raw_figures(rendered):
    _, folder, _ = rendered
    html = (folder / "family.html").read_text()
    values = re.findall(r'data-sort="([^"]*)"', html)
    assert values and all(math.isfinite(float(value)) for value in values)


def test_without_its_script_the_page_lacks_nothing_but_the_sorting(rendered):
    _, folder, page = rendered
    html = (folder / "family.html").read_text()
    assert html.count("<script") == 1 and "src=" not in html
    assert "document.write" not in html and "innerHTML" not in html
    assert not {"link", "iframe", "object", "img", "base", "button"} & {tag for tag, _ in page.elements}
    assert not re.search(r"url\((?!#)|@import|https?:", html)


def test_every_element_is_closed_and_every_id_is_used_once(rendered):
    *_, page = rendered
    assert page.open == []
    assert [name for name, times in page.ids.items() if times > 1] == []


def test_links_lead_somewhere(rendered):
    _, folder, page = rendered
    links = {attributes["href"] for tag, attributes in page.elements if tag == "a"}
    assert {"report.html", "../sparse/report.html", "family.md"} <= links
    assert [link for link in links if not (folder / link).exists() and "studies" not in link] == []


def test_a_study_is_shown_with_its_verdict_and_leads_to_its_page(rendered):
    _, folder, page = rendered
    (study,) = sections(folder.parent / "studies")
    assert all(verdict in page.text for verdict in [study.title, *study.verdicts])
    assert page.ids["plot-study-cuts"] == 1
    assert ("a", {"class": "csv", "href": "../studies/cuts/study.html"}) in page.elements


def test_runtimes_are_drawn_against_the_unpruned_network_or_not_at_all(tmp_path):
    rows = [pruned("tinyconv", "channels", share, 9_000 * (1 - share), 0.8) for share in CHANNELS]
    alone = Page(render_family({tmp_path: night_of(*rows)}, tmp_path).read_text())
    whole = trained("tinyconv", "int8", 9_500, 0.9)
    together = Page(render_family({tmp_path: night_of(whole, *rows)}, tmp_path).read_text())
    assert (alone.ids["plot-channels"], together.ids["plot-channels"]) == (0, 1)


def test_a_nights_page_leads_to_the_family(rendered):
    _, folder, _ = rendered
    assert 'href="family.html"' in (folder / "report.html").read_text()


def test_a_night_of_two_variants_has_no_family(tmp_path):
    render(night_of(*family_night().variants[:2]), tmp_path)
    assert not (tmp_path / "family.html").exists()
    assert "family.html" not in (tmp_path / "report.html").read_text()


def test_confusion_matrices_are_drawn_for_every_model(rendered):
    records, _, page = rendered
    drawn = [attributes for tag, attributes in page.elements if attributes.get("class") == "matrix"]
    assert len(drawn) == len(confusions(different_models(entries_of(records))))


def test_the_same_records_give_the_same_bytes(tmp_path):
    pages = [render_family({tmp_path: family_night()}, tmp_path / name) for name in ("one", "two")]
    first, second = (sorted(page.parent.iterdir()) for page in pages)
    assert [path.name for path in first] == [path.name for path in second]
    for one, other in zip(first, second, strict=True):
        text = other.read_text()
        assert one.read_text() == text, one.name


def test_hostile_texts_stay_texts(tmp_path):
    row = trained("tinyconv", "int8", 10_000, 0.9)
    hostile = replace(
        row,
        title=HOSTILE,
        labels=[f"{HOSTILE}{index}" for index in range(4)],
        model=replace(row.model, network=HOSTILE),
        faults=[Fault("build", HOSTILE)],
    )
    page = Page(render_family({tmp_path: night_of(hostile)}, tmp_path).read_text())
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert "img" not in {tag for tag, _ in page.elements}


def test_records_of_before_have_a_page(tmp_path):
    from sample_night import sample_record

    page = Page(render_family({Path(tmp_path): sample_record()}, tmp_path).read_text())
    assert not re.search(
        r"(?i)\b(none|nan|undefined)\b", page.text.split("for (const")[0].replace("none of", "")
    )
