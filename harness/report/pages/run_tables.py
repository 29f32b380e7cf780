"""Tables of a run, in reading order; the page, the summary and the CSVs are made from them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.records.record import BoardRow, HostRow, RunRecord, VariantRow
from harness.report import format as fmt
from harness.report.comparisons import RATE_COLUMNS, rate
from harness.report.table import Column, Table
from harness.report.variants import (
    ALL_STAGES,
    STAGES,
    conformance,
    fault_text,
    keywords,
    stage_samples,
    time_is,
    why_missing,
)
from harness.report.verdict import verdict_table
from harness.stats.matching import count_by_label, count_false_accepts, is_keyword
from harness.stats.statistics import ratio, summarize

_RUNTIMES = {"tflite": "TensorFlow Lite", "onnxruntime": "ONNX Runtime"}
_SPLITS = ("testing", "validation", "training")
_ALL_LABELS = "all"
_SMALL_SHARE = 0.02
"""Operators with a smaller share of the time are summed up in one row."""
_VARIANT = Column("variant", "Variant")
_NOTE = Column("note", "Note", fmt.remark, optional=True)

Sized = tuple[str, VariantRow, BoardRow]
"""A variant with its title on the page, and its board."""


def fields_of(*parts: Any) -> dict[str, Any]:
    """Merge the fields of dataclasses into a row; a part may be None."""
    return {key: value for part in parts if part is not None for key, value in vars(part).items()}


def all_tables(record: RunRecord) -> dict[str, Table]:
    """Return every table by name; those without headers are for plots and CSVs only."""
    sized = [(variant.title, variant, record.board) for variant in record.variants]
    tables = [
        verdict_table(record),
        overview_table(record),
        faults_table(record),
        devices_table(record),
        operators_table(record),
        latency_table(record),
        sizes_table(sized),
        layers_table(sized),
        models_table(record),
        listening_table(record),
        words_table(record),
        accuracy_table(record),
        conformance_table(record),
        logs_table(record),
        notes_table(record),
        environment_table(record),
        _samples(record),
        _learning(record),
    ]
    return {table.name: table for table in tables}


def overview_table(record: RunRecord) -> Table:
    """Return the main results, one row for each variant."""
    clock = time_is(record.board)
    return Table(
        name="overview",
        title="At a glance",
        columns=[
            _VARIANT,
            Column("inference_us", f"Inference ({clock})", fmt.duration),
            Column("pass_us", f"All stages ({clock})", fmt.duration),
            Column("flash_bytes", "Flash, bytes", fmt.count),
            Column("ram_bytes", "RAM, bytes", fmt.count),
            Column("test_correct test_samples"),
            Column("test_accuracy", "Test accuracy", fmt.share),
            Column("keywords_detected keywords_played", "Keywords detected", fmt.of),
            Column("false_accepts", "False accepts", fmt.count),
            Column("audio_s"),
            Column("conformance", "Conformance"),
            _NOTE,
        ],
        rows=[_overview_row(variant) for variant in record.variants],
        note=(
            f"Times are medians on the board, {clock}. A false accept is a keyword that was detected while "
            "nobody said one."
        ),
        tones=["bad" if variant.faults else "" for variant in record.variants],
    )


def _overview_row(variant: VariantRow) -> dict[str, Any]:
    row = fields_of(variant.firmware) | {"variant": variant.title, "conformance": conformance(variant)}
    samples = stage_samples(variant)
    for key, stage in (("inference_us", "inference"), ("pass_us", ALL_STAGES)):
        if stage in samples:
            row[key] = summarize(samples[stage]).median
    tested = variant.model.accuracy.get("testing", []) if variant.model else []
    if total := sum(count.total for count in tested):
        correct = sum(count.correct for count in tested)
        row |= {"test_correct": correct, "test_samples": total, "test_accuracy": correct / total}
    if variant.stimuli:
        row["keywords_detected"], row["keywords_played"] = keywords(variant)
        row |= {"false_accepts": count_false_accepts(variant), "audio_s": variant.audio_s}
    if variant.faults or not samples:
        row["note"] = why_missing(variant)
    return row


def faults_table(record: RunRecord) -> Table:
    """Return every fault by variant, with its remedy."""
    rows = [
        {"variant": variant.title, "failure": fault.failure, "message": fault_text(fault)}
        for variant in record.variants
        for fault in variant.faults
    ]
    return Table(
        name="faults",
        title="Faults by variant",
        columns=[
            _VARIANT,
            Column("failure", "Failure"),
            Column("message", "What happened, and what to do"),
        ],
        rows=rows,
        tones=["bad"] * len(rows),
    )


def devices_table(record: RunRecord) -> Table:
    """Return the time of one inference on MCU, CPU and GPU."""
    rows = []
    for variant in record.variants:
        board = _board_row(record, variant)
        rows.append(board)
        rows += [_host_row(variant, row, board["median_us"]) for row in variant.host]
    devices = dict.fromkeys((row["device"], row["device_name"]) for row in rows if row["device_name"])
    names = " ".join(f"{device}: {name}." for device, name in devices)
    return Table(
        name="host",
        title="One inference on MCU, CPU and GPU",
        columns=[
            _VARIANT,
            Column("device", "Device"),
            Column("device_name"),
            Column("runtime", "Runtime"),
            Column("threads", "Threads", fmt.count),
            Column("invocations"),
            Column("median_us", "Median", fmt.duration),
            Column("p25_us p75_us", "Quartiles", fmt.span),
            Column("clock", "Time is"),
            Column("times_faster_than_board", "Faster than the board", fmt.times),
            Column("max_abs_difference", "Output differs by", fmt.difference),
            _NOTE,
        ],
        rows=rows,
        note=(
            f"{names} All devices get the same input. Board times are {time_is(record.board)}. Host times "
            "are measured and include the call of the runtime. “Output differs by” is the largest difference "
            "of a label's probability from the board's."
        ),
        headed=True,
        tones=["strong" if row["device"] == "MCU" else "" for row in rows],
    )


def _board_row(record: RunRecord, variant: VariantRow) -> dict[str, Any]:
    samples = stage_samples(variant).get("inference", [])
    row = {
        "variant": variant.title,
        "device": "MCU",
        "device_name": record.board.title,
        "runtime": variant.firmware and f"{variant.firmware.engine} ({variant.firmware.kernels})",
        "threads": 1,
        "median_us": None,
    }
    if not samples:
        return {**row, "note": why_missing(variant)}
    low, median, high = np.percentile(samples, [25, 50, 75]).tolist()
    times = {"median_us": median, "p25_us": low, "p75_us": high, "times_faster_than_board": 1}
    return {**row, **times, "clock": time_is(record.board), "invocations": len(samples)}


def _host_row(variant: VariantRow, row: HostRow, board_us: float | None) -> dict[str, Any]:
    return {
        **fields_of(row),
        "variant": variant.title,
        "device": row.device.upper(),
        "runtime": _RUNTIMES.get(row.runtime, row.runtime),
        "clock": "measured" if row.median_us is not None else None,
        "invocations": row.invocations or None,
        "times_faster_than_board": board_us / row.median_us if board_us and row.median_us else None,
    }


def operators_table(record: RunRecord) -> Table:
    """Return the CPU time of one inference by operator."""
    rows = []
    for variant in record.variants:
        small = [row for row in variant.host_operators if row.share < _SMALL_SHARE]
        large = [row for row in variant.host_operators if row.share >= _SMALL_SHARE]
        for row in sorted(large, key=lambda row: -row.self_us):
            rows.append({"variant": variant.title, "operator": row.name, **fields_of(row)})
        if small:
            sums = {key: sum(getattr(row, key) for row in small) for key in ("calls", "self_us", "share")}
            rows.append({"variant": variant.title, "operator": f"{len(small)} others", **sums})
    return Table(
        name="operators",
        title="CPU time by operator",
        columns=[
            _VARIANT,
            Column("operator", "Operator (torch)"),
            Column("calls", "Calls", fmt.count),
            Column("self_us", "Own time", fmt.duration),
            Column("share", "Share", fmt.share, mark="bar"),
        ],
        rows=rows,
        note="Measured by the torch profiler on one thread, which slows every operator down.",
        headed=True,
    )


def latency_table(record: RunRecord) -> Table:
    """Return the distribution of each stage's time on the board, and its share of the time."""
    clock = time_is(record.board)
    rows = []
    for variant in record.variants:
        samples = stage_samples(variant)
        whole = sum(samples.get(ALL_STAGES, []))
        for stage in (*STAGES, ALL_STAGES):
            row: dict[str, Any] = {"variant": variant.title, "stage": stage, "clock": clock}
            if values := samples.get(stage):
                row |= {f"{key}_us": value for key, value in fields_of(summarize(values)).items()}
                row |= {"samples": len(values), "share": sum(values) / whole if whole else None}
            else:
                row["note"] = "not reported by the board" if samples else why_missing(variant)
            rows.append(row)
    return Table(
        name="latency",
        title="Stages on the board",
        columns=[
            _VARIANT,
            Column("stage", f"Stage ({clock})"),
            Column("clock"),
            Column("samples", "Samples", fmt.count),
            Column("minimum_us", "Min", fmt.duration),
            Column("median_us", "Median", fmt.duration),
            Column("mean_us", "Mean", fmt.duration),
            Column("p95_us", "p95", fmt.duration),
            Column("maximum_us", "Max", fmt.duration),
            Column("share", "Share of the time", fmt.share, mark="bar"),
            _NOTE,
        ],
        rows=rows,
        note=(
            "Preprocess: the front end computes all slices that have arrived. Inference: the model. "
            "Postprocess: the command recognizer. Each pass while the board listened is one sample; "
            f"times are {clock}."
        ),
        headed=True,
        tones=["strong" if row["stage"] == ALL_STAGES else "" for row in rows],
    )


