"""Small recordings with a word of known level and place, and playback plans of them."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np

from harness.sound.conditions import Condition
from harness.sound.planning import make_plan
from harness.sound.playback_plan import PlanOptions, PlaybackPlan
from harness.sound.recordings import MANIFEST, MANIFEST_COLUMNS
from models.data.wav import write_wav

RATE_HZ = 16_000


def word(seconds: float = 1.0, onset_s: float = 0.3, end_s: float = 0.7, level: float = 4000.0) -> np.ndarray:
    """Make a tone of this amplitude from onset to end, with digital silence around it."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    active = (time_s >= onset_s) & (time_s < end_s)
    return np.where(active, level * np.sin(2 * np.pi * 450 * time_s), 0).astype(np.int16)


def put(folder: Path, *names: str, **changes: float) -> Path:
    """Write a recording of each name, each a little louder than the one before it."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_wav(path, word(**{"level": 3000.0 + 500 * number, **changes}))
    return folder


def plan_of(folder: Path, *conditions: Condition, **options: object) -> PlaybackPlan:
    """Plan the recordings in a folder; write some if it is empty."""
    if not any(folder.rglob("*.wav")):
        put(folder, "yes/anna.wav", "no/anna.wav", "tree/bo.wav")
    return make_plan(folder, PlanOptions(conditions=conditions or (Condition("plain"),), **options))


def write_manifest(folder: Path, *rows: tuple[str, str], **changes: str) -> None:
    """Write a manifest of recordings and their words; `changes` replace columns of every row."""
    with (folder / MANIFEST).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, MANIFEST_COLUMNS)
        writer.writeheader()
        for path, word in rows:
            facts = {"path": path, "label": word, "word": word, "source": "x", "license": "CC0"}
            digest = hashlib.sha256((folder / path).read_bytes()).hexdigest()
            writer.writerow(facts | {"sha256": digest} | changes)
