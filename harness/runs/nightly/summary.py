"""Files of a night for people and programs: summary.md, verdict.json and junit.xml."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from harness import format as fmt
from harness.files import write_atomic
from harness.records.record import RunRecord
from harness.records.verdict import RunVerdict, SeriesVerdict, Status
from harness.regression import sentences
from harness.regression.a_a import Repeatability
from harness.regression.epochs import A_A_NIGHTS
from harness.regression.nights import Night
from harness.runs.nightly.junit import junit

VERDICT, JUNIT, SUMMARY = "verdict.json", "junit.xml", "summary.md"

MOST_ROWS = 10
"""Series named in a summary; the report has all."""

_ACCEPTABLE: frozenset[Status] = frozenset({"regressed", "changed", "improved", "missing", "new"})


def write_files(text: str, verdict: RunVerdict, record: RunRecord, folder: Path) -> None:
    """Write summary.md, verdict.json and junit.xml into the run's folder."""
    length = record.run.get("length_s")
    write_atomic(text, folder / SUMMARY)
    write_atomic(json.dumps(asdict(verdict), indent=1) + "\n", folder / VERDICT)
    write_atomic(junit(verdict, record.run["started"], float(length) if length else None), folder / JUNIT)


def summarize(verdict: RunVerdict) -> str:
    """Return sentence, changed series and the command that accepts them, in Markdown."""
    shown = [item for item in verdict.series if item.status != "ok"]
    if shown and all(item.status == "new" for item in verdict.series):
        return (
            f"**Earshot on {verdict.board}: new.** {verdict.board} has no baseline yet, so the {len(shown)} "
            f"series of this night were compared with nothing. To compare the next nights with this one: "
            f"{sentences.acceptance(verdict.board)}.\n"
        )
    shown.sort(key=sentences.gravity)
    lines = [f"**Earshot on {verdict.board}: {verdict.status}.** {verdict.sentence}"]
    if len(shown) > 1:
        lines += ["", *(f"- {_row(item)}" for item in shown[:MOST_ROWS])]
        if len(shown) > MOST_ROWS:
            lines.append(f"- and {len(shown) - MOST_ROWS} more")
    if verdict.proposes_epoch and verdict.status != "broken":
        lines += ["", f"To begin a new epoch with this night: {sentences.acceptance(verdict.board)}."]
    elif any(item.status in _ACCEPTABLE for item in shown):
        lines += ["", f"To accept all of it: {sentences.acceptance(verdict.board)}."]
    return "\n".join(lines) + "\n"


def describe_repeatability(tonight: Night, found: Repeatability) -> str:
    """Describe the variation between nights of the same images, in Markdown."""
    if tonight.modeled:
        return "The board's clock is modeled: its figures do not vary, and every digit is compared.\n"
    if tonight.dirty:
        return (
            "The images come from a tree with uncommitted changes, so this night does not count: commit "
            "them, and measure a night with `earshot nightly`.\n"
        )
    lines = [
        f"{found.alarmed} of {found.judged} nights of the same images would have been a false alarm, before "
        f"any confirmation.",
        "",
        "| Series | Nights | Night sd | False alarms | Gates |",
        "|---|---:|---:|---:|---|",
    ]
    for noise in found.series:
        gates = "yes" if noise.gates else f"nights missing: {A_A_NIGHTS - noise.nights}"
        night_sd = fmt.precise_share(noise.night_sd)
        lines.append(f"| {noise.name} | {noise.nights} | {night_sd} | {noise.false_alarms} | {gates} |")
    return "\n".join(lines) + "\n"


def _row(item: SeriesVerdict) -> str:
    advisory = " (advisory)" if item.advisory else ""
    return f"{item.status}{advisory}: `{item.name}`{_figures(item)}"


def _figures(item: SeriesVerdict) -> str:
    name = item.name
    if item.reference is not None and item.value is not None and item.reference != item.value:
        change = "" if item.change is None else f" ({fmt.precise_change(item.change)})"
        return f" {sentences.amount(item.reference, name)} → {sentences.amount(item.value, name)}{change}"
    return f" {sentences.amount(item.value, name)}" if item.value is not None else ""
