"""Tables of MLPerf Tiny's keyword benchmark: the result beside published ones."""

from __future__ import annotations

from typing import Any

from harness import format as fmt
from harness.records.mlperf import MlperfRecord
from harness.report.energy import energy_text, power_text
from harness.report.table import Column, Table
from harness.report.variants import footprint_cell

PUBLISHED_MACS = 2_656_768
"""Of the benchmark's DS-CNN."""

_PUBLISHED = (
    # Board, clock in MHz, engine, milliseconds, microjoules. Source: mlcommons/tiny_results_v0.5 to v1.3.
    ("NUCLEO-L4R5ZI (Cortex-M4)", 120, "TFLM 2.3.1 + CMSIS-NN, the reference (0.5)", 181.9, 7374),
    ("NUCLEO-L4R5ZI (Cortex-M4)", 120, "microTVM + CMSIS-NN", 99.8, None),
    ("NUCLEO-L4R5ZI (Cortex-M4)", 120, "ST X-CUBE-AI (0.7)", 97.6, 4636),
    ("NUCLEO-L4R5ZI (Cortex-M4)", 120, "Plumerai (1.1)", 47.8, None),
    ("NUCLEO-L4R5ZI (Cortex-M4)", 120, "ST 9.0 (1.2)", 43.2, 1820),
    ("nRF5340 (Cortex-M33)", 128, "microTVM + CMSIS-NN", 76.5, None),
)


def results_table(record: MlperfRecord) -> Table:
    """Return the result and the published ones, the fastest per multiply-accumulate first."""
    board, firmware = record.board, record.firmware
    assert board.clock_hz, "a board with an image tells its clock"
    kind = "measured" if board.clock == "measured" else "modeled"
    title = board.title if board.clock == "measured" else f"{board.title.split(',')[0]}, modeled"
    engine = f"{firmware.engine} ({firmware.kernels}), {firmware.optimization}"
    if small := footprint_cell(firmware.footprint):
        engine += f", footprint {small}"
    rows = [_row(title, board.clock_hz / 1e6, engine, record.inference_us / 1000, _microjoules(record))]
    rows[0]["macs"] = record.model.macs
    rows += [_row(*published) for published in _PUBLISHED]
    for row in rows:
        cycles = row["inference_ms"] * 1e3 * row["clock_mhz"]
        row |= {"cycles": round(cycles), "cycles_a_mac": cycles / row["macs"] if row["macs"] else None}
    same = record.model.macs == PUBLISHED_MACS
    note = (
        "Published: rounds 0.5 to 1.3 of MLPerf Tiny, for orientation; cycles are time times clock. "
        + ("" if same else "This model is not the benchmark's: compare cycles per multiply-accumulate only. ")
        + f"The result here is {kind} and not submitted."
    )
    columns = [
        Column("board", "Board"),
        Column("clock_mhz", "Clock, MHz", fmt.significant),
        Column("engine", "Engine"),
        Column("inference_ms", "Inference, ms", fmt.significant),
        Column("cycles", "Cycles", fmt.count),
        Column("cycles_a_mac", "Cycles per MAC", fmt.significant),
        Column("microjoules", "µJ per inference", fmt.count, optional=True),
        Column("macs"),
    ]
    ordered = sorted(rows, key=lambda row: row["cycles_a_mac"] or 0)
    tones = ["strong" if row is rows[0] else "" for row in ordered]
    return Table("results", "Performance", columns, ordered, note, tones=tones)


def windows_table(record: MlperfRecord) -> Table:
    """Return the five windows."""
    rows = [
        {
            "file": window.file,
            "invocations": window.invocations,
            "taken_s": window.taken_us / 1e6,
            "inference_us": window.inference_us,
            "inference_joules": window.inference_joules,
            "mean_watts": window.joules and window.joules / window.taken_us * 1e6,
        }
        for window in record.windows
    ]
    columns = [
        Column("file", "Input"),
        Column("invocations", "Inferences", fmt.count),
        Column("taken_s", "Window, s", fmt.significant),
        Column("inference_us", "Inference", fmt.duration),
        Column("inference_joules", "Energy", energy_text, optional=True),
        Column("mean_watts", "Power", power_text, optional=True),
    ]
    note = "Each after 10 warm-ups; the median counts."
    if record.meter:
        note += f" Between the pulses of the timestamp pin, everything that {record.meter} measured."
    return Table("windows", "Windows", columns, rows, note)


def accuracy_table(record: MlperfRecord) -> Table:
    """Return correct files by label; without rows for random inputs."""
    rows: list[dict[str, Any]] = [
        {"label": one.label, "correct": one.correct, "total": one.total}
        for one in record.accuracy
        if one.total
    ]
    columns = [Column("label", "Label"), Column("correct total", "Correct", fmt.of)]
    return Table("accuracy", "Accuracy", columns, rows, "Each file once, as the benchmark does it.")


def sentences(record: MlperfRecord) -> list[str]:
    """Return the result in words."""
    found = [
        f"{record.id} takes {fmt.duration(record.inference_us)} per inference on "
        f"{record.board.title}: the median of {len(record.windows)} windows of 10 s or more, "
        f"{1e6 / record.inference_us:.1f} inferences per second."
    ]
    if record.inference_joules is not None:
        found.append(
            f"An inference takes {energy_text(record.inference_joules)} by the rules of the benchmark's "
            f"energy mode, measured by {record.meter}."
        )
    if record.accuracy:
        total = sum(one.total for one in record.accuracy)
        origin = "files" if record.inputs == "files" else "files made of a dataset's test clips"
        found.append(
            f"Accuracy: {fmt.share(record.correct / total)}, {fmt.of(record.correct, total)} {origin}. The "
            "benchmark asks for 90 % of its own files."
        )
    elif record.inputs == "random":
        found.append("The inputs are random: there is no accuracy. Name files or a dataset to measure one.")
    found.append(
        f"The output equals the reference kernels' for {fmt.of(record.outputs_equal, record.files)}."
    )
    return found


def _microjoules(record: MlperfRecord) -> int | None:
    joules = record.inference_joules
    return None if joules is None else round(joules * 1e6)


def _row(board: str, clock_mhz: float, engine: str, ms: float, microjoules: int | None) -> dict[str, Any]:
    return {
        "board": board,
        "clock_mhz": clock_mhz,
        "engine": engine,
        "inference_ms": ms,
        "microjoules": microjoules,
        "macs": PUBLISHED_MACS,
    }
