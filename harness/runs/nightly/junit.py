"""A verdict as JUnit XML, which every CI shows: one test case per series. Pure."""

from __future__ import annotations

import re
from typing import Literal
from xml.etree import ElementTree

from harness.records.verdict import DEVIATING, RunVerdict, SeriesVerdict, Status

Outcome = Literal["failure", "error", "skipped", "passed"]

_OUTCOMES: dict[Status, Outcome] = {
    "regressed": "failure",
    "changed": "failure",
    "broken": "error",
    "missing": "error",
    "suspect": "skipped",
    "canary-moved": "skipped",
    "env-changed": "skipped",
    "noisy": "skipped",
}

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, such as the escapes of a tool's colored messages."""


def outcome(verdict: SeriesVerdict) -> Outcome:
    """Return the outcome of a series; an advisory deviation is skipped, and its message says so."""
    if verdict.advisory and verdict.status in DEVIATING - {"improved"}:
        return "skipped"
    return _OUTCOMES.get(verdict.status, "passed")


def junit(verdict: RunVerdict, started: str, length_s: float | None) -> str:
    """Return the XML of a night.

    Args:
        verdict: of the night; without series it is one test case, that of the night itself.
        started: ISO 8601.
        length_s: of the night; None if unknown.
    """
    outcomes = [outcome(item) for item in verdict.series] or [_of_night(verdict)]
    counts = {
        "tests": str(len(outcomes)),
        "failures": str(outcomes.count("failure")),
        "errors": str(outcomes.count("error")),
        "skipped": str(outcomes.count("skipped")),
        "time": f"{length_s or 0.0:.3f}",
    }
    suites = ElementTree.Element("testsuites", {"name": "earshot", **counts})
    about = {"name": f"earshot nightly on {verdict.board}", "timestamp": started.removesuffix("Z")}
    suite = ElementTree.SubElement(suites, "testsuite", {**about, **counts})
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (("night", verdict.run), ("status", verdict.status), ("verdict", verdict.sentence)):
        ElementTree.SubElement(properties, "property", {"name": name, "value": _text(value)})
    for item in verdict.series:
        series = item.name
        case = _case(suite, f"{verdict.board}.{series.variant}.{series.engine}",
                     f"{series.metric}/{series.input_mode}")  # fmt: skip
        _add_message(case, outcome(item), item.status, item.sentence, advisory=item.advisory)
    if not verdict.series:
        _add_message(_case(suite, verdict.board, "night"), outcomes[0], verdict.status, verdict.sentence)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=False) + "\n"


def _of_night(verdict: RunVerdict) -> Outcome:
    return _OUTCOMES.get(verdict.status, "passed")


def _case(suite: ElementTree.Element, classname: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", {"classname": _text(classname), "name": _text(name)})


def _add_message(
    case: ElementTree.Element, kind: Outcome, status: str, sentence: str, *, advisory: bool = False
) -> None:
    message = f"{status}{', advisory' if advisory else ''}: {_text(sentence)}"
    if kind == "passed":
        ElementTree.SubElement(case, "system-out").text = message
        return
    element = ElementTree.SubElement(case, kind, {"message": message})
    if kind != "skipped":
        element.set("type", status)
        element.text = message


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
