"""Tables of a run, in reading order; the page, the summary and the CSVs are made from them."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness import format as fmt
from harness.records.field_record import FieldVariant
from harness.records.record import STAGES, BoardRow, HostRow, MeasuredVariant, RunRecord, VariantRow
from harness.report.energy import ESTIMATE_NOTE, ESTIMATED, energy_text
from harness.report.profile import functions_table, operators_table
from harness.report.table import Column, Table
from harness.report.variants import (
    ALL_STAGES,
    DEVICES,
    LINUX,
    calibration_cell,
    clock_text,
    conformance,
    fault_text,
    footprint_cell,
    stage_samples,
    throttled,
    time_is,
    why_missing,
)
from harness.report.verdict import verdict_table
from harness.stats.energy import CPU_WATTS
from harness.stats.matching import count_false_accepts, is_keyword
from harness.stats.rates import mistaken
from harness.stats.statistics import ratio, summarize

WIDTH = 110  # characters of a line of the terminal
_RUNTIMES = {"tflite": "TensorFlow Lite", "onnxruntime": "ONNX Runtime"}
_VARIANT = Column("variant", "Variant")
_NOTE = Column("note", "Note", fmt.remark, optional=True)
_DISTRIBUTION = [
    Column(f"{key}_us", header, fmt.duration)
    for key, header in zip(
        ("minimum", "median", "mean", "p95", "maximum"), ("Min", "Median", "Mean", "p95", "Max"), strict=True
    )
]


def fields_of(*parts: Any) -> dict[str, Any]:
    """Merge the fields of dataclasses into a row; a part may be None."""
    return {key: value for part in parts if part is not None for key, value in vars(part).items()}


def _with_firmware(record: RunRecord) -> list[VariantRow]:
    """Return the variants that an image may have been built of: none on a computer that runs ONNX models."""
    return [] if record.board.name == LINUX else record.variants


def all_tables(record: RunRecord) -> dict[str, Table]:
    """Return every table by name."""
    tables = [
        verdict_table(record),
        overview_table(record),
        faults_table(record.variants),
        devices_table(record),
        linux_table(record),
        latency_table(record),
        operators_table(record.variants),
        functions_table(record.variants),
        sizes_table(record),
        models_table(record),
        words_table(record),
        conformance_table(record),
        environment_table(record),
    ]
    return {table.name: table for table in tables}


def overview_table(record: RunRecord) -> Table:
    """Return the main results, one row for each variant."""
    clock, no_firmware = time_is(record.board), record.board.name == LINUX
    columns = [
        _VARIANT,
        Column("inference_us", f"Inference ({clock})", fmt.duration),
        Column("calibration", "Off your board by", optional=True),
        Column("estimated_joules", f"Energy per inference, {ESTIMATED}", energy_text, optional=True),
        Column("pass_us", f"All stages ({clock})", fmt.duration, optional=no_firmware),
        Column("flash_bytes", "Flash, bytes", fmt.count, optional=no_firmware),
        Column("ram_bytes", "RAM, bytes", fmt.count, optional=no_firmware),
        Column("test_accuracy", "Test accuracy", fmt.share),
        Column("keywords_detected keywords_played", "Keywords detected", fmt.of, optional=no_firmware),
        Column("false_accepts", "False accepts", fmt.count, optional=no_firmware),
        Column("audio_s"),
        Column("conformance", "Conformance"),
        _NOTE,
    ]
    note = (
        f"Times are medians on the board, {clock}. A false accept is a keyword that was detected while "
        "nobody said one."
    )
    if record.board.clock == "modeled cycles":
        note = f"{note} {ESTIMATE_NOTE}"
    rows = [
        _overview_row(variant, record.board)
        | {"calibration": calibration_cell(variant.firmware, "inference")}
        for variant in record.variants
    ]
    tones = ["bad" if variant.faults else "" for variant in record.variants]
    return Table("overview", "At a glance", columns, rows, note, cards=True, tones=tones)


def _overview_row(variant: VariantRow, board: BoardRow) -> dict[str, Any]:
    row = fields_of(variant.firmware) | {"variant": variant.title, "conformance": conformance(variant)}
    samples = stage_samples(variant)
    for key, stage in (("inference_us", "inference"), ("pass_us", ALL_STAGES)):
        if stage in samples:
            row[key] = summarize(samples[stage]).median
    if board.clock == "modeled cycles" and "inference_us" in row:
        row["estimated_joules"] = row["inference_us"] / 1e6 * CPU_WATTS
    row["test_accuracy"] = _accuracies(variant).get("testing")
    if variant.stimuli:
        correct = [word.correct for word in variant.stimuli if is_keyword(word.label)]
        row |= {"keywords_detected": sum(correct), "keywords_played": len(correct)}
        row |= {"false_accepts": count_false_accepts(variant), "audio_s": variant.audio_s}
    if board.name == LINUX:
        first = _board_row(board, variant)
        row["inference_us"] = None if throttled(first) else first.median_us
        row |= {"conformance": "holds" if first.linux else row["conformance"], "note": first.note}
    elif variant.faults or not samples:
        row["note"] = why_missing(variant)
    elif variant.listening_wall_s is None and not variant.stimuli:
        row["note"] = "in command mode, without words"
    return row


def _accuracies(variant: VariantRow) -> dict[str, float | None]:
    """Return the accuracy, 0 to 1, by part of the dataset."""
    parts = variant.model.accuracy if variant.model else {}
    return {
        part: ratio(sum(count.correct for count in counts), sum(count.total for count in counts))
        for part, counts in parts.items()
    }


def faults_table(variants: Sequence[MeasuredVariant]) -> Table:
    """Return every fault by variant, with its remedy."""
    rows = [
        {"variant": variant.title, "route": variant.route, "failure": fault.failure}
        | {"message": fault_text(fault)}
        for variant in variants
        for fault in variant.faults
    ]
    message = Column("message", "What happened, and what to do")
    columns = [_VARIANT, Column("route"), Column("failure", "Failure"), message]
    return Table("faults", "Faults by variant", columns, rows, tones=["bad"] * len(rows))


def fault_texts(variants: Sequence[MeasuredVariant]) -> list[str]:
    """Return every fault for a terminal."""
    texts = ("{variant}: {failure}: {message}".format(**row) for row in faults_table(variants).rows)
    return [textwrap.fill(text, WIDTH, subsequent_indent="  ") for text in texts]


def failed_sentences(variants: Sequence[MeasuredVariant]) -> list[str]:
    """Return a sentence that names the variants with a fault, if there are any."""
    failed = [f"{variant.title} ({variant.faults[0].failure})" for variant in variants if variant.faults]
    return [f"Failed: {', '.join(failed)}."] if failed else []


def mistaken_sentences(variants: Sequence[VariantRow | FieldVariant]) -> list[str]:
    """Return a sentence for each keyword that a variant mostly detects as another one."""
    return [
        f"“{one.label}” is mostly detected as “{one.detected}” by {variant.title} "
        f"({fmt.plural(one.wrong, 'recording')}, {fmt.count(one.right)} as itself): "
        "are the labels in the right order?"
        for variant in variants
        for one in mistaken(variant.stimuli)
    ]


def devices_table(record: RunRecord) -> Table:
    """Return the time of one inference on every device."""
    rows = []
    computers = {
        row.device_name for variant in record.variants for row in variant.host if row.device == LINUX
    }
    for variant in record.variants:
        board = _board_row(record.board, variant)
        for row in variant.host if board in variant.host else (board, *variant.host):
            clock = time_is(record.board) if row is board else "measured"
            comparable = None if throttled(row) or throttled(board) else row.median_us
            rows.append(
                fields_of(row)
                | {"variant": variant.title, "device": _device(row, computers)}
                | {"runtime": _RUNTIMES.get(row.runtime, row.runtime), "invocations": row.invocations or None}
                | {"clock": None if row.median_us is None else clock}
                | ({"calibration": calibration_cell(variant.firmware, "inference")} if row is board else {})
                | {"times_faster_than_board": ratio(board.median_us, comparable), "throttled": throttled(row)}
            )
    devices = dict.fromkeys((row["device"], row["device_name"]) for row in rows if row["device_name"])
    names = " ".join(f"{device}: {name}." for device, name in devices)
    columns = [
        _VARIANT,
        Column("device", "Device"),
        Column("device_name"),
        Column("runtime", "Runtime"),
        Column("threads", "Threads", fmt.count),
        Column("invocations"),
        Column("median_us", "Median", fmt.duration),
        Column("p25_us p75_us", "Quartiles", fmt.span),
        Column("clock", "Time is"),
        Column("calibration", "Off your board by", fmt.remark, optional=True),
        Column("times_faster_than_board", "Faster than the board", fmt.times),
        Column("max_abs_difference", "Output differs by", fmt.difference),
        Column("throttled"),
        _NOTE,
    ]
    note = (
        f"{names} All devices get the same input. Board times are {time_is(record.board)}. Host times are "
        "measured and include the call of the runtime. “Output differs by” is the largest difference of a "
        "label's probability from the board's."
    )
    strong = {DEVICES["mcu"]: "strong"}
    tones = ["bad" if row["throttled"] else strong.get(row["device"], "") for row in rows]
    kinds = [device for device in DEVICES.values() if any(row["device"].startswith(device) for row in rows)]
    title = f"One inference on {', '.join(kinds[:-1])} and {kinds[-1]}" if kinds[1:] else "One inference"
    return Table("host", title, columns, rows, note, headed=True, tones=tones)


def _device(row: HostRow, computers: Collection[str]) -> str:
    """Return a device as a reader sees it, with its name if there are several small Linux computers."""
    name = f", {row.device_name}" if row.device == LINUX and len(computers) > 1 else ""
    return f"{DEVICES[row.device]}{name}"


def _board_row(board: BoardRow, variant: VariantRow) -> HostRow:
    """Return the board's inferences as one more runtime; of a small Linux computer, its first row."""
    if board.name == LINUX:
        none = HostRow("linux", board.title, "", None, 0, None, None, None, None, why_missing(variant))
        return next((row for row in variant.host if row.device == "linux"), none)
    samples = stage_samples(variant).get("inference", [])
    low, median, high = np.percentile(samples, [25, 50, 75]).tolist() if samples else [None] * 3
    runtime = f"{variant.firmware.engine} ({variant.firmware.kernels})" if variant.firmware else ""
    note = "" if samples else why_missing(variant)
    return HostRow("mcu", board.title, runtime, 1, len(samples), median, low, high, None, note)