def sizes_table(variants: Sequence[Sized]) -> Table:
    """Return flash and RAM of each image, beside what was estimated from the model's layers."""
    rows = [_sizes_row(*each) for each in variants]
    boards = {board.name: board for *_, board in variants}
    flash, ram, estimate = "Flash, bytes", "RAM, bytes", "Estimate, bytes"
    capacity = " ".join(
        f"The {name} board has {fmt.count(board.flash_bytes)} bytes of flash and "
        f"{fmt.count(board.ram_bytes)} of RAM."
        for name, board in boards.items()
    )
    return Table(
        name="sizes",
        title="Sizes",
        columns=[
            _VARIANT,
            Column("tflite_bytes", ".tflite, bytes", fmt.count),
            Column("flash_bytes", "image", fmt.count, group=flash),
            Column("flash_share", "of the board's", fmt.share, mark="bar", group=flash),
            Column("ram_bytes", "image", fmt.count, group=ram),
            Column("ram_share", "of the board's", fmt.share, mark="bar", group=ram),
            Column("arena_bytes", "arena", fmt.count, group=ram),
            Column("arena_bytes_reported"),
            Column("weights_flash_bytes", "weights", fmt.count, optional=True, group=estimate),
            Column("flash_error", "off by", fmt.change, optional=True, group=estimate),
            Column("activations_ram_bytes", "all activations", fmt.count, optional=True, group=estimate),
            Column("activations_error", "off by", fmt.change, optional=True, group=estimate),
            Column("live_ram_bytes", "live activations", fmt.count, optional=True, group=estimate),
            Column("live_error", "off by", fmt.change, optional=True, group=estimate),
            _NOTE,
        ],
        rows=rows,
        note=(
            f"{capacity} Flash holds code, constants and initial values of data; RAM is .data and .bss "
            "without the stack, and includes the arena. Estimates come from the layers alone, for a batch of "
            "1: the weights are compared with the whole image, the activations with the arena. Live "
            "activations are the largest input and output of one layer together."
        ),
        tones=["bad" if row["note"] else "" for row in rows],
    )


