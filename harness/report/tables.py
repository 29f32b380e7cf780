"""All tables of a night, in the order a reader meets them; the page, the Markdown and the CSVs show these."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pandas as pd

from harness.records.record import RunRecord, VariantRow
from harness.report import footprint as fit
from harness.report import format as figures
from harness.report import provenance, recognition, speed
from harness.report.estimates import estimates_table, layers_table, sized
from harness.report.table import Column, Table, frame
from harness.report.variants import ALL_STAGES, STAGES, keywords, stage_samples, time_is, why_missing
from harness.report.verdict import verdict_table
from harness.stats.matching import count_false_accepts
from harness.stats.statistics import summarize


def all_tables(record: RunRecord) -> dict[str, Table]:
    """Every table by its name, in reading order."""
    tables = [
        verdict_table(record),
        overview_table(record),
        provenance.faults_table(record),
        speed.devices_table(record),
        speed.operators_table(record),
        speed.latency_table(record),
        fit.sizes_table(record),
        estimates_table(sized(record)),
        layers_table(sized(record)),
        fit.models_table(record),
        fit.images_table(record),
        recognition.listening_table(record),
        recognition.words_table(record),
        recognition.accuracy_table(record),
        provenance.trust_table(record),
        provenance.logs_table(record),
        provenance.notes_table(record),
        provenance.environment_table(record),
    ]
    return {table.name: table for table in tables}


def overview_table(record: RunRecord) -> Table:
    """One row for each variant: what a reader wants first."""
    clock = time_is(record.board)
    names = "variant inference_us pass_us flash_bytes ram_bytes test_correct test_samples test_accuracy"
    return Table(
        name="overview",
        title="At a glance",
        frame=frame(
            f"{names} keywords_heard keywords_played false_alarms audio_s chain note",
            [_overview_row(variant) for variant in record.variants],
        ),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column(f"Inference ({clock})", ["inference_us"], figures.duration),
            Column(f"All stages ({clock})", ["pass_us"], figures.duration),
            Column("Flash, bytes", ["flash_bytes"], figures.count),
            Column("RAM, bytes", ["ram_bytes"], figures.count),
            Column("Test accuracy", ["test_accuracy"], figures.share),
            Column("Keywords heard", ["keywords_heard", "keywords_played"], figures.of),
            Column("False alarms", ["false_alarms"], figures.count),
            Column("Chain of trust", ["chain"], figure=False),
            Column("Note", ["note"], figures.remark, figure=False, optional=True),
        ],
        note=(
            f"Times are medians on the board, {clock}. A false alarm is a keyword that was announced while "
            "nobody said one."
        ),
        tones=["bad" if variant.faults else "" for variant in record.variants],
    )


def _overview_row(variant: VariantRow) -> dict[str, Any]:
    row: dict[str, Any] = {"variant": variant.title, "chain": provenance.chain_of_trust(variant)}
    samples = stage_samples(variant)
    for name, stage in (("inference_us", "inference"), ("pass_us", ALL_STAGES)):
        if stage in samples:
            row[name] = summarize(samples[stage]).median
    if variant.firmware:
        row |= {"flash_bytes": variant.firmware.flash_bytes, "ram_bytes": variant.firmware.ram_bytes}
    tested = variant.model.accuracy.get("testing", []) if variant.model else []
    if total := sum(count.total for count in tested):
        correct = sum(count.correct for count in tested)
        row |= {"test_correct": correct, "test_samples": total, "test_accuracy": correct / total}
    if variant.stimuli:
        heard, played = keywords(variant)
        row |= {"keywords_heard": heard, "keywords_played": played}
        row |= {"false_alarms": count_false_accepts(variant), "audio_s": variant.audio_s}
    if variant.faults or not samples:
        row["note"] = why_missing(variant)
    return row


def all_series(record: RunRecord) -> dict[str, pd.DataFrame]:
    """Long series that are plotted and kept as CSV, but not printed: raw samples, the course of training."""
    samples = [
        {
            "variant": variant.title,
            "stage": stage,
            "clock": time_is(record.board),
            "index": index,
            "us": value,
        }
        for variant in record.variants
        for stage in STAGES
        for index, value in enumerate(variant.stage_us.get(stage, []))
    ]
    epochs = [
        {"variant": variant.title, **asdict(epoch)}
        for variant in record.variants
        if variant.model
        for epoch in variant.model.epochs
    ]
    of_epochs = "training_loss training_accuracy validation_loss validation_accuracy"
    return {
        "samples": frame("variant stage clock index us", samples),
        "learning": frame(f"variant epoch {of_epochs}", epochs),
    }
