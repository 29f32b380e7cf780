"""Records of nights that nobody measured, to see what a history of many years takes: made up, never a result.

Every record says so in its trigger and in its board's identity.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from harness.records.checksum import dump_with_checksum
from harness.records.record import (
    BlockRow,
    BoardRow,
    FirmwareRow,
    LabelCount,
    ModelRow,
    RunRecord,
    StimulusRow,
    VariantRow,
)
from harness.records.verdict import RunVerdict, SeriesVerdict
from harness.regression.from_record import CANARY, NIGHTLY, night_of
from harness.regression.history import RECORD

KEYS = ("inference_us/clip", "inference_us/pcm", "preprocess_us/pcm")
"""The timed series of a variant."""
ROUNDS = 3
LEVELS_US = {"inference_us": 33_120, "preprocess_us": 5_240}
NIGHT_SD = 0.002
STEP_NIGHTS = 240
"""About once in so many nights a variant gets slower or faster for good."""

_FIRST = datetime(2026, 1, 1, 1, tzinfo=timezone.utc)
_CLOCKS = {"emulated": "modeled cycles"}
_LABELS = ["silence", "unknown", "yes", "no"]


class MadeBench:
    """A bench that makes up one night after the other; its variants change now and then.

    Args:
        board: its name; the clock of "emulated" is a model, that of any other is not.
        series: timed ones, a multiple of 3: each variant has those of `KEYS`.
        samples: of a series a night, a multiple of 3.
        seed: of everything.
    """

    def __init__(self, board: str, series: int = 30, samples: int = 150, seed: int = 1) -> None:
        self._dice = np.random.default_rng([seed, *board.encode()])
        self._board = BoardRow(
            name=board,
            uid=f"made-up-{board}",
            title=f"{board}, made up",
            clock_hz=64_000_000,
            clock=_CLOCKS.get(board, "measured"),
            flash_bytes=983_040,
            ram_bytes=262_144,
            details={"core": "made up 1.0", "port": "none"},
        )
        self._variants = [f"variant-{index}" for index in range(series // len(KEYS))]
        self._planned = samples // ROUNDS
        self._level = dict.fromkeys(self._variants, 1.0)
        self._modeled = self._board.clock != "measured"

    def night(self, index: int) -> RunRecord:
        """The record of the next night.

        Args:
            index: of the night, from 0; they are a day apart.
        """
        started = _FIRST + timedelta(days=index)
        commit = hashlib.sha1(f"{index // 2}".encode(), usedforsecurity=False).hexdigest()
        for variant in self._variants:
            if self._dice.random() < 1 / STEP_NIGHTS:
                self._level[variant] *= float(np.exp(self._dice.normal(0, 0.02)))
        blocks = [self._block(CANARY, "canary-first", 0, 1.0, commit)]
        drift = {variant: self._level[variant] * self._drift() for variant in self._variants}
        for number in range(1, ROUNDS + 1):
            blocks += [self._block(variant, "round", number, drift[variant], commit) for variant in drift]
        blocks.append(self._block(CANARY, "canary-last", 0, 1.0, commit))
        record = RunRecord(
            run={
                "id": hashlib.sha256(f"{self._board.uid} {index}".encode()).hexdigest()[:32],
                "started": _stamp(started),
                "ended": _stamp(started + timedelta(minutes=50)),
                "trigger": "made up",
                "command": "python -m benchmarks.history_scale",
                "kind": NIGHTLY,
                "length_s": "3000.0",
            },
            code={"commit": commit, "dirty": False, "harness_version": "0.1.0", "procedure_version": 1},
            environment={"host": "made up", "python": "3.11.7"},
            board=self._board,
            variants=[self._row(variant, index) for variant in self._variants],
            blocks=blocks,
        )
        return _judged(record)

    def _drift(self) -> float:
        return 1.0 if self._modeled else float(np.exp(self._dice.normal(0, NIGHT_SD)))

    def _block(self, subject: str, phase: str, number: int, level: float, commit: str) -> BlockRow:
        width = 1 if self._modeled else 9
        samples = {}
        for key in KEYS:
            value = round(LEVELS_US[key.partition("/")[0]] * level)
            samples[key] = (value + self._dice.integers(0, width, self._planned)).tolist()
        return BlockRow(
            subject=subject,
            engine="codegen",
            phase=phase,
            round=number,
            image_sha256=_hash(subject, "" if subject == CANARY else commit),
            planned=self._planned,
            samples_us=samples,
            lost=dict.fromkeys(KEYS, 0),
            checks={"features_crc": "1a2b3c4d", "output": "0.0 0.0 0.99609375 0.00390625"},
            observations={"port": "none"},
        )

    def _row(self, variant: str, index: int) -> VariantRow:
        return VariantRow(
            id=variant,
            title=variant,
            labels=_LABELS,
            model=ModelRow(
                tflite_sha256=_hash(variant, str(index // STEP_NIGHTS)),
                tflite_bytes=19_736,
                precision="int8",
                parameters=16_652,
                macs=336_000,
                operators={"RESHAPE": 3, "CONV_2D": 1, "FULLY_CONNECTED": 1, "SOFTMAX": 1},
                accuracy={"testing": [LabelCount(label, 187, 205) for label in _LABELS]},
            ),
            firmware=FirmwareRow(
                engine="codegen",
                kernels="dsp",
                optimization="-O2",
                toolchain="made up 1.0",
                build_id="cafe0123",
                flash_bytes=36_576 + 16 * (index // STEP_NIGHTS),
                ram_bytes=30_272,
                arena_bytes=6_452,
            ),
            stimuli=[
                StimulusRow("yes", "yes", f"yes/{clip:02}.wav", 2.0, 2.6, "yes", 202, 3.1, True)
                for clip in range(20)
            ],
            audio_s=101.0,
        )


def write_nights(
    folder: Path,
    nights: int = 3_650,
    boards: Sequence[str] = ("emulated", "nano33ble"),
    series: int = 30,
    samples: int = 150,
    seed: int = 1,
    say: Callable[[str], None] = lambda line: None,
) -> list[Path]:
    """Writes real record files: of each board a night a day, as `earshot nightly` would have.

    Args:
        folder: gets <board>/<stamp>/run.json of each.
        nights: of each board; ten years by default.
        boards: their names, see `MadeBench`.
        series: timed ones of each night.
        samples: of each series.
        seed: of everything.
        say: told how far it is.

    Returns:
        The files, in order of board and time.
    """
    written = []
    for board in boards:
        bench = MadeBench(board, series, samples, seed)
        for index in range(nights):
            record = bench.night(index)
            stamp = record.run["started"].replace("-", "").replace(":", "")
            path = folder / board / stamp / RECORD
            path.parent.mkdir(parents=True)
            path.write_text(
                dump_with_checksum(asdict(record)), encoding="utf-8"
            )  # nobody misses it after a power cut
            written.append(path)
            if not len(written) % 1_000:
                say(f"made up {len(written):,} of {nights * len(boards):,} nights")
    return written


def _judged(record: RunRecord) -> RunRecord:
    """With a verdict such as most nights have."""
    night = night_of(record)
    rows = [
        SeriesVerdict(
            series=str(name),
            status="ok",
            sentence=f"{name} is as before: made up, as everything in this record is.",
            value=night.exact.get(name),
            since=_stamp(_FIRST),
        )
        for name in [*night.times, *night.exact]
    ]
    sentence = f"Nothing changed on {night.board}: all {len(rows)} series are as accepted."
    verdict = RunVerdict(night.id, night.board, "ok", sentence, 0, tuple(rows))
    return replace(record, verdict=verdict)


def _hash(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _stamp(when: datetime) -> str:
    return when.isoformat(timespec="seconds").replace("+00:00", "Z")
