"""The report of a run: a self-contained HTML page, a short summary in Markdown, and all tables as CSV."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import format as fmt
from harness.files import file_name
from harness.records.record import BoardRow, RunRecord
from harness.report.html import page_tables, write_csvs, write_page, write_text
from harness.report.markdown import markdown
from harness.report.pages import family
from harness.report.pages.family_entries import entries_of
from harness.report.pages.recordings import PAGE as RECORDINGS_PAGE
from harness.report.pages.run_plots import run_plots
from harness.report.pages.run_tables import (
    WIDTH,
    all_tables,
    failed_sentences,
    fault_texts,
    mistaken_sentences,
)
from harness.report.profile import flame_graph_of
from harness.report.table import Row, Table
from harness.report.variants import clock_note, time_is
from harness.report.verdict import verdict_sentence

PAGE, MARKDOWN = "report.html", "report.md"
_IN_TERMINAL = (
    "variant inference_us calibration pass_us flash_bytes ram_bytes test_accuracy keywords_detected "
    "false_accepts note"
)
"""Columns of the overview that fit a terminal; a board that does not conform has a fault."""
MANY = 6  # variants up to which the headline names the fastest one; of more it names the choice


def render_run(record: RunRecord, folder: Path) -> Path:
    """Write report.html, report.md, a CSV for each table, and the page of the family if the run is one.

    Return the path of report.html. The bytes are reproducible.
    """
    tables = all_tables(record)
    sentences = headline(record, tables)
    started = record.run.get("started", "")
    title = f"Earshot: {record.board.title}, {started[:10]}".rstrip(", ")
    files = [MARKDOWN, *write_csvs(tables.values(), folder), *_flame_graphs(record, folder)]
    summary = [tables[name] for name in ("verdict", "overview", "faults")]
    write_text(folder / MARKDOWN, markdown(title, sentences, summary))
    is_family = len(record.variants) >= family.SMALLEST
    if is_family:
        family.render_family({folder: record}, folder)
    return write_page(
        "run.html.j2",
        folder / PAGE,
        title=title,
        sentences=sentences,
        board=record.board.title,
        started=fmt.utc(started),
        clock=clock_note([record]),
        family=family.PAGE if is_family else "",
        recordings=RECORDINGS_PAGE if (folder / RECORDINGS_PAGE).is_file() else "",
        folded=len(record.variants) > MANY,
        tables=page_tables(tables),
        plots=run_plots(tables),
        files=files,
    )


def _flame_graphs(record: RunRecord, folder: Path) -> list[str]:
    """Write the flame graph of each variant that has a profile, and return the names of the files."""
    names = []
    for variant in record.variants:
        if variant.profile:
            names.append(file_name(f"flame-{variant.id}.svg"))
            write_text(folder / names[-1], flame_graph_of(variant, record.board))
    return names


def summary_text(record: RunRecord) -> str:
    """Return the headline, the overview and the faults for a terminal, without a trailing newline."""
    tables = all_tables(record)
    overview = tables["overview"].short(_IN_TERMINAL).aligned()
    parts = [textwrap.fill(" ".join(headline(record, tables)), WIDTH), overview]
    return "\n\n".join(filter(None, [*parts, *fault_texts(record.variants)]))


def headline(record: RunRecord, tables: Mapping[str, Table]) -> list[str]:
    """Return sentences on the verdict, the fastest variant (of many variants: the choice), and the faults."""
    measured = [row for row in tables["overview"].rows if row.get("inference_us") is not None]
    sentences = [sentence] if (sentence := verdict_sentence(record)) else []
    if not measured:
        sentences.append(f"Nothing was measured on the {_board(record)}.")
    elif len(record.variants) > MANY:
        sentences += family.headline(entries_of([record]))
    else:
        # The fastest variant without a fault leads; one with a fault only where there is no other.
        faulty = {variant.title for variant in record.variants if variant.faults}
        best = min(measured, key=lambda row: (row["variant"] in faulty, _inference_us(row)))
        sentences += [_result(record, best), *_comparison(record.board, tables["host"], measured, best)]
    sentences += mistaken_sentences(record.variants)
    if not record.run.get("ended"):
        sentences.append("The run was interrupted; the report shows what was measured before.")
    return sentences + failed_sentences(record.variants)


def _board(record: RunRecord) -> str:
    """Return the board's title up to a comma or bracket, as it stands within a sentence."""
    title = re.sub(r"\s*[,(].*", "", record.board.title)
    return title[0].lower() + title[1:] if title.startswith("Emulated") else title


def _result(record: RunRecord, best: Row) -> str:
    result = f"{best['variant']} takes {fmt.duration(best['inference_us'])} per inference on the "
    result += f"{_board(record)} ({time_is(record.board)})"
    if best.get("keywords_played"):
        result += f" and detects {fmt.of(best['keywords_detected'], best['keywords_played'])} keywords"
    return f"{result}."


def _comparison(board: BoardRow, host: Table, measured: Sequence[Row], best: Row) -> list[str]:
    """Compare the best variant with the slowest one and, if this host is no board, its fastest runtime."""
    parts = []
    slowest = max(measured, key=_inference_us)
    if slowest["variant"] != best["variant"]:
        ratio = fmt.times(slowest["inference_us"] / best["inference_us"])
        parts.append(f"{ratio} faster than {slowest['variant']} on the same board")
    timed = [row for row in host.rows if row["device"] in ("CPU", "GPU") and row["median_us"] is not None]
    rows = [row for row in timed if row["variant"] == best["variant"]]
    if rows and not board.details.get("computer", "").endswith("this host"):
        fastest = min(rows, key=lambda row: row["median_us"])
        ratio = fastest["times_faster_than_board"]
        how = f"{fmt.times(ratio)} slower" if ratio >= 1 else f"{fmt.times(1 / ratio)} faster"
        parts.append(f"{how} than {fastest['runtime']} on this host's {fastest['device']}")
    sentences = [f"That is {' and '.join(parts)}."] if parts else []
    if best.get("false_accepts") is not None:
        length = f" in {best['audio_s']:.0f}\u00a0s of audio" if best["audio_s"] else ""
        sentences.append(f"False accepts{length}: {fmt.count(best['false_accepts'])}.")
    return sentences


def _inference_us(row: Row) -> float:
    return row["inference_us"]
