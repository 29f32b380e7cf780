"""`earshot energy`: recorded traces, measured ones, and those that are refused."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from fake_ppk2 import FakePpk2
from small_models import classifier

from harness.cli import main

LENGTHS = {0: 1300, 1: 60, 3: 560, 2: 80}  # samples of each value of the stage pins
MICROAMPERES = {0: 800.0, 1: 3400.0, 3: 6100.0, 2: 4000.0}
ROUNDS = 30


@pytest.fixture
def trace() -> tuple[np.ndarray, np.ndarray]:
    one_round = [(MICROAMPERES[pins], pins) for pins, count in LENGTHS.items() for _ in range(count)]
    current, pins = np.array(one_round * ROUNDS).T
    return current, pins.astype(int)


def write_ppk2(path, current, pins) -> None:
    frames = np.empty(len(current), [("current", "<f4"), ("inputs", "<u2")])
    frames["current"] = current
    frames["inputs"] = sum(np.where(pins >> n & 1, 2, 1) << 2 * n for n in range(8))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("session.raw", frames.tobytes())
        archive.writestr("metadata.json", json.dumps({"metadata": {"samplesPerSecond": 100_000}}))


def write_csv(path, current, pins, header="Timestamp(ms),Current(uA),D0-D7", keep=None) -> None:
    lines = [
        f"{n / 100:.2f},{amperes:.3f},{f'{bits:08b}'[::-1]}"
        for n, (amperes, bits) in enumerate(zip(current, pins, strict=True))
        if keep is None or keep(n)
    ]
    path.write_text("\n".join([header, *lines, ""]))


def inference_row(capsys) -> list[str]:
    """Return the printed row of the stage."""
    lines = capsys.readouterr().out.splitlines()
    return next(line for line in lines if line.startswith("inference")).split()


def energy(tmp_path, *arguments: object) -> int:
    return main(["energy", *map(str, arguments), "--output", str(tmp_path / "energy")])


def write_jls(path, current, pins, lost=0, names=("current", "voltage", "gpi[0]", "gpi[1]")) -> None:
    """Write what a JS220 records: signals that begin at different times, inputs at twice the rate."""
    pyjls = pytest.importorskip("pyjls")
    amperes = np.repeat(current * 1e-6, 10).astype(np.float32)  # 1,000,000 a second
    inputs = [np.packbits(pins.repeat(20) >> n & 1, bitorder="little") for n in range(2)]
    signals = [amperes, np.full_like(amperes, 3.0), *inputs]
    first_us = 7_000
    kinds = [(1_000_000, "F32"), (1_000_000, "F32"), (2_000_000, "U1"), (2_000_000, "U1")]
    writer = pyjls.Writer(str(path))
    writer.source_def(source_id=1, name="JS220-002122")
    # All definitions come before any values: signal_def waits with Python's lock for the writer's thread,
    # and that thread waits for Python's lock when it logs a gap.
    for number, (name, (rate, kind)) in enumerate(zip(names, kinds, strict=True), start=1):
        writer.signal_def(
            signal_id=number,
            source_id=1,
            signal_type=pyjls.SignalType.FSR,
            data_type=getattr(pyjls.DataType, kind),
            sample_rate=rate,
            name=name,
        )
    for number, (values, (rate, kind)) in enumerate(zip(signals, kinds, strict=True), start=1):
        cut = number * 500  # values, or bytes of 8
        begin = first_us * rate // 1_000_000 + cut * (8 if kind == "U1" else 1)
        writer.fsr(number, begin, values[cut : cut + 50_000].copy())
        rest = cut + 50_000
        writer.fsr(number, begin + 50_000 * (8 if kind == "U1" else 1) + lost, values[rest:].copy())
    writer.close()


@pytest.mark.parametrize("write", [write_ppk2, write_csv, write_jls])
def test_a_recorded_trace_is_split_by_stage(tmp_path, trace, write, capsys):
    path = tmp_path / f"trace.{write.__name__.removeprefix('write_')}"
    write(path, *trace)
    assert energy(tmp_path, path, "--volts", 3) == 0
    assert inference_row(capsys)[:6] == ["inference", "30", "5.60", "ms", "102", "µJ"]
    assert "stages.csv" in {file.name for file in (tmp_path / "energy").iterdir()}


def test_a_csv_with_semicolons_and_decimal_commas_is_read(tmp_path, trace, capsys):
    write_csv(tmp_path / "trace.csv", *trace, header="#Time (ms),Current [μA],D0-D7")
    text = (tmp_path / "trace.csv").read_text()
    (tmp_path / "trace.csv").write_text(text.replace(",", ";").replace(".", ","), encoding="utf-8")
    assert energy(tmp_path, tmp_path / "trace.csv", "--volts", 3) == 0
    assert inference_row(capsys)[:6] == ["inference", "30", "5.60", "ms", "102", "µJ"]


def test_a_meter_measures_what_the_bench_file_names(tmp_path, trace, capsys):
    current, pins = trace

    def play(start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        number = np.arange(start, end) % len(current)
        return current[number] * 1e-6, pins[number].astype(np.uint8) << 4

    with FakePpk2(play) as kit:
        bench = tmp_path / "bench.toml"
        bench.write_text(f'[meter]\nkind = "ppk2"\nport = "{kit.port}"\nstage_inputs = [4, 5]\n')
        assert energy(tmp_path, "--seconds", 0.5, "--bench", bench) == 0
    assert inference_row(capsys)[2:4] == ["5.60", "ms"]


def without(start: int, end: int):
    return lambda n: not start <= n < end


@pytest.mark.parametrize(
    ("file", "change", "arguments", "what"),
    [
        ("trace.csv", {}, [], "no voltage"),
        ("trace.csv", {"keep": without(500, 507)}, ["--volts", 3], "samples are missing"),
        ("trace.csv", {"keep": lambda n: n < 1}, ["--volts", 3], "no two samples"),
        ("trace.csv", {"header": "time,current,D0-D7"}, ["--volts", 3], "no column of current and time"),
        ("trace.csv", {}, ["--volts", 3, "--stage-inputs", "1,0"], "swapped"),
        ("trace.csv", {}, ["--volts", 3, "--stage-inputs", "0,7"], "not wired"),
        ("trace.ppk2", None, ["--volts", 3], "not a zip file"),
    ],
)
def test_a_trace_without_figures_is_refused(tmp_path, trace, file, change, arguments, what, capsys):
    if change is None:
        (tmp_path / file).write_bytes(b"PK")
    else:
        write_csv(tmp_path / file, *trace, **change)
    assert energy(tmp_path, tmp_path / file, *arguments) == 2
    assert what in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Timestamp(ms),Current(uA)\n", "no two samples"),
        ("Timestamp(ms),Current(uA)\n0,1\n1,inf\n2,1\n", "missing or infinite"),
        ("Timestamp(ms),Current(uA)\n0,1\n1,--\n2,1\n", "'--' in the column Current(uA) is no number"),
        ('Timestamp(ms),Current(uA)\n"0,0","1"\n"0,1","1"\n', "'0,0' in the column Timestamp(ms)"),
        ("Timestamp(ms),Current(uA),Current2(mA)\n0,1,2\n1,1,2\n", "two columns of current"),
        ("Timestamp(ms),Current(uA)\n0,-1\n1,-1\n2,-1\n", "negative (other.csv). Swap the meter's two wires"),
        ("Timestamp(ms),Current(uA),D0-D7\n0,1,2Z\n1,1,00\n", "other characters than 0, 1 and X"),
    ],
)
def test_a_csv_of_another_tool_is_refused(tmp_path, text, what, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("other.csv").write_text(text)
    assert energy(tmp_path, "other.csv", "--volts", 3) == 2
    assert what in capsys.readouterr().err


@pytest.mark.parametrize(
    ("metadata", "raw", "what"),
    [
        (
            {"metadata": {"samplesPerSecond": 100_000}, "formatVersion": 9},
            bytes(12),
            "its format has version 9",
        ),
        ({"metadata": {"samplesPerSecond": "fast"}}, bytes(12), "says fast samples a second"),
        ({"metadata": {"samplesPerSecond": 100_000}}, bytes(13), "ends in the middle of a sample"),
        (
            {"metadata": {"samplesPerSecond": 100_000}},
            np.float32(2e6).tobytes() + bytes(8),
            "exceeds the 1 A of a Power Profiler Kit",
        ),
    ],
)
def test_a_ppk2_of_another_version_or_range_is_refused(tmp_path, metadata, raw, what, capsys):
    with zipfile.ZipFile(tmp_path / "other.ppk2", "w") as archive:
        archive.writestr("session.raw", raw)
        archive.writestr("metadata.json", json.dumps(metadata))
    assert energy(tmp_path, tmp_path / "other.ppk2", "--volts", 3) == 2
    assert what in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"lost": 8}, "values are missing"),
        ({"names": ["power", "voltage", "gpi[0]", "gpi[1]"]}, "it has no signal current"),
        ({"names": ["current", "voltage", "current", "gpi[1]"]}, "it has two signals current"),
    ],
)
def test_a_jls_without_figures_is_refused(tmp_path, trace, change, what, capsys):
    write_jls(tmp_path / "trace.jls", *trace, **change)
    assert energy(tmp_path, tmp_path / "trace.jls") != 0
    assert what in capsys.readouterr().err


def test_a_supplied_voltage_may_exceed_the_range_of_the_joulescope(tmp_path, trace):
    names = ("current", "power", "gpi[0]", "gpi[1]")  # without a voltage
    write_jls(tmp_path / "trace.jls", *trace, names=names)
    assert energy(tmp_path, tmp_path / "trace.jls", "--volts", 24) == 0


@pytest.mark.parametrize(("begin", "what"), [(0, "open"), (2_000_000, "rd_fsr MESSAGE_INTEGRITY")])
def test_a_damaged_jls_is_one_line(tmp_path, trace, begin, what, capfd):
    path = tmp_path / "trace.jls"
    write_jls(path, *trace)
    with path.open("r+b") as file:
        file.seek(begin)
        file.write(b"damaged " * 100)
    assert energy(tmp_path, path) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert f"the trace cannot be used: {what}" in line


def test_a_trace_in_another_format_is_named(tmp_path, capsys):
    (tmp_path / "trace.dat").write_bytes(b"some")
    assert energy(tmp_path, tmp_path / "trace.dat") == 2
    assert "a recorded trace is a .ppk2, a .jls or a .csv" in capsys.readouterr().err


def test_a_meter_that_is_not_there_is_told(tmp_path, capsys):
    bench = tmp_path / "bench.toml"
    bench.write_text('[meter]\nkind = "ppk2"\n')
    assert energy(tmp_path, "--bench", bench) == 4
    assert "no PPK2" in capsys.readouterr().err


def test_an_unknown_kind_names_the_known_ones(tmp_path, capsys):
    bench = tmp_path / "bench.toml"
    bench.write_text('[meter]\nkind = "multimeter"\n')
    assert energy(tmp_path, "--bench", bench) == 2
    assert "hwmon, joulescope, ppk2, rapl" in capsys.readouterr().err


def test_the_emulated_board_has_estimates_and_nothing_measured(tmp_path, capsys):
    model = classifier(tmp_path / "small.tflite", 1960)
    labels = "silence,unknown,yes,no"
    assert energy(tmp_path, "--model", model, "--labels", labels, "--seconds", 1) == 0
    printed = capsys.readouterr().out
    titles = [line for line in printed.splitlines() if line.startswith(("Power", "Energy", "Life"))]
    assert len(titles) == 3
    assert all(title.endswith(", estimated from the datasheet") for title in titles)
    assert "Peak" not in printed
    assert printed.count("Estimated from the datasheet, not measured") == 1
    files = {file.name for file in (tmp_path / "energy" / "small").glob("*.csv")}
    assert files == {"estimated_power.csv", "estimated_stages.csv", "estimated_battery.csv"}


def test_a_count_of_instructions_is_no_time_to_estimate_from(tmp_path, capsys):
    model = classifier(tmp_path / "small.tflite", 1960)
    arguments = ["--model", model, "--labels", "silence,unknown,yes,no", "--clock", "instructions"]
    assert energy(tmp_path, *arguments) == 2
    assert "counts instructions and not time" in capsys.readouterr().err


def test_the_life_of_one_cell_is_printed(tmp_path, trace, capsys):
    write_csv(tmp_path / "trace.csv", *trace)
    assert energy(tmp_path, tmp_path / "trace.csv", "--volts", 3, "--cell", "CR2032") == 0
    printed = capsys.readouterr().out
    assert "CR2032" in printed
    assert "2xAA" not in printed


def test_another_computer_is_not_measured_by_a_meter_of_this_host(tmp_path, capsys):
    bench = tmp_path / "bench.toml"
    bench.write_text('[board.pi]\nkind = "linux"\nhost = "kws-pi"\n\n[meter]\nkind = "rapl"\n')
    assert energy(tmp_path, "tinyconv-float32", "--board", "pi", "--bench", bench) == 2
    assert "does not measure another computer" in capsys.readouterr().err


def test_a_board_without_a_meter_has_no_energy(tmp_path, capsys):
    bench = tmp_path / "bench.toml"
    bench.write_text("")
    assert energy(tmp_path, "tinyconv-float32", "--board", "linux", "--bench", bench) == 2
    assert "the bench file has no [meter]" in capsys.readouterr().err


def test_a_board_without_current_empties_no_cell(tmp_path, capsys):
    trace = tmp_path / "still.csv"
    trace.write_text("Timestamp(ms),Current(uA)\n" + "".join(f"{n / 100},0\n" for n in range(300)))
    assert energy(tmp_path, trace, "--volts", 3) == 0
    printed = capsys.readouterr().out
    assert re.search(r"CR2032 .* –", printed)
    assert "The peak is" in printed and "Idle" not in printed  # without stage pins


@pytest.mark.parametrize("volts", ["0", "-3", "nan", "1000"])
def test_an_impossible_voltage_is_refused(tmp_path, volts, capsys):
    with pytest.raises(SystemExit):
        energy(tmp_path, tmp_path / "trace.csv", "--volts", volts)
    assert f"{volts} is not above 0" in capsys.readouterr().err
