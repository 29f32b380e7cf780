"""Traces that are long enough, however slow this machine is."""

from __future__ import annotations

import time
from pathlib import Path

from harness.meters.meter import Meter
from harness.meters.trace import Trace


def record_for(meter: Meter, file: Path, seconds: float) -> Trace:
    """Record until the meter's own samples are that many seconds long."""
    meter.start(file)
    try:
        while meter.mark() < seconds:
            time.sleep(0.01)
    finally:
        trace = meter.stop()
    return trace