def _sizes_row(title: str, variant: VariantRow, board: BoardRow) -> dict[str, Any]:
    sizing = (variant.model and variant.model.sizing) or {}
    row = fields_of(variant.model, variant.firmware) | sizing
    row |= {"variant": title, "note": _why_no_image(variant)}
    if firmware := variant.firmware:
        row["flash_share"] = firmware.flash_bytes / board.flash_bytes
        row["ram_share"] = firmware.ram_bytes / board.ram_bytes
        if sizing:
            row["flash_error"] = sizing["weights_flash_bytes"] / firmware.flash_bytes - 1
        if sizing and firmware.arena_bytes:
            row["activations_error"] = sizing["activations_ram_bytes"] / firmware.arena_bytes - 1
            row["live_error"] = sizing["live_ram_bytes"] / firmware.arena_bytes - 1
    return row


def _why_no_image(variant: VariantRow) -> str:
    for fault in variant.faults:
        if fault.failure == "does-not-fit":
            return f"does not fit: {fault_text(fault).split(' (')[0].split('. ')[0]}"
    if variant.firmware:
        return ""
    return f"no image: {variant.faults[0].failure} failed" if variant.faults else "no image was built"


def layers_table(variants: Sequence[Sized]) -> Table:
    """Return the estimate layer by layer; variants with equal layers are listed once."""
    alike: dict[str, list[Sized]] = {}
    for each in variants:
        model = each[1].model
        if model and model.sizing:
            key = json.dumps([model.precision, model.sizing["layers"]], sort_keys=True)
            alike.setdefault(key, []).append(each)
    rows = []
    for (title, variant, _), *others in alike.values():
        assert variant.model and variant.model.sizing
        whole = variant.model.sizing["operations"]
        for layer in variant.model.sizing["layers"]:
            share = layer["operations"] / whole if whole else None
            more = f" and {len(others)} more with the same layers" if others else ""
            rows.append({"variant": title + more, **layer, "operations_share": share})
    return Table(
        name="layers",
        title="Layers",
        columns=[
            _VARIANT,
            Column("name", "Layer"),
            Column("kind", "Kind"),
            Column("weights", "Weights", fmt.count),
            Column("biases", "Biases", fmt.count),
            Column("operations", "Operations of weights", fmt.count),
            Column("operations_share", "of all", fmt.share, mark="bar"),
            Column("bias_operations", "Operations of biases", fmt.count),
            Column("activations", "Output elements", fmt.count),
        ],
        rows=rows,
        note=(
            "A multiply-accumulate counts as two operations. Bias additions are counted apart. Batch "
            "normalization is folded into the layer before it."
        ),
        headed=True,
    )


