"""Benchmark of an hour of audio on the emulated board, on one core.

    python -m benchmarks.field_speed --variants tinyconv-int8 --hours 1

Prints wall time, processor time and peak memory for 10 minutes and for the hours: the board's part (emulator
and reading of its records), and the host's part. Images and models come from the store.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

from harness.bench_file import Bench
from harness.boards.emulated import EmulatedBoard
from harness.firmware.engine import get_engine
from harness.layout import RECORDINGS
from harness.measure.retry import Retries
from harness.records.field_record import FieldRecord, FieldVariant
from harness.runs.field.host import Host
from harness.runs.field.paths import FieldPaths
from harness.runs.field.playing import Player, read_facts
from harness.runs.field.publishing import compute_figures
from harness.runs.selection import Selection
from harness.sound.planning import make_plan
from harness.sound.playback_plan import PlanOptions, PlaybackPlan
from models.model_artifact import ModelArtifact
from models.store import Store

_TEN_MINUTES_S = 600.0


class _Watch:
    """Wall and processor seconds of this process and its ended children since the start."""

    def __init__(self) -> None:
        self._wall_s, self._cpu_s = time.monotonic(), _cpu_s()

    def __str__(self) -> str:
        return f"{time.monotonic() - self._wall_s:.0f} s, {_cpu_s() - self._cpu_s:.0f} s of the processor"


def measure(model: ModelArtifact, plan: PlaybackPlan, scratch: Path) -> list[str]:
    """Play a plan to the emulated board and evaluate it in an empty folder; return the lines to print."""
    store, audio_s = Store(scratch / "store"), sum(segment.duration_s for segment in plan.segments)
    with EmulatedBoard() as board:
        paths = FieldPaths(scratch / "run")
        record = FieldRecord({}, {}, {}, board.describe(), {}, [], [], [], [], threshold=None, window_s=1.0)
        firmware = board.build(model, get_engine("codegen"))
        retries = Retries()
        player = Player(board, firmware, model, plan, Bench(), paths, store, retries)
        watch = _Watch()
        for segment in plan.segments:
            player.play(segment)
        board.close()
        lines = [f"{model.id}: {audio_s:.0f} s of audio", f"  board: {watch}"]
    watch = _Watch()
    row = _read(model, plan, paths, store, record)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return [
        *lines,
        f"  host and figures: {watch}",
        f"  scores compared with the host's: {row.reference}",
        f"  peak memory so far: {peak_mib} MiB",
    ]


def _read(
    model: ModelArtifact, plan: PlaybackPlan, paths: FieldPaths, store: Store, record: FieldRecord
) -> FieldVariant:
    host = Host(model, plan, paths, store)
    for segment in plan.segments:
        facts = read_facts(paths, model.id, segment.number)
        assert facts is not None
        host.listen(segment, facts)
    row = FieldVariant(model.id, model.title, list(model.labels))
    return compute_figures(paths, plan, row, record)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--variants", default="tinyconv-int8", metavar="PATTERN")
    parser.add_argument("--hours", type=float, default=1.0, metavar="N")
    parser.add_argument("--core", type=int, default=0, metavar="N")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {arguments.core})  # the emulator inherits it
    for model in Selection(arguments.variants).models():
        for keyword_free_s in (_TEN_MINUTES_S, 3600 * arguments.hours):
            plan = make_plan(RECORDINGS, PlanOptions(keyword_free_s=keyword_free_s))
            with tempfile.TemporaryDirectory(prefix="earshot-speed-") as scratch:
                print("\n".join(measure(model, plan, Path(scratch))), flush=True)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


if __name__ == "__main__":
    main()
