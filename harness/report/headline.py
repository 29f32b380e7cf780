"""What a night came to, in a few sentences."""

from __future__ import annotations

import re

import pandas as pd

from harness.records.record import RunRecord
from harness.report import format as figures
from harness.report.family.entries import entries_of
from harness.report.family.headline import headline as family_headline
from harness.report.table import Table
from harness.report.variants import time_is
from harness.report.verdict import verdict_sentence

MANY = 6
"""Variants up to which the fastest is what a night is about; of more, what there is to choose from."""


def headline(record: RunRecord, tables: dict[str, Table]) -> list[str]:
    """The sentences: the verdict on the night, the fastest variant's latency and what it heard (of many: the
    choice), and what failed.

    Args:
        record: the night.
        tables: its tables (`all_tables`), whose figures the sentences repeat.
    """
    overview = tables["overview"].frame
    failed = [variant for variant in record.variants if variant.faults]
    measured = overview[overview["inference_us"].notna()]
    sentences = [sentence] if (sentence := verdict_sentence(record)) else []
    if measured.empty:
        sentences.append(f"Nothing was measured on the {_board(record)}.")
    elif len(record.variants) > MANY:
        sentences += family_headline(entries_of([record]))
    else:
        # An intact variant leads, the fastest of them; a faulty one only where there is no other.
        intact = measured[~measured["variant"].isin([variant.title for variant in failed])]
        leading = measured if intact.empty else intact
        best = leading.loc[leading["inference_us"].astype(float).idxmin()]
        sentences += [_result(record, best), *_comparison(tables, measured, best)]
    if not record.run.get("ended"):
        sentences.append("The run was interrupted: this is what it had measured so far.")
    if failed:
        faults = (f"{variant.title} ({variant.faults[0].failure})" for variant in failed)
        sentences.append(f"Failed: {', '.join(faults)}.")
    return sentences


def _board(record: RunRecord) -> str:
    """The board's title as it stands in the middle of a sentence, up to a comma or bracket."""
    title = re.sub(r"\s*[,(].*", "", record.board.title)
    return title[0].lower() + title[1:] if title.startswith("Emulated") else title


def _result(record: RunRecord, best: pd.Series) -> str:
    speed = f"{best['variant']} takes {figures.duration(best['inference_us'])} per inference"
    place = f"on the {_board(record)} ({time_is(record.board)})"
    if not best["keywords_played"]:
        return f"{speed} {place}."
    heard = figures.of(best["keywords_heard"], best["keywords_played"])
    return f"{speed} {place} and hears {heard} keywords."


def _comparison(tables: dict[str, Table], measured: pd.DataFrame, best: pd.Series) -> list[str]:
    """The best variant beside the slowest one, beside the host's fastest runtime, and its false alarms."""
    parts = []
    others = measured[measured["variant"] != best["variant"]]
    if not others.empty:
        slowest = others.loc[others["inference_us"].astype(float).idxmax()]
        ratio = figures.times(slowest["inference_us"] / best["inference_us"])
        parts.append(f"{ratio} faster than {slowest['variant']} on the same board")
    rows = tables["host"].frame
    host = rows[(rows["variant"] == best["variant"]) & (rows["device"] != "MCU") & rows["median_us"].notna()]
    if not host.empty:
        fastest = host.loc[host["median_us"].astype(float).idxmin()]
        ratio = figures.times(fastest["times_faster_than_board"])
        parts.append(f"{ratio} slower than {fastest['runtime']} on this host's {fastest['device']}")
    sentences = [f"That is {' and '.join(parts)}."] if parts else []
    if best["false_alarms"] is not None:
        length = f" in {best['audio_s']:.0f}\u00a0s of audio" if best["audio_s"] else ""
        sentences.append(f"False alarms{length}: {figures.count(best['false_alarms'])}.")
    return sentences
