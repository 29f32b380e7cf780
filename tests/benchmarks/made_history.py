"""Write made-up records of nights, for tests and for `history_scale`: data for nobody's report."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
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
    VariantRow,
)
from harness.records.verdict import RunVerdict, SeriesVerdict
from harness.regression.from_record import CANARY, NIGHTLY, night_of
from harness.regression.history import RECORD

_LEVELS_US = {"inference_us/clip": 33_120, "inference_us/pcm": 33_120, "preprocess_us/pcm": 5_240}
_ROUNDS = 3
_NIGHT_SD = 0.002
_STEP_NIGHTS = 240
"""Mean number of nights between changes of level of a variant."""
_FIRST = datetime(2026, 1, 1, 1, tzinfo=UTC)


class MadeBench:
    """A board whose nights are made up one after the other.

    Args:
        board: name of the board; the clock of "emulated" is modeled, that of any other measured.
        series: number of timed series, a multiple of 3.
        samples: samples of each series per night, a multiple of 3.
    """

    def __init__(self, board: str, series: int = 30, samples: int = 150) -> None:
        self._random = np.random.default_rng([*board.encode()])
        self._modeled = board == "emulated"
        clock = "modeled cycles" if self._modeled else "measured"
        title = f"{board}, made up"
        self._board = BoardRow(board, f"made-up-{board}", title, 64_000_000, clock, 983_040, 262_144)
        self._planned = samples // _ROUNDS
        self._levels = {f"variant-{index}": 1.0 for index in range(series // len(_LEVELS_US))}

    def night(self, index: int) -> RunRecord:
        """Return the record of the next night; nights are a day apart."""
        started = _FIRST + timedelta(days=index)
        commit = _hash(f"{index // 2}")[:40]
        for variant in self._levels:
            if self._random.random() < 1 / _STEP_NIGHTS:
                self._levels[variant] *= float(np.exp(self._random.normal(0, 0.02)))
        sd = 0.0 if self._modeled else _NIGHT_SD
        tonight = {name: level * np.exp(self._random.normal(0, sd)) for name, level in self._levels.items()}
        rounds = [
            self._block(variant, "round", number, level, commit)
            for number in range(1, _ROUNDS + 1)
            for variant, level in tonight.items()
        ]
        first, last = (self._block(CANARY, f"canary-{which}", 0, 1.0, "") for which in ("first", "last"))
        record = RunRecord(
            run={
                "id": _hash(f"{self._board.uid} {index}")[:32],
                "started": started.isoformat(),
                "ended": (started + timedelta(minutes=50)).isoformat(),
                "kind": NIGHTLY,
                "length_s": "3000.0",
            },
            code={"commit": commit, "dirty": False, "harness_version": "0.1.0", "procedure_version": 1},
            environment={"host": "made up"},
            board=self._board,
            variants=[_row(variant, index // _STEP_NIGHTS) for variant in self._levels],
            blocks=[first, *rounds, last],
        )
        return replace(record, verdict=_verdict(record))

    def _block(self, subject: str, phase: str, number: int, level: float, commit: str) -> BlockRow:
        spread = self._random.integers(0, 1 if self._modeled else 9, (len(_LEVELS_US), self._planned))
        samples = zip(_LEVELS_US.items(), spread, strict=True)
        return BlockRow(
            subject=subject,
            engine="codegen",
            phase=phase,
            round=number,
            image_sha256=_hash(f"{subject} {commit}"),
            planned=self._planned,
            samples_us={key: (round(value * level) + those).tolist() for (key, value), those in samples},
            lost=dict.fromkeys(_LEVELS_US, 0),
            checks={"features_crc": "1a2b3c4d", "output": "0.0 0.0 0.99609375 0.00390625"},
        )


def write_nights(
    folder: Path,
    nights: int,
    boards: Sequence[str] = ("emulated", "nano33ble"),
    series: int = 30,
    samples: int = 150,
) -> list[Path]:
    """Write <board>/<number>/run.json of each night, and return the paths sorted by board and time.

    Args:
        folder: folder for the records.
        nights: number of nights of each board.
        boards, series, samples: see `MadeBench`.
    """
    written = []
    for board in boards:
        bench = MadeBench(board, series, samples)
        for index in range(nights):
            path = folder / board / f"{index:05}" / RECORD
            path.parent.mkdir(parents=True)
            path.write_text(dump_with_checksum(asdict(bench.night(index))), encoding="utf-8")
            written.append(path)
    return written


def _row(variant: str, change: int) -> VariantRow:
    flash_bytes = 36_576 + 16 * change
    firmware = FirmwareRow("codegen", "dsp", "-O2", "made up 1.0", "cafe0123", flash_bytes, 30_272, 6_452)
    operators = {"RESHAPE": 3, "CONV_2D": 1, "FULLY_CONNECTED": 1, "SOFTMAX": 1}
    accuracy = {"testing": [LabelCount("yes", 187, 205), LabelCount("no", 187, 205)]}
    digest = _hash(f"{variant} {change}")
    model = ModelRow(digest, 19_736, "int8", 16_652, 336_000, operators, accuracy=accuracy)
    return VariantRow(variant, variant, ["yes", "no"], model=model, firmware=firmware)


def _verdict(record: RunRecord) -> RunVerdict:
    night = night_of(record)
    series = [
        SeriesVerdict(str(name), "ok", f"{name} is as before.", value=night.exact.get(name))
        for name in [*night.times, *night.exact]
    ]
    sentence = f"Nothing changed on {night.board}: all {len(series)} series are as accepted."
    return RunVerdict(night.id, night.board, "ok", sentence, 0, tuple(series))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