def linux_table(record: RunRecord) -> Table:
    """Return the distribution of times, the memory and the processor's state on small Linux computers."""
    rows: list[dict[str, Any]] = []
    tones = []
    for variant in record.variants:
        for host in variant.host:
            if not (figures := host.linux):
                continue
            times = {f"{key}_us": value for key, value in fields_of(summarize(figures.samples_us)).items()}
            row = fields_of(figures) | times | {"variant": variant.title, "computer": host.device_name}
            row |= {"throttled": _throttled_text(figures.throttled), "samples": len(figures.samples_us)}
            for name in ("frequency_mhz", "temperature_c"):
                row |= {f"{name}_before": getattr(figures.before, name)}
                row |= {f"{name}_after": getattr(figures.after, name)}
            rows.append(row)
            tones.append("bad" if figures.throttled else "")
    time, memory, state = "Time of one inference", "Bytes", "Processor, before and after"
    columns = [
        _VARIANT,
        Column("computer", "Computer"),
        Column("threads", "Threads", fmt.count),
        Column("samples", "Inferences", fmt.count),
        Column("warm_ups onnxruntime python"),
        *(replace(column, header=column.header.lower(), group=time) for column in _DISTRIBUTION),
        Column("model_bytes", "model", fmt.count, group=memory),
        Column("model_peak_bytes", "peak of the model", fmt.count, group=memory),
        Column("process_peak_bytes", "peak of the process", fmt.count, group=memory),
        Column("difference", "Output differs by", fmt.difference),
        Column("tolerance"),
        Column("governor", "governor", group=state),
        Column("frequency_mhz_before frequency_mhz_after", "MHz", fmt.from_to, group=state),
        Column("temperature_c_before temperature_c_after", "°C", fmt.from_to, group=state),
        Column("throttled", "throttled", group=state),
    ]
    note = (
        "ONNX Runtime in a process of its own; every inference after the warm-up is a sample. Outputs differ "
        "from torch's on this host by no more than shown; above the tolerance of "
        f"{fmt.difference(rows[0]['tolerance'] if rows else None)}, nothing is timed. The process includes "
        "Python and ONNX Runtime; the model's peak is what its loading and its inferences added. A throttled "
        "processor is not compared."
    )
    return Table("linux", "ONNX Runtime on the small Linux computer", columns, rows, note, tones=tones)


