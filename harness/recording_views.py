"""Views of recordings and facts about them, for the pages that show recordings."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.sound import levels
from harness.sound.recordings import MANIFEST, Recording, is_silence, manifest_rows
from harness.sound.sound_files import digest_of
from harness.sound.stimulus import active_part
from models import views
from models.data import features, wav
from models.data.dataset import CLIP_SAMPLES
from models.data.front_ends import micro as front_end
from models.data.wav import FULL_SCALE, SAMPLE_RATE_HZ, read_wav
from models.store import Store
from models.views import Image, Views, Waveform

_QUIET_DBFS = -60.0
"""Level of the background noise under a run's stimulus, which drowns everything below."""
_STRETCHES = 200
"""Columns of a small waveform."""
_FEATURES = "features.npz"
_MANIFEST_LEVELS = 4
"""Parent folders in which a manifest is searched."""


@dataclass(frozen=True)
class Facts:
    """Facts about a recording."""

    name: str  # path in its folder
    word: str  # from the manifest, like `label` and `source`; empty if no manifest lists the recording
    label: str
    source: str
    sha256: str  # hash of the file, 64 hex digits
    reading: str  # conversion to 16 kHz mono; empty if none was needed
    samples: int  # number of samples after the conversion
    peak: float  # largest magnitude relative to full scale, 0 to 1
    rms_dbfs: float  # level of the whole recording
    clipped: int  # number of samples at full scale
    active_s: tuple[float, float]
    """Start and end of the active part; the whole recording where nothing stands out."""
    feature_crc: int | None
    """CRC-32 of the features of the first second, as a board reports it; None without features."""
    remarks: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        return self.samples / SAMPLE_RATE_HZ

    @property
    def peak_dbfs(self) -> float | None:
        """Level of the peak; None for digital silence."""
        return 20 * math.log10(self.peak) if self.peak else None


@dataclass(frozen=True, eq=False)
class Look:
    """A recording with all six views; `samples` are int16 (N,), 16 kHz mono."""

    facts: Facts
    views: Views
    samples: NDArray[np.int16]

    @property
    def model_s(self) -> tuple[float, float]:
        """Start and end of the slices that are one input of a model."""
        micro = self.views.micro
        return micro.first_s, micro.first_s + features.SLICES * micro.column_s


@dataclass(frozen=True, eq=False)
class Glance:
    """A recording with three small views; `mel` and `micro` are None if it is shorter than a window."""

    facts: Facts
    waveform: Waveform
    mel: Image | None
    micro: Image | None


def look(path: Path) -> Look:
    """Read a recording of any rate and length and compute its views.

    Raises:
        UsageError: the file is missing, a folder, or shorter than a window of the front end.
        DatasetError: the file is not a sound, see `models.data.wav.read_wav`.
    """
    if not path.is_file():
        other = "that is a folder" if path.is_dir() else "that is a pipe or a device, not a file"
        raise UsageError(
            other if path.exists() else "the recording is not there",
            where=str(path),
            remedy="Name one recording, such as recordings/yes/andy.wav.",
        )
    samples, note = read_wav(path)
    if len(samples) < features.WINDOW_SAMPLES:
        raise UsageError(
            f"the recording is too short: {1000 * len(samples) / SAMPLE_RATE_HZ:.3g} ms",
            where=str(path),
            remedy="Record at least 30 ms, a window of the front end; a model needs one second.",
        )
    row, folder = _manifest_row(path)
    recording = Recording(row.get("label", ""), row.get("word", ""), row.get("path", path.name), samples)
    seen = views.views_of(samples)
    facts = _facts(recording, path, seen.micro)
    facts = replace(facts, source=row.get("source", ""), reading=note)
    if row and row["sha256"].lower() != facts.sha256:
        differs = (
            f"The SHA-256 differs from the one in {folder.name}/{MANIFEST}. Restore the recording, or write "
            "its new SHA-256 there."
        )
        facts = replace(facts, remarks=(*facts.remarks, differs))
    return Look(facts, seen, samples)


def glances(folder: Path, recordings: Sequence[Recording], store: Store) -> list[Glance]:
    """Return small views of a run's recordings in a folder.

    The store keeps the features: to compute them takes an import of TensorFlow, 4 s of processor time.
    """

    def make(target: Path) -> None:
        found = (views.micro_of(recording.samples).values for recording in recordings if _is_long(recording))
        np.savez(target / _FEATURES, *found)

    paths = [folder / recording.source for recording in recordings]
    made = store.build("glances", {"recordings": paths}, make, (views, features, front_end, wav))
    with np.load(made / _FEATURES) as arrays:
        micros = iter([views.micro_image(values) for values in arrays.values()])
    return [
        _glance(path, recording, next(micros) if _is_long(recording) else None)
        for path, recording in zip(paths, recordings, strict=True)
    ]


def _is_long(recording: Recording) -> bool:
    return len(recording.samples) >= features.WINDOW_SAMPLES


def _glance(path: Path, recording: Recording, micro: Image | None) -> Glance:
    waveform = views.waveform_of(recording.samples, _STRETCHES)
    mel = views.mel_of(recording.samples) if micro else None
    return Glance(_facts(recording, path, micro), waveform, mel, micro)


def _facts(recording: Recording, path: Path, micro: Image | None) -> Facts:
    samples = recording.samples
    start, end = active_part(recording.samples, recording.word)
    facts = Facts(
        name=recording.source,
        word=recording.word,
        label=recording.label,
        source="",
        sha256=digest_of(path),
        reading="",
        samples=len(samples),
        peak=float(np.abs(samples.astype(np.int32)).max()) / FULL_SCALE,
        rms_dbfs=levels.rms_dbfs(samples),
        clipped=levels.clipped_samples(samples),
        active_s=(start / SAMPLE_RATE_HZ, end / SAMPLE_RATE_HZ),
        feature_crc=features.feature_crc(micro.values[: features.SLICES]) if micro else None,
    )
    return replace(facts, remarks=tuple(_remarks(facts)))


def _remarks(facts: Facts) -> list[str]:
    found = []
    if not is_silence(facts.word):
        if not facts.peak:
            found.append("Every sample is 0: record it again with the microphone switched on.")
        elif facts.rms_dbfs < _QUIET_DBFS:
            found.append(
                f"Very quiet: −{-facts.rms_dbfs:.0f} dBFS. Record it again, closer or with more gain."
            )
    if facts.clipped:
        found.append(f"Clipped samples: {facts.clipped:,}. Record it again with less gain.")
    if facts.samples < CLIP_SAMPLES:
        missing_s = (CLIP_SAMPLES - facts.samples) / SAMPLE_RATE_HZ
        found.append(f"Shorter than a model's input of one second: {missing_s:.2f} s of zeros are appended.")
    return found


def _manifest_row(path: Path) -> tuple[dict[str, str], Path]:
    """Find the manifest row of a recording and the manifest's folder; an empty row if there is none.

    An unreadable manifest is skipped: the recording can be shown all the same.
    """
    whole = path.resolve()
    for folder in list(whole.parents)[:_MANIFEST_LEVELS]:
        name = whole.relative_to(folder).as_posix()
        with contextlib.suppress(UsageError):
            for row in manifest_rows(folder / MANIFEST):
                if row["path"] == name and row["word"] and row["sha256"]:
                    return row, folder
    return {}, whole.parent
