"""The verdict as JUnit's XML."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from made_verdicts import night, of_every_status, series

from harness.records.verdict import STATUSES
from harness.runs.nightly.junit import junit, outcome


def cases(text: str) -> dict[str, ElementTree.Element]:
    return {
        case.get("classname").split(".")[1]: case for case in ElementTree.fromstring(text).iter("testcase")
    }


@pytest.mark.parametrize(
    ("status", "element"),
    [
        ("regressed", "failure"),
        ("changed", "failure"),
        ("broken", "error"),
        ("missing", "error"),
        ("suspect", "skipped"),
        ("env-changed", "skipped"),
        ("canary-moved", "skipped"),
        ("noisy", "skipped"),
    ],
)
def test_a_status_is_the_outcome_that_a_ci_knows(status, element):
    case = cases(junit(of_every_status(), "2026-11-20T01:00:00Z", 60.0))[f"model-{status}"]
    assert [child.tag for child in case] == [element]
    assert f"model-{status}/codegen/inference_us/clip is {status}." in case[0].get("message")


@pytest.mark.parametrize("status", ["improved", "new", "ok"])
def test_what_is_well_passes_and_says_its_sentence(status):
    case = cases(junit(of_every_status(), "2026-11-20T01:00:00Z", 60.0))[f"model-{status}"]
    assert [child.tag for child in case] == ["system-out"]
    assert f"is {status}." in case[0].text


@pytest.mark.parametrize("status", ["regressed", "changed"])
def test_what_is_advisory_is_no_failure_and_says_so(status):
    case = cases(junit(night(series(status, advisory=True)), "2026-11-20T01:00:00Z", None))[f"model-{status}"]
    assert [child.tag for child in case] == ["skipped"]
    assert case[0].get("message").startswith(f"{status}, advisory: ")


def test_what_is_broken_is_an_error_though_it_is_advisory():
    assert outcome(series("broken", advisory=True)) == "error"


def test_the_counts_are_those_of_the_cases():
    (suite,) = ElementTree.fromstring(junit(of_every_status(), "2026-11-20T01:00:00Z", 61.5))
    told = {name: int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")}
    assert told == {
        "tests": len(STATUSES),
        "failures": len(list(suite.iter("failure"))),
        "errors": len(list(suite.iter("error"))),
        "skipped": len(list(suite.iter("skipped"))),
    }
    assert suite.get("time") == "61.500"


def test_a_night_without_series_is_one_case_that_says_why():
    root = ElementTree.fromstring(junit(night(status="broken"), "2026-11-20T01:00:00Z", None))
    (case,) = root.iter("testcase")
    assert [child.tag for child in case] == ["error"]
    assert "The sentence." in case[0].get("message")


def test_what_xml_cannot_write_is_replaced():
    odd = series("broken")
    odd = type(odd)(odd.series, "broken", "\x1b[31mred\x1b[0m \ud800 & <b> \x00")
    (case,) = ElementTree.fromstring(junit(night(odd), "2026-11-20T01:00:00Z", None)).iter("testcase")
    assert "[31mred" in case[0].get("message") and "& <b>" in case[0].get("message")
