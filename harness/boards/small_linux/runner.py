"""Runner of one ONNX model, in a process of its own: conformance, warm-up, timed inferences, memory.

This file is copied to a small Linux computer. It needs ONNX Runtime and NumPy only, imports nothing else of
Earshot, and prints one line of JSON.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

WARM_UPS, WARM_UP_S = 10, 0.2
"""Least number and duration of the inferences before the timed ones: a governor takes a while to speed up."""

_ROOT = Path("/")
_NOW_BITS = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "temperature limit"}
"""Bits of the Raspberry Pi's get_throttled; 16 higher is the same since the machine started.

Source: Raspberry Pi documentation, vcgencmd, "get_throttled".
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--describe", action="store_true", help="describe the computer, and do nothing else")
    parser.add_argument("--model")
    parser.add_argument(
        "--inputs", help=".npz with `inputs` (N, ...) and, to compare, `expected` (N, outputs)"
    )
    parser.add_argument("--threads", type=int)
    parser.add_argument("--inferences", type=int)
    parser.add_argument("--tolerance", type=float)
    arguments = parser.parse_args()
    print(json.dumps(describe() if arguments.describe else _measured(arguments)))


def describe(root: Path = _ROOT) -> dict[str, Any]:
    """Describe this computer; None for what it does not tell."""
    processor = re.search(r"^model name\s*: (.+)", _text(root / "proc/cpuinfo"), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+) kB", _text(root / "proc/meminfo"), re.MULTILINE)
    fastest = _numbers(root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/cpuinfo_max_freq"))
    present = frequency_mhz(root)
    clock_hz = max(fastest) * 1000 if fastest else round(present * 1e6) if present else None
    # A 64-bit kernel may carry 32-bit programs, as Raspberry Pi OS does on some models.
    machine = platform.machine() if sys.maxsize > 2**32 else "armv7l"
    return {
        "id": _text(root / "etc/machine-id") or platform.node(),
        "title": _text(root / "proc/device-tree/model").rstrip("\0")
        or (processor[1].strip() if processor else machine),
        "host": platform.node(),
        "system": platform.platform(),
        "machine": machine,
        "python": ".".join(platform.python_version_tuple()[:2]),
        "cores": len(os.sched_getaffinity(0)),
        "ram_bytes": int(memory[1]) * 1024 if memory else None,
        "clock_hz": clock_hz,
    }


def _measured(arguments: argparse.Namespace) -> dict[str, Any]:
    try:
        return measure(
            arguments.model, arguments.inputs, arguments.threads, arguments.inferences, arguments.tolerance
        )
    except Exception as problem:  # ONNX Runtime raises anything
        return {"problem": (str(problem).strip() or type(problem).__name__).splitlines()[0]}


def open_session(model: str, threads: int) -> Any:
    """Return a session of ONNX Runtime's CPU provider whose operators use up to `threads` threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def measure(
    model: str, inputs_file: str, threads: int, inferences: int, tolerance: float, root: Path = _ROOT
) -> dict[str, Any]:
    """Compare a model's outputs, then time single inferences of the first input.

    Args:
        inputs_file: see `main`.
        threads: that one operator may use.
        inferences: number of timed ones.
        tolerance: difference of an output above which nothing is timed.
        root: the root of /proc and /sys.

    Returns:
        The fields of `harness.records.record.LinuxRow` without the tolerance, and `output`: that of the first
        input. If the outputs differ, `samples_us` is [] and nothing was timed.
    """
    import numpy
    import onnxruntime

    given = numpy.load(inputs_file)
    inputs, expected = given["inputs"], given.get("expected")
    _return_free_memory()
    memory = Memory(root)
    session = open_session(model, threads)
    name = session.get_inputs()[0].name
    outputs = [numpy.asarray(session.run(None, {name: values[None]})[0]) for values in inputs]
    difference = None
    if expected is not None:
        difference = max(_difference(*pair) for pair in zip(outputs, expected, strict=True))
    found: dict[str, Any] = {
        "onnxruntime": onnxruntime.__version__,
        "python": platform.python_version(),
        "output": outputs[0].ravel().tolist(),
        "difference": difference,
        "model_bytes": Path(model).stat().st_size,
        "threads": threads,
        "governor": governor(root),
        "samples_us": [],
    }
    if difference is not None and not difference <= tolerance:
        return found
    feed = {name: inputs[:1]}
    before = condition(root)
    began = processor_seconds(root)
    found["warm_ups"] = _warm_up(lambda: session.run(None, feed))
    samples_us = []
    for _ in range(inferences):
        start = time.perf_counter_ns()
        session.run(None, feed)
        samples_us.append((time.perf_counter_ns() - start) / 1000)
    busy = other_cores(began, processor_seconds(root))
    after = condition(root)
    process, of_model = memory.peaks()
    return {
        **found,
        "samples_us": samples_us,
        "before": before,
        "after": after,
        "other_cores": busy,
        "throttled": throttling(before.pop("limits"), after.pop("limits")),
        "process_peak_bytes": process,
        "model_peak_bytes": of_model,
    }


def _difference(output: Any, expected: Any) -> float:
    """Return the largest difference; infinite if the numbers of outputs differ or an output is NaN."""
    if output.size != expected.size:
        return float("inf")
    largest = float(abs(output.ravel() - expected.ravel()).max())
    return largest if largest == largest else float("inf")


def _warm_up(call: Any) -> int:
    calls, end_s = 0, time.monotonic() + WARM_UP_S
    while calls < WARM_UPS or time.monotonic() < end_s:
        call()
        calls += 1
    return calls


def _return_free_memory() -> None:
    """Give freed memory back to the system (glibc): a model that reused it would seem to need less."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


class Memory:
    """Peak memory of this process, and of what it loads from now on."""

    def __init__(self, root: Path = _ROOT) -> None:
        self._status, self._before = root / "proc/self/status", None
        self._earlier = self._read("VmHWM")
        try:
            (root / "proc/self/clear_refs").write_text("5")  # VmHWM becomes the present VmRSS
            self._before = self._read("VmRSS")
        except OSError:  # not allowed: the peak of the imports may hide the model's
            pass

    def peaks(self) -> tuple[int | None, int | None]:
        """Return the peak of the process and its excess over the memory before, bytes; None if not told."""
        peak = self._read("VmHWM")
        if peak is None:
            return None, None
        of_model = None if self._before is None else peak - self._before
        return max(peak, self._earlier or 0), of_model

    def _read(self, name: str) -> int | None:
        text = _text(self._status)
        found = re.search(rf"^{name}:\s*(\d+) kB", text, re.MULTILINE)
        return int(found[1]) * 1024 if found else None


def condition(root: Path = _ROOT) -> dict[str, Any]:
    """Return frequency in MHz, temperature in °C and the state of the machine's limits; None if not told."""
    return {
        "frequency_mhz": frequency_mhz(root),
        "temperature_c": temperature_c(root),
        "limits": limits(root),
    }


def processor_seconds(root: Path = _ROOT) -> tuple[float, float, float] | None:
    """Return the clock's time, the busy time of all processors, and the time of this process on them, s.

    Return None if the machine does not tell.
    """
    found = re.match(r"cpu +(\d+) (\d+) (\d+) \d+ \d+ (\d+) (\d+)", _text(root / "proc/stat"))
    if found is None:
        return None
    ticks = sum(map(int, found.groups()))  # of users, nice ones, the system and interrupts; guests are users
    return time.monotonic(), ticks / os.sysconf("SC_CLK_TCK"), time.process_time()


def other_cores(before: tuple[float, ...] | None, after: tuple[float, ...] | None) -> float | None:
    """Return the mean number of cores that other processes used between two `processor_seconds`."""
    if before is None or after is None:
        return None
    wall_s, all_s, own_s = (last - first for first, last in zip(before, after, strict=True))
    return max(0.0, (all_s - own_s) / wall_s) if wall_s > 0 else None


def governor(root: Path = _ROOT) -> str | None:
    names = {_text(path) for path in root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor")}
    return ", ".join(sorted(names)) or None


def frequency_mhz(root: Path = _ROOT) -> float | None:
    """Return the present frequency of the fastest core."""
    found = [
        khz / 1000 for khz in _numbers(root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq"))
    ]
    if not found:
        text = _text(root / "proc/cpuinfo")
        found = [float(value) for value in re.findall(r"^cpu MHz\s*: ([\d.]+)", text, re.MULTILINE)]
    return max(found, default=None)


def temperature_c(root: Path = _ROOT) -> float | None:
    """Return the temperature of the hottest zone of the processor, or of any zone if none names it."""
    zones = [
        (_text(zone / "type"), int(text) / 1000)
        for zone in root.glob("sys/class/thermal/thermal_zone*")
        if (text := _text(zone / "temp")).lstrip("-").isdigit()
    ]
    of_processor = [degrees for kind, degrees in zones if re.search("cpu|pkg|soc|core", kind, re.IGNORECASE)]
    return max(of_processor or [degrees for _, degrees in zones], default=None)


def limits(root: Path = _ROOT) -> dict[str, int]:
    """Return the state of the machine's limits: a Raspberry Pi's bits, or others' counters and states."""
    found = {}
    if (bits := _raspberry_bits(root)) is not None:
        found["raspberry"] = bits
    for path in root.glob("sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/*_throttle_count"):
        if (text := _text(path)).isdigit():
            found[f"count {path.parts[-3]} {path.name}"] = int(text)
    for device in root.glob("sys/class/thermal/cooling_device*"):
        kind = _text(device / "type")
        state = _text(device / "cur_state")
        if re.match("cpufreq|cpu-|thermal-cpufreq|Processor", kind) and state.isdigit():
            found[f"state {device.name} {kind}"] = int(state)
    return found


def _raspberry_bits(root: Path) -> int | None:
    text = _text(root / "sys/devices/platform/soc/soc:firmware/get_throttled")
    if not text and (tool := shutil.which("vcgencmd")):
        done = subprocess.run([tool, "get_throttled"], capture_output=True, text=True, timeout=10)
        text = done.stdout.strip().rpartition("=")[2]
    try:
        return int(text, 16)
    except ValueError:
        return None


def throttling(before: dict[str, int], after: dict[str, int]) -> list[str] | None:
    """Return the reasons why the processor was slowed down meanwhile; None if the machine tells nothing."""
    if not after:
        return None
    reasons = []
    first, last = before.get("raspberry", 0), after.get("raspberry", 0)
    met = first | last | (last & ~first) >> 16
    reasons += [text for bit, text in _NOW_BITS.items() if met >> bit & 1]
    for name, value in after.items():
        kind, _, source = name.partition(" ")
        if kind == "count" and value > before.get(name, value):
            reasons.append(f"{source} rose by {value - before[name]}")
        if kind == "state" and max(value, before.get(name, 0)):
            reasons.append(f"{source} is active")
    return reasons


def _numbers(files: Iterable[Path]) -> list[int]:
    return [int(text) for path in files if (text := _text(path)).isdigit()]


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


if __name__ == "__main__":
    main()
