"""A verdict as JUnit XML, which every CI shows: one test case per series. Pure."""

from __future__ import annotations

import re
from typing import Literal
from xml.etree import ElementTree

from harness.errors import EXIT_BROKEN, EXIT_CLEAN, EXIT_INCONCLUSIVE, EXIT_REGRESSED
from harness.records.verdict import DEVIATING, RunVerdict, SeriesVerdict, code_of

Outcome = Literal["failure", "error", "skipped", "passed"]

_OUTCOMES: dict[int, Outcome] = {
    EXIT_REGRESSED: "failure",
    EXIT_BROKEN: "error",
    EXIT_INCONCLUSIVE: "skipped",
    EXIT_CLEAN: "passed",
}

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, such as the escapes of a tool's colored messages."""


def outcome(verdict: SeriesVerdict | RunVerdict) -> Outcome:
    """Return the outcome of a series or a night; an advisory deviation of a series is skipped."""
    if isinstance(verdict, SeriesVerdict) and verdict.advisory and verdict.status in DEVIATING - {"improved"}:
        return "skipped"
    return _OUTCOMES[code_of(verdict.status)]


def junit(verdict: RunVerdict, started: str, length_s: float | None) -> str:
    """Return the XML of a night; without series it is one test case, that of the night itself."""
    items = verdict.series or (verdict,)
    outcomes = [outcome(item) for item in items]
    counts = {
        "tests": str(len(outcomes)),
        "failures": str(outcomes.count("failure")),
        "errors": str(outcomes.count("error")),
        "skipped": str(outcomes.count("skipped")),
        **({} if length_s is None else {"time": f"{length_s:.3f}"}),
    }
    suites = ElementTree.Element("testsuites", {"name": "earshot", **counts})
    about = {"name": f"earshot nightly on {verdict.board}", "timestamp": started.removesuffix("Z")}
    suite = ElementTree.SubElement(suites, "testsuite", {**about, **counts})
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (("night", verdict.run), ("status", verdict.status), ("verdict", verdict.sentence)):
        ElementTree.SubElement(properties, "property", {"name": name, "value": _text(value)})
    for item in items:
        _add_case(suite, verdict.board, item)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=False) + "\n"


def _add_case(suite: ElementTree.Element, board: str, item: SeriesVerdict | RunVerdict) -> None:
    place, name, advisory = board, "night", ""
    if isinstance(item, SeriesVerdict):
        series = item.name
        place = f"{board}.{series.variant}.{series.engine}"
        name, advisory = f"{series.metric}/{series.input_mode}", ", advisory" * item.advisory
    case = ElementTree.SubElement(suite, "testcase", {"classname": _text(place), "name": _text(name)})
    message, kind = f"{item.status}{advisory}: {_text(item.sentence)}", outcome(item)
    if kind == "passed":
        ElementTree.SubElement(case, "system-out").text = message
        return
    element = ElementTree.SubElement(case, kind, {"message": message})
    if kind != "skipped":
        element.set("type", item.status)
        element.text = message


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