def models_table(record: RunRecord) -> Table:
    """Return each model and its image: everything beside the weights that changes the latency."""
    rows = []
    for variant in record.variants:
        counts = variant.model.operators if variant.model else {}
        operators = ", ".join(f"{name} ×{times}" if times > 1 else name for name, times in counts.items())
        rows.append(
            {**fields_of(variant.model, variant.firmware), "variant": variant.title, "operators": operators}
        )
    tflite, image = "Model", "Image"
    return Table(
        name="models",
        title="Models and images",
        columns=[
            _VARIANT,
            Column("precision", "precision", group=tflite),
            Column("parameters", "parameters", fmt.count, group=tflite),
            Column("macs", "multiply-accumulates", fmt.count, group=tflite),
            Column("operators", "operators", group=tflite),
            Column("tflite_sha256", "SHA-256", fmt.digest, text=True, group=tflite),
            Column("engine", "engine", group=image),
            Column("kernels", "kernels", group=image),
            Column("optimization", "optimization", group=image),
            Column("toolchain", "toolchain", group=image),
            Column("icache", "instruction cache", group=image),
            Column("build_id", "build", group=image),
        ],
        rows=rows,
        note="Kernels, optimization and toolchain change the latency by up to a factor of ten.",
    )


def listening_table(record: RunRecord) -> Table:
    """Return how many of the recordings played were recognized, by label."""
    rows = [
        {
            "variant": variant.title,
            "label": count.label,
            "right": f"“{count.label}” detected" if is_keyword(count.label) else "nothing detected",
            "correct": count.correct,
            "played": count.total,
            **rate(count.correct, count.total),
        }
        for variant in record.variants
        for count in count_by_label(variant.stimuli, variant.labels)
        if count.total
    ]
    return Table(
        name="listening",
        title="Recognized through the microphone",
        columns=[
            _VARIANT,
            Column("label", "Label"),
            Column("right", "Right is"),
            Column("played", "Played", fmt.count),
            Column("correct", "Correct", fmt.count),
            *RATE_COLUMNS,
        ],
        rows=rows,
        note="The recordings were played as one continuous stream. Intervals are Wilson's at 95 %.",
        headed=True,
    )