def _throttled_text(reasons: list[str] | None) -> str:
    if reasons is None:
        return "not told"
    return ", ".join(reasons) or "no"


def latency_table(record: RunRecord) -> Table:
    """Return the distribution of each stage's time on the board, and its share of the time."""
    clock = time_is(record.board)
    rows = []
    for variant in _with_firmware(record):
        samples = stage_samples(variant)
        whole = sum(samples.get(ALL_STAGES, []))
        for stage in (*STAGES, ALL_STAGES):
            row: dict[str, Any] = {"variant": variant.title, "stage": stage, "clock": clock}
            if stage in STAGES:
                row["calibration"] = calibration_cell(variant.firmware, stage)
            if values := samples.get(stage):
                row |= {f"{key}_us": value for key, value in fields_of(summarize(values)).items()}
                row |= {"samples": len(values), "share": sum(values) / whole if whole else None}
            else:
                row["note"] = "not reported by the board" if samples else why_missing(variant)
            rows.append(row)
    columns = [
        _VARIANT,
        Column("stage", f"Stage ({clock})"),
        Column("clock"),
        Column("calibration", "Off your board by", optional=True),
        Column("samples", "Samples", fmt.count),
        *_DISTRIBUTION,
        Column("share", "Share of the time", fmt.share, mark="bar"),
        _NOTE,
    ]
    note = (
        "Preprocess: the front end computes all slices that have arrived. Inference: the model. "
        "Postprocess: the command recognizer. Each pass while the board listened is one sample; "
        f"times are {clock}."
    )
    tones = ["strong" if row["stage"] == ALL_STAGES else "" for row in rows]
    return Table("latency", "Stages on the board", columns, rows, note, headed=True, tones=tones)


