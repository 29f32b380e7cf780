"""Write made-up records of nights, for tests and for `history_scale`: data for nobody's report."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import made_runs
import numpy as np

from harness.records.record import CANARY, BlockRow, BoardRow, RunRecord, write_record
from harness.records.verdict import RunVerdict, SeriesVerdict
from harness.regression.from_record import NIGHTLY, night_of
from harness.regression.history import RECORD

_LEVELS_US = {"inference_us/clip": 33_120, "inference_us/pcm": 33_120, "preprocess_us/pcm": 5_240}
_ROUNDS = 3
_NIGHT_SD = 0.002
_STEP_NIGHTS = 240
"""Mean number of nights between changes of level of a variant."""
_FIRST = datetime(2026, 1, 1, 1, tzinfo=UTC)
_CHECKS = {"features_crc": "1a2b3c4d", "output": "0.0 0.0 0.99609375 0.00390625"}


def write_nights(
    folder: Path,
    nights: int,
    boards: Sequence[str] = ("emulated", "nano33ble"),
    series: int = 30,
    samples: int = 150,
) -> list[Path]:
    """Write <board>/<number>/run.json of each night, and return the paths sorted by board and time.

    The clock of "emulated" is modeled, that of any other board measured. There are `samples` of each timed
    series per night; both numbers are multiples of 3.
    """
    written = []
    for board in boards:
        for index, record in enumerate(
            _records(board, nights, series // len(_LEVELS_US), samples // _ROUNDS)
        ):
            written.append(folder / board / f"{index:05}" / RECORD)
            write_record(record, written[-1])
    return written


def _records(board: str, nights: int, variants: int, planned: int) -> Iterator[RunRecord]:
    """Yield the records of a board, a day apart; levels change now and then."""
    random = np.random.default_rng([*board.encode()])
    modeled = board == "emulated"
    clock = "modeled cycles" if modeled else "measured"
    levels = dict.fromkeys((f"variant-{index}" for index in range(variants)), 1.0)

    def block(subject: str, phase: str, number: int, level: float, commit: str) -> BlockRow:
        spread = random.integers(0, 1 if modeled else 9, (len(_LEVELS_US), planned))
        samples = zip(_LEVELS_US.items(), spread, strict=True)
        return BlockRow(
            subject,
            "codegen",
            phase,
            round=number,
            image_sha256=_hash(f"{subject} {commit}"),
            planned=planned,
            samples_us={key: (round(value * level) + those).tolist() for (key, value), those in samples},
            lost=dict.fromkeys(_LEVELS_US, 0),
            checks=_CHECKS,
        )

    for index in range(nights):
        started, commit = _FIRST + timedelta(days=index), _hash(f"{index // 2}")[:40]
        for variant in levels:
            if random.random() < 1 / _STEP_NIGHTS:
                levels[variant] *= float(np.exp(random.normal(0, 0.02)))
        sd = 0.0 if modeled else _NIGHT_SD
        tonight = {name: level * np.exp(random.normal(0, sd)) for name, level in levels.items()}
        rounds = [
            block(variant, "round", number, level, commit)
            for number in range(1, _ROUNDS + 1)
            for variant, level in tonight.items()
        ]
        first, last = (block(CANARY, f"canary-{which}", 0, 1.0, "") for which in ("first", "last"))
        change = index // _STEP_NIGHTS
        image = replace(made_runs.IMAGE, flash_bytes=36_576 + 16 * change)
        record = made_runs.record(
            first,
            *rounds,
            last,
            run={
                "id": _hash(f"{board} {index}")[:32],
                "started": started.isoformat(),
                "ended": (started + timedelta(minutes=50)).isoformat(),
                "kind": NIGHTLY,
                "length_s": "3000.0",
            },
            code={"commit": commit, "dirty": False, "procedure_version": 1},
            board=BoardRow(
                board, f"made-up-{board}", f"{board}, made up", 64_000_000, clock, 983_040, 262_144
            ),
            variants=[made_runs.row(variant, firmware=image) for variant in levels],
        )
        yield replace(record, verdict=_verdict(record))


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
