"""Traces that another program recorded: .csv, .ppk2 and .jls."""

from __future__ import annotations

import json
import math
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.meters.joulescope import check_range
from harness.meters.trace import SAMPLE, Trace, samples_of

_COLUMN = re.compile(r"#?(time|current|voltage)\w*\s*[([](n|u|µ|μ|m)?[sAV][)\]]", re.IGNORECASE)
_SCALES = {"n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3, None: 1.0}  # the micro sign, and mu
_INPUTS = [f"D{n}" for n in range(8)]
_ALL_INPUTS = "D0-D7"
_MOST_JITTER = 0.5  # of a sample
_FRAME = np.dtype([("microamperes", "<f4"), ("inputs", "<u2")])  # of session.raw in a .ppk2
_FORMAT_VERSIONS = (1, 2, None)  # of a .ppk2; Nordic's application writes 2
_ROWS = 1_000_000
_LONGEST_MEAN_S = 10e-6  # of the values of a Joulescope, which records a million a second
_MOST_AMPERES = 1.0  # of a Power Profiler Kit, which saves a .ppk2


def read_trace(path: Path, file: Path, volts: float | None = None) -> Trace:
    """Read a recorded trace.

    A .csv, with commas and decimal points or with semicolons and decimal commas, has columns of time, current
    and possibly voltage whose headers name the unit, such as Timestamp(ms), Current(uA) and Voltage(V), and
    D0-D7 or D0 to D7 for digital inputs. Nordic's Power Profiler exports such files, and saves a .ppk2.
    Joulescope's programs record a .jls.

    Args:
        file: where to put the samples.
        volts: the board's supply, where the trace has no voltage.

    Raises:
        UsageError: the trace has neither format, is damaged or lacks samples, or nobody says the voltage.
    """
    parts = {".ppk2": _ppk2_parts, ".jls": _jls_parts}.get(path.suffix.lower(), _csv_parts)
    has_logic = False
    try:
        with file.open("wb") as out:
            for samples, part_has_logic in parts(path, volts):
                has_logic = part_has_logic
                if not (np.isfinite(samples["amperes"]) & np.isfinite(samples["watts"])).all():
                    raise ValueError("samples are missing or infinite")
                samples.tofile(out)
        if file.stat().st_size < 2 * SAMPLE.itemsize:
            raise ValueError("it has no two samples")
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RuntimeError,
        zipfile.BadZipFile,
    ) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        if isinstance(error, UnicodeError):
            reason = "it is not text in UTF-8"
        raise UsageError(
            f"the trace cannot be used: {reason}",
            where=str(path),
            remedy="Record a .jls of one Joulescope, or save a .ppk2, or a .csv with the columns "
            "Timestamp(ms), Current(uA) and D0-D7, as Nordic's Power Profiler exports it.",
        ) from error
    return Trace(file, has_logic)


def _ppk2_parts(path: Path, volts: float | None) -> Iterator[tuple[np.ndarray, bool]]:
    if volts is None:
        raise _no_voltage(path)
    with zipfile.ZipFile(path) as archive, archive.open("session.raw") as session:
        facts = json.loads(archive.read("metadata.json"))
        rate_hz, version = facts["metadata"]["samplesPerSecond"], facts.get("formatVersion")
        if version not in _FORMAT_VERSIONS:
            raise ValueError(f"its format has version {version}, and Earshot knows those up to 2")
        if not (isinstance(rate_hz, int | float) and 0 < rate_hz < math.inf):
            raise ValueError(f"its metadata.json says {rate_hz} samples a second")
        if archive.getinfo("session.raw").file_size % _FRAME.itemsize:
            raise ValueError("it ends in the middle of a sample")
        while raw := session.read(_FRAME.itemsize * _ROWS):
            frames = np.frombuffer(raw, _FRAME)
            amperes = frames["microamperes"] * np.float64(1e-6)
            if (amperes > _MOST_AMPERES).any():
                raise ValueError(f"the current exceeds the {_MOST_AMPERES:g} A of a Power Profiler Kit")
            # A pair of bits for each input: 01 is low, 10 high, 11 both within the sample.
            logic = sum((frames["inputs"] >> (2 * n + 1) & 1) << n for n in range(8))
            yield samples_of(1 / rate_hz, amperes * volts, amperes, logic), True