def sizes_table(record: RunRecord) -> Table:
    """Return flash and RAM of each image, beside estimates from the model's layers."""
    board = record.board
    rows = []
    for variant in _with_firmware(record):
        row = fields_of(variant.model, variant.firmware) | ((variant.model and variant.model.sizing) or {})
        row |= {"variant": variant.title, "note": _why_no_image(variant)}
        row["flash_share"] = ratio(row.get("flash_bytes"), board.flash_bytes)
        row["ram_share"] = ratio(row.get("ram_bytes"), board.ram_bytes)
        rows.append(row)
    flash, ram = "Flash, bytes", "RAM, bytes"
    columns = [
        _VARIANT,
        Column("tflite_bytes", ".tflite, bytes", fmt.count),
        Column("flash_bytes", "image", fmt.count, group=flash),
        Column("flash_share", "of the board's", fmt.share, mark="bar", group=flash),
        Column("weights_flash_bytes", "estimate", fmt.count, optional=True, group=flash),
        Column("ram_bytes", "image", fmt.count, group=ram),
        Column("ram_share", "of the board's", fmt.share, mark="bar", group=ram),
        Column("arena_bytes", "arena", fmt.count, group=ram),
        Column("arena_bytes_reported"),
        Column("live_ram_bytes", "estimate", fmt.count, optional=True, group=ram),
        _NOTE,
    ]
    note = (
        f"The {board.name} board has {fmt.count(board.flash_bytes)} bytes of flash and "
        f"{fmt.count(board.ram_bytes)} of RAM. Flash holds code, constants and initial values of data; RAM "
        "is .data and .bss without the stack, and includes the arena."
    )
    if any("live_ram_bytes" in row for row in rows):
        note += (
            " Estimates come from the layers alone: the weights in flash, and the largest input and output "
            "of one layer together in the arena."
        )
    tones = ["bad" if row["note"] else "" for row in rows]
    return Table("sizes", "Sizes", columns, rows, note, cards=True, tones=tones)


def _why_no_image(variant: VariantRow) -> str:
    for fault in variant.faults:
        if fault.failure == "does-not-fit":
            return f"does not fit: {fault_text(fault).split(' (')[0].split('. ')[0]}"
    if variant.firmware:
        return ""
    return f"no image: {variant.faults[0].failure} failed" if variant.faults else "no image was built"


def models_table(record: RunRecord) -> Table:
    """Return each model with its accuracy, and everything of its image that changes the latency."""
    rows = []
    for variant in record.variants:
        counts = variant.model.operators if variant.model else {}
        row = fields_of(variant.model, variant.firmware) | _accuracies(variant)
        row["operators"] = ", ".join(
            f"{name} ×{times}" if times > 1 else name for name, times in counts.items()
        )
        rows.append(row | {"variant": variant.title})
    tflite, image, accuracy = "Model", "Image", "Accuracy of the .tflite"
    columns = [
        _VARIANT,
        Column("precision", "precision", group=tflite),
        Column("front_end", "front end", group=tflite),
        Column("parameters", "parameters", fmt.count, group=tflite, optional=True),
        Column("macs", "multiply-accumulates", fmt.count, group=tflite),
        Column("operators", "operators", group=tflite),
        Column("tflite_sha256"),
        *(Column(part, part, fmt.share, group=accuracy) for part in ("training", "validation", "testing")),
        Column("engine", "engine", group=image),
        Column("kernels", "kernels", group=image),
        Column("portable", "not in fast kernels", group=image, optional=True),
        Column("optimization", "optimization", group=image),
        Column("footprint", "footprint", footprint_cell, text=True, group=image, optional=True),
        Column("toolchain", "toolchain", group=image),
        Column("icache", "instruction cache", group=image),
        Column("build_id", "build", group=image),
    ]
    note = (
        "Accuracies are computed from the .tflite with the host's reference kernels. Kernels, optimization "
        "and toolchain change the latency by up to a factor of ten. Earshot's kernels and front end are "
        "optimized for speed in every image."
    )
    return Table("models", "Models and images", columns, rows, note, cards=True)


