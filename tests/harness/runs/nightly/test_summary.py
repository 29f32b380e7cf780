"""The verdict as Markdown for a chat, and as JUnit XML for a CI."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from small_nights import series, verdict, verdict_of_every_status

from harness.records.verdict import STATUSES
from harness.runs.nightly.junit import junit, outcome
from harness.runs.nightly.summary import MOST_ROWS, summarize

STARTED = "2026-11-20T01:00:00Z"


def rows_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("- ")]


def test_summary_lists_every_deviation_the_gravest_first():
    text = summarize(verdict_of_every_status())
    assert text.startswith("**Earshot on desk: regressed.** The sentence.")
    assert [row.split()[1].rstrip(":") for row in rows_of(text)] == [
        status for status in STATUSES if status != "ok"
    ]


def test_summary_of_a_quiet_night_is_one_line():
    text = summarize(verdict(series("ok"), status="ok"))
    assert text.count("\n") == 1 and "baseline accept" not in text


def test_many_microseconds_come_before_a_large_share_of_a_few():
    stage = series("changed", variant="short", value=4.28, reference=4.04, change=0.06)
    whole = series("changed", variant="long", value=11_157, reference=11_000, change=0.014)
    assert "`long/" in rows_of(summarize(verdict(stage, whole, status="changed")))[0]


def test_summary_names_at_most_ten_series():
    many = [series("changed", variant=f"m{number}") for number in range(MOST_ROWS + 3)]
    rows = rows_of(summarize(verdict(*many, status="changed")))
    assert len(rows) == MOST_ROWS + 1 and rows[-1] == "- and 3 more"


def test_row_shows_both_values_and_the_change():
    changed = series("changed", value=1040, reference=1000, change=0.04)
    text = summarize(verdict(changed, series("new"), status="changed"))
    assert "1,000 µs → 1,040 µs (+4.00\u00a0%)" in text
    assert '`earshot baseline accept --board desk --reason "…"`' in text
    advisory = summarize(verdict(series("regressed", True), series("ok"), series("noisy")))
    assert "- regressed (advisory): " in advisory
    assert "baseline accept" not in summarize(verdict(series("noisy"), status="noisy"))


def test_first_night_does_not_list_its_series():
    text = summarize(verdict(series("new"), status="new", proposes_epoch=True))
    assert "desk has no baseline yet" in text and text.count("\n") == 1


def cases(text: str) -> dict[str, ElementTree.Element]:
    return {
        case.get("classname").split(".")[1]: case for case in ElementTree.fromstring(text).iter("testcase")
    }


def test_junit_outcome_of_every_status():
    statuses = {
        "failure": {"regressed", "changed"},
        "error": {"broken", "missing"},
        "skipped": {"suspect", "env-changed", "canary-moved", "noisy"},
        "system-out": {"improved", "new", "ok"},
    }
    text = junit(verdict_of_every_status(), STARTED, 61.5)
    found = cases(text)
    assert len(found) == len(STATUSES)
    for tag, named in statuses.items():
        for status in named:
            (child,) = found[f"model-{status}"]
            assert child.tag == tag
            sentence = f"model-{status}/codegen/inference_us/clip is {status}."
            assert sentence in (child.get("message") or child.text)
    (suite,) = ElementTree.fromstring(text)
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped", "time")}
    assert counts == {"tests": "11", "failures": "2", "errors": "2", "skipped": "4", "time": "61.500"}


@pytest.mark.parametrize("status", ["regressed", "changed"])
def test_advisory_deviation_is_skipped_in_junit(status):
    (case,) = cases(junit(verdict(series(status, advisory=True)), STARTED, None)).values()
    assert [child.tag for child in case] == ["skipped"]
    assert case[0].get("message").startswith(f"{status}, advisory: ")
    assert outcome(series("broken", advisory=True)) == "error"


def test_junit_of_a_night_without_series_is_one_case_with_the_reason():
    (case,) = ElementTree.fromstring(junit(verdict(status="broken"), STARTED, None)).iter("testcase")
    assert [child.tag for child in case] == ["error"]
    assert "The sentence." in case[0].get("message")


def test_characters_that_xml_lacks_are_replaced():
    odd = type(series("broken"))(
        "m/codegen/inference_us/clip", "broken", "\x1b[31mred\x1b[0m \ud800 & <b> \x00"
    )
    (case,) = ElementTree.fromstring(junit(verdict(odd), STARTED, None)).iter("testcase")
    assert "[31mred" in case[0].get("message") and "& <b>" in case[0].get("message")