def _csv_parts(path: Path, volts: float | None) -> Iterator[tuple[np.ndarray, bool]]:
    step_s, last_s = 0.0, None
    with path.open(encoding="utf-8") as file:
        has_semicolons = ";" in file.readline()
    style: Any = {"sep": ";", "decimal": ","} if has_semicolons else {}
    for part in pd.read_csv(path, chunksize=_ROWS, dtype={_ALL_INPUTS: str}, **style):
        columns: dict[str, np.ndarray] = {}
        for match in filter(None, map(_COLUMN.match, part.columns)):
            if (kind := match[1].lower()) in columns:
                raise ValueError(f"it has two columns of {kind}")
            columns[kind] = _numbers(part, match.string) * _SCALES[match[2] and match[2].lower()]
        if missing := {"time", "current"} - columns.keys():
            raise ValueError(f"no column of {' and '.join(sorted(missing))} with its unit in the header")
        if "voltage" not in columns and volts is None:
            raise _no_voltage(path)
        if not len(part):
            raise ValueError("it has no two samples")
        time_s = columns["time"] if last_s is None else np.concatenate([[last_s], columns["time"]])
        steps, last_s = np.diff(time_s), time_s[-1]
        if not len(steps):
            raise ValueError("it has no two samples")
        step_s = step_s or float(np.median(steps))
        if not step_s > 0 or np.abs(steps / step_s - 1).max() > _MOST_JITTER:
            raise ValueError("samples are missing: the steps of its time differ")
        logic = _inputs(part)
        watts = columns["current"] * columns.get("voltage", volts)
        yield (
            samples_of(step_s, watts, columns["current"], 0 if logic is None else logic),
            logic is not None,
        )


def _jls_parts(path: Path, volts: float | None) -> Iterator[tuple[np.ndarray, bool]]:
    """Yield means over 10 µs at most; a value that the Joulescope lost is NaN."""
    try:
        from pyjls import Reader
    except ImportError as error:
        raise UsageError(
            "a .jls needs the package pyjls",
            where=str(path),
            remedy="Install it: make setup, or pip install pyjls.",
        ) from error
    with _native_messages_dropped():
        reader = Reader(str(path))
    with reader:
        signals: dict[str, Any] = {}
        for one in reader.signals.values():
            if one.name in signals:
                raise ValueError(f"it has two signals {one.name}")
            signals[one.name] = one
        if (current := signals.get("current")) is None:
            raise ValueError("it has no signal current")
        if (voltage := signals.get("voltage")) is None and volts is None:
            raise _no_voltage(path)
        if voltage and voltage.sample_rate != current.sample_rate:
            raise ValueError("current and voltage have different sample rates")
        inputs = {n: signals[f"gpi[{n}]"] for n in range(8) if f"gpi[{n}]" in signals}
        used = [current, *([voltage] if voltage else []), *inputs.values()]
        rate_hz = current.sample_rate
        begin = math.ceil(max(one.sample_id_offset / one.sample_rate for one in used) * rate_hz)
        end = int(min((one.sample_id_offset + one.length) / one.sample_rate for one in used) * rate_hz)
        each = max(1, int(rate_hz * _LONGEST_MEAN_S))

        def values(signal: Any, start: int, stop: int) -> np.ndarray:
            with _native_messages_dropped():
                return reader.fsr(signal.signal_id, start - signal.sample_id_offset, stop - start)

        for start in range(begin, end - each + 1, _ROWS // each * each):
            count = min(_ROWS, end - start) // each
            amperes = values(current, start, start + count * each).reshape(count, each)
            v = np.full(amperes.shape, volts)
            if voltage:
                v = values(voltage, start, start + count * each).reshape(count, each)
            check_range(amperes, v if voltage else None)
            logic = np.zeros(count, np.uint8)
            middles_s = (start + (np.arange(count) + 0.5) * each) / rate_hz
            for n, one in inputs.items():
                at = (middles_s * one.sample_rate).astype(np.int64)
                # pyjls 0.10 returns wrong bits 64 Kbit after a start that is not a multiple of 8.
                first = int(at[0]) - (int(at[0]) - one.sample_id_offset) % 8
                bits = np.unpackbits(values(one, first, int(at[-1]) + 1), bitorder="little")
                logic |= bits[at - first] << n
            watts = np.multiply(amperes, v, dtype=np.float64).mean(axis=1)
            yield samples_of(each / rate_hz, watts, amperes.mean(axis=1), logic), bool(inputs)


@contextmanager
def _native_messages_dropped() -> Iterator[None]:
    """Silence pyjls, which bypasses `sys.stderr` to report a damaged file; its exception has the reason."""
    stderr, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nothing)


def _numbers(part: pd.DataFrame, name: str) -> np.ndarray:
    try:
        return part[name].to_numpy(np.float64)
    except ValueError:
        bad = pd.to_numeric(part[name], errors="coerce").isna()
        raise ValueError(f"{part[name][bad].iloc[0]!r} in the column {name} is no number") from None


def _inputs(part: pd.DataFrame) -> np.ndarray | None:
    """Return the digital inputs as bits; an input that changed within a sample ("X") counts as high."""
    if _ALL_INPUTS in part:
        texts = part[_ALL_INPUTS].str.replace("X", "1").str[::-1]  # D0 is the first character
        if not texts.str.fullmatch("[01]{1,8}").all():
            raise ValueError(f"the column {_ALL_INPUTS} has other characters than 0, 1 and X")
        return np.array([int(text, 2) for text in texts], np.uint8)
    if names := [name for name in _INPUTS if name in part]:
        return sum((part[name].astype(str) != "0").to_numpy(np.uint8) << int(name[1]) for name in names)
    return None


def _no_voltage(path: Path) -> UsageError:
    return UsageError(
        "the trace has no voltage", where=str(path), remedy="Name the board's supply: --volts 3.3."
    )