def words_table(record: RunRecord) -> Table:
    """Return each recording in playback order with the detection of every variant."""
    rows: list[dict[str, Any]] = []
    for variant in record.variants:
        for word in variant.stimuli:
            row = {"variant": variant.title, **fields_of(word)}
            if word.detected_at_s is not None:
                row["delay_s"] = word.detected_at_s - word.end_s
            rows.append(row)
        for detection in variant.false_accepts:
            row = {"detected": detection.label, "score": detection.score, "detected_at_s": detection.at_s}
            rows.append({"variant": variant.title, "correct": False, **row})
    rows.sort(
        key=lambda row: (row["onset_s"], row["source"]) if "onset_s" in row else (row["detected_at_s"], "")
    )
    return Table(
        name="words",
        title="Word by word",
        columns=[
            Column("onset_s", "Played at", fmt.seconds),
            Column("end_s"),
            Column("word", "Word"),
            Column("label", "Label"),
            _VARIANT,
            Column("correct", "Right", fmt.yes, text=True),
            Column("detected", "Detected"),
            Column("score", "Score", fmt.count),
            Column("detected_at_s", "Detected at", fmt.seconds),
            Column("delay_s", "After its end", fmt.seconds),
            Column("source", "Source"),
        ],
        rows=rows,
        note=(
            "Times are audio time; the score is the recognizer's average, 0 to 255. A dash: nothing was "
            "detected. A negative time: the detection came before the end of the word. A row without a word "
            "is a false accept."
        ),
        groups=3,
        tones=["" if row["correct"] else "bad" for row in rows],
    )


def accuracy_table(record: RunRecord) -> Table:
    """Return the accuracy of each .tflite on the three parts of the dataset, by label and over all."""
    rows = []
    for variant in record.variants:
        splits = variant.model.accuracy if variant.model else {}
        for split in (name for name in _SPLITS if name in splits):
            counts = [(row.label, row.correct, row.total) for row in splits[split]]
            counts.append((_ALL_LABELS, sum(row[1] for row in counts), sum(row[2] for row in counts)))
            for label, correct, total in counts:
                row = {"variant": variant.title, "split": split, "label": label, "correct": correct}
                rows.append(row | {"samples": total} | rate(correct, total))
    return Table(
        name="accuracy",
        title="Accuracy on the dataset",
        columns=[
            _VARIANT,
            Column("split", "Part"),
            Column("label", "Label"),
            Column("samples", "Samples", fmt.count),
            Column("correct", "Correct", fmt.count),
            *RATE_COLUMNS,
        ],
        rows=rows,
        note="Computed from the .tflite with the host's reference kernels. Intervals are Wilson's at 95 %.",
        headed=True,
        groups=2,
        tones=["strong" if row["label"] == _ALL_LABELS else "" for row in rows],
    )