def word_rows(variants: Sequence[VariantRow | FieldVariant]) -> list[dict[str, Any]]:
    """Return the played words and the false accepts of all variants in the order of their times."""
    rows: list[dict[str, Any]] = []
    for variant in variants:
        for word in variant.stimuli:
            delay_s = None if word.detected_at_s is None else word.detected_at_s - word.end_s
            rows.append({"variant": variant.title, "delay_s": delay_s} | vars(word))
        for one in variant.false_accepts:
            row = vars(one) | {"detected": one.label, "detected_at_s": one.at_s, "label": None}
            rows.append({"variant": variant.title, "correct": False} | row)
    rows.sort(
        key=lambda row: (
            row.get("segment", 0), row.get("onset_s", row["detected_at_s"]), row.get("source", "")
        )
    )  # fmt: skip
    return rows


def words_table(record: RunRecord) -> Table:
    """Return each recording in playback order with the detection of every variant."""
    rows = word_rows(record.variants)
    columns = [
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
    ]
    note = (
        "Times are audio time; the score is the recognizer's average, 0 to 255. A dash: nothing was "
        "detected. A negative time: the detection came before the end of the word. A row without a word is "
        "a false accept."
    )
    tones = ["" if row["correct"] else "bad" for row in rows]
    return Table("words", "Word by word", columns, rows, note, groups=3, tones=tones)


def conformance_table(record: RunRecord) -> Table:
    """Return the conformance checks of each variant, and the data lost while the board listened."""
    rows = []
    for variant in _with_firmware(record):
        row = {"variant": variant.title, "result": conformance(variant), **vars(variant.parity)}
        rows.append(row | (fields_of(variant) if variant.audio_s else {}))
    columns = [
        _VARIANT,
        Column("result", "Conformance"),
        Column("features_equal recordings", "Recordings with equal features", fmt.of),
        Column("outputs_equal clips", "Clips with equal outputs", fmt.of),
        Column("max_abs_difference", "Outputs differ by", fmt.difference),
        Column("audio_s", "Audio played", fmt.seconds),
        Column("listening_wall_s", "Played in", fmt.seconds),
        Column("records_lost", "Records lost", fmt.count),
        Column("samples_lost", "Samples lost", fmt.count),
    ]
    note = (
        "Checked before any timing: the board's features against the host's front end (CRC), for micro "
        "TensorFlow's op, and its outputs against the TensorFlow Lite reference kernels."
    )
    tones = ["bad" if row["result"] == "broken" else "" for row in rows]
    return Table("conformance", "Conformance", columns, rows, note, tones=tones)


def environment_table(record: RunRecord) -> Table:
    """Return the facts of the run, the code, the board and the host, the notes, and the raw logs."""
    board = record.board
    clock = {"name": board.name, "uid": board.uid, "clock": clock_text(board)}
    sections: dict[str, dict[str, Any]] = {
        "run": record.run,
        "code": dict(record.code),
        "board": clock | board.details,
        "host": record.environment,
    }
    rows: list[dict[str, Any]] = [
        {"section": section, "name": name.replace("_", " "), "value": _spelled(value)}
        for section, entries in sections.items()
        for name, value in entries.items()
    ]
    notes: dict[str, list[str]] = {}
    for variant in record.variants:
        for note in variant.notes:
            notes.setdefault(note, []).append(variant.title)
        rows += [
            {"section": "logs", "name": variant.title, "value": name, "path": path}
            for name, path in variant.transcripts.items()
        ]
    rows += [{"section": "notes", "name": ", ".join(titles), "value": note} for note, titles in notes.items()]
    columns = [
        Column("section", "Section"),
        Column("name", "Name"),
        Column("value", "Value"),
        Column("path", "File", fmt.remark, mark="link", optional=True),
    ]
    return Table("environment", "Environment, logs and notes", columns, rows)


def _spelled(value: Any) -> str:
    return str(value) if not isinstance(value, bool) else "yes" if value else "no"
