"""The summary for a terminal, and the headline that it shares with the page."""

from __future__ import annotations

from dataclasses import replace

from sample_family import family_night
from sample_night import measured, sample_record, too_large

from harness.report.headline import headline
from harness.report.summary import summary_text
from harness.report.tables import all_tables


def sentences(record) -> list[str]:
    return [sentence.replace("\u00a0", " ") for sentence in headline(record, all_tables(record))]


def test_the_headline_says_what_was_measured_and_the_key_result():
    first = sentences(sample_record())[0]
    assert first == (
        "TinyConv int8 takes 33.1 ms per inference on the emulated Cortex-M4F (modeled) "
        "and hears 7 of 10 keywords."
    )


def test_the_headline_compares_on_the_board_and_with_the_host():
    second = sentences(sample_record())[1]
    assert "3.88 × faster than TinyConv float32 on the same board" in second
    assert "1,370 × slower than ONNX Runtime on this host's CPU" in second


def test_a_faulty_variant_does_not_lead():
    record = sample_record()
    faulty = replace(
        measured("fast", "Too fast", 10, seed=9), faults=too_large().faults, transcripts={}, notes=[]
    )
    assert "TinyConv int8" in sentences(replace(record, variants=[faulty, *record.variants]))[0]


def test_nothing_measured_is_said_plainly():
    lines = sentences(replace(sample_record(), variants=[too_large()]))
    assert lines == [
        "Nothing was measured on the emulated Cortex-M4F.",
        "Failed: WideConv float32 (does-not-fit).",
    ]


def test_an_interrupted_run_says_so():
    record = sample_record()
    assert any("interrupted" in line for line in sentences(replace(record, run={**record.run, "ended": ""})))


def test_the_summary_has_a_row_for_each_variant_and_each_fault():
    lines = summary_text(sample_record()).splitlines()
    for title in ("TinyConv float32", "TinyConv int8", "micro_speech.tflite", "WideConv float32"):
        assert sum(line.startswith(title) for line in lines) >= 1
    assert any(line.startswith("WideConv float32: does-not-fit: the image needs") for line in lines)


def test_the_columns_of_the_summary_are_aligned():
    lines = summary_text(sample_record()).splitlines()
    header = next(line for line in lines if line.startswith("Variant"))
    column = header.index("Flash, bytes") + len("Flash, bytes")
    row = next(line for line in lines if line.startswith("TinyConv int8  "))
    assert row[:column].endswith("61,312")


def test_a_night_without_variants_has_a_summary():
    assert "Nothing was measured" in summary_text(replace(sample_record(), variants=[]))


def test_of_many_variants_the_headline_names_the_choice():
    assert "variants are worth a choice: from" in sentences(family_night())[0]
