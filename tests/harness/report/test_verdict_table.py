from __future__ import annotations

from dataclasses import replace

from samples import sample_record

from harness.records.verdict import RunVerdict, SeriesVerdict
from harness.report.pages.run import render_run
from harness.report.verdict import verdict_sentence, verdict_table

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
        ["regressed", SLOW.series, "+4.000 %", "1,000.00", "1,040.00"],
        ["changed, advisory", LARGE.series, "+10.000 %", "1,000", "1,100"],
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
