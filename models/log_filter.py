"""Filter for the chatter of TensorFlow and the converters.

Dropped messages are listed one by one: a warning that nobody has seen before is shown.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_WARNINGS: tuple[tuple[type[Warning], str], ...] = (
    # torch: both exporters are deprecated, but their successors cannot run beside TensorFlow 2.15.
    (DeprecationWarning, r"You are using the legacy TorchScript-based ONNX export"),
    (DeprecationWarning, r"The feature will be removed\. Please remove usage of this function"),
    (DeprecationWarning, r"`torch\.jit\.(trace|trace_method|load)` is deprecated"),
    # Its exporter leaves the amounts of a Pad to be computed; models.convert.layout computes them.
    (UserWarning, r"Constant folding - Only steps=1 can be constant folded"),
    # onnx-tf and what it imports.
    (DeprecationWarning, r"`mapping\.TENSOR_TYPE_TO_NP_TYPE` is now deprecated"),
    (DeprecationWarning, r"distutils Version classes are deprecated"),
    (UserWarning, r"\s*TensorFlow Addons \(TFA\) has ended development"),
)

_NATIVE_NOISE = re.compile(
    "|".join(
        (
            # The MLIR converter's statistics of the flatbuffer export.
            r"Summary on the non-converted ops:",
            r"-+",
            r" \* Accepted dialects: .*",
            r" \* Non-Converted Ops: .*",
            r" \* \d+ ARITH ops",
            r"- arith\.constant: .*",
            r"  \(\w+: \d+(, \w+: \d+)*\)",
            # The quantizer's echo of its arguments.
            r"fully_quantize: \d+, inference_type: \d+, .*",
            r"INFO: Created TensorFlow Lite XNNPACK delegate for CPU\.",
            r"INFO: Initialized TensorFlow Lite runtime\.",
            # The torch profiler's start and end.
            r"USDT:.* profiler_(start|stop)",
            r"",
        )
    )
)


def quiet_tensorflow() -> None:
    """Show only errors of TensorFlow and onnx-tf; call before their first import."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for category, message in _WARNINGS:
        warnings.filterwarnings("ignore", message, category)


@contextmanager
def known_noise_dropped() -> Iterator[None]:
    """Drop the lines that a conversion is known to print; every other line appears at its end.

    The MLIR converter writes to the process's standard error, past `sys.stderr`, so the file descriptor is
    redirected. onnx-tf raises absl's verbosity, which is restored.
    """
    quiet_tensorflow()
    absl = logging.getLogger("absl")
    verbosity = absl.level

    def above_info(record: logging.LogRecord) -> bool:
        return record.levelno > logging.INFO

    absl.addFilter(above_info)
    sys.stderr.flush()
    terminal = os.dup(2)
    try:
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as captured:
            os.dup2(captured.fileno(), 2)
            try:
                with warnings.catch_warnings():
                    quiet_tensorflow()
                    yield
            finally:
                sys.stderr.flush()
                os.dup2(terminal, 2)
                captured.seek(0)
                for line in captured:
                    if not _NATIVE_NOISE.fullmatch(line.rstrip("\n")):
                        sys.stderr.write(line)
    finally:
        os.close(terminal)
        absl.removeFilter(above_info)
        absl.setLevel(verbosity)