def conformance_table(record: RunRecord) -> Table:
    """Return the conformance checks of each variant, and what was lost while listening."""
    rows = []
    for variant in record.variants:
        row = {"variant": variant.title, "result": conformance(variant), **variant.parity}
        if variant.audio_s:
            row |= fields_of(variant)
            row["times_real_time"] = ratio(variant.audio_s, variant.listening_wall_s)
        rows.append(row)
    return Table(
        name="conformance",
        title="Conformance",
        columns=[
            _VARIANT,
            Column("result", "Conformance"),
            Column("features_equal recordings", "Recordings with equal features", fmt.of),
            Column("outputs_equal clips", "Clips with equal outputs", fmt.of),
            Column("max_abs_difference", "Outputs differ by", fmt.difference),
            Column("audio_s", "Audio played", fmt.seconds),
            Column("listening_wall_s", "Played in", fmt.seconds),
            Column("times_real_time", "× real time", fmt.times),
            Column("records_lost", "Records lost", fmt.count),
            Column("samples_lost", "Samples lost", fmt.count),
        ],
        rows=rows,
        note=(
            "Checked before any timing: the board's features against TensorFlow's audio_microfrontend op "
            "(CRC), and its outputs against the TensorFlow Lite reference kernels."
        ),
        tones=["bad" if row["result"] == "broken" else "" for row in rows],
    )


def logs_table(record: RunRecord) -> Table:
    """Return the raw logs by variant."""
    return Table(
        name="logs",
        title="Raw logs",
        columns=[_VARIANT, Column("log", "Log"), Column("path", "File", mark="link")],
        rows=[
            {"variant": variant.title, "log": name, "path": path}
            for variant in record.variants
            for name, path in variant.transcripts.items()
        ],
        note="Every line that the board sent, with the host's monotonic time.",
    )


def notes_table(record: RunRecord) -> Table:
    """Return the notes on the measurement, each once with the variants it holds for."""
    variants: dict[str, list[str]] = {}
    for variant in record.variants:
        for note in variant.notes:
            variants.setdefault(note, []).append(variant.title)
    return Table(
        name="notes",
        title="Notes",
        columns=[Column("variants", "Variants"), Column("note", "Note")],
        rows=[{"variants": ", ".join(titles), "note": note} for note, titles in variants.items()],
    )


def environment_table(record: RunRecord) -> Table:
    """Return the facts of the run, the code, the board and the host's software."""
    board = record.board
    clock = {"name": board.name, "uid": board.uid, "clock": f"{board.clock_hz / 1e6:g} MHz, {board.clock}"}
    sections: dict[str, dict[str, Any]] = {
        "run": record.run,
        "code": record.code,
        "board": clock | board.details,
        "host": record.environment,
    }
    return Table(
        name="environment",
        title="Environment",
        columns=[Column("section", "Section"), Column("name", "Name"), Column("value", "Value")],
        rows=[
            {
                "section": section,
                "name": name.replace("_", " "),
                "value": {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value),
            }
            for section, entries in sections.items()
            for name, value in entries.items()
        ],
    )


def _samples(record: RunRecord) -> Table:
    rows = [
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
    return Table("samples", "Samples", [Column("variant stage clock index us")], rows)


def _learning(record: RunRecord) -> Table:
    rows = [
        {"variant": variant.title, **fields_of(epoch)}
        for variant in record.variants
        if variant.model
        for epoch in variant.model.epochs
    ]
    keys = "variant epoch training_loss training_accuracy validation_loss validation_accuracy"
    return Table("learning", "Learning curves", [Column(keys)], rows)
