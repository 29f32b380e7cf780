"""Recordings looked at: their facts and the numbers of their views, for a page of one and of a night's."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.report.view_data import Facts, Glance, Times
from harness.sound import levels
from harness.sound.recordings import MANIFEST, MANIFEST_COLUMNS, Recording
from harness.sound.stimulus import active_part
from models import views
from models.data import features, wav
from models.data.dataset import CLIP_SAMPLES
from models.data.front_ends import micro as front_end
from models.data.wav import FULL_SCALE, SAMPLE_RATE_HZ, read_wav
from models.store import Store, sha256_of
from models.views import Image, Views, Waveform

_QUIET_DBFS = -60.0
"""The background under a night's stimulus has as much: what is below is drowned in it."""
_STRETCHES = 200
"""Of a waveform as wide as a thumb."""
_LEVELS_ABOVE = 4
"""Folders above a recording in which a manifest is looked for."""
_NUMBERS = "numbers.npz"


@dataclass(frozen=True, eq=False)
class Look:
    """A recording as its page needs it; `samples` are int16 (N,), 16 kHz mono."""

    facts: Facts
    views: Views
    times: Times
    samples: NDArray[np.int16]


def look(path: Path) -> Look:
    """A recording of any rate and length, with its six views.

    Raises:
        UsageError: it is not there, a folder, or shorter than a window of the front end.
        DatasetError: it is no sound, see `models.data.wav.read_wav`.
    """
    if not path.is_file():
        raise UsageError(
            "that is a folder" if path.is_dir() else "the recording is not there",
            where=str(path),
            remedy="Name one recording, such as recordings/yes/andy.wav.",
        )
    samples, note = read_wav(path)
    if len(samples) < features.WINDOW_SAMPLES:
        raise UsageError(
            f"the recording is too short to be looked at: {1000 * len(samples) / SAMPLE_RATE_HZ:.3g} ms",
            where=str(path),
            remedy="A window of the front end takes 30 ms, a model looks at a second: record that much.",
        )
    row, folder = _manifest_row(path)
    name = row["path"] if row else path.name
    recording = Recording(row.get("label", ""), row.get("word", ""), name, samples)
    seen = views.views_of(samples)
    facts = facts_of(recording, path, note, row, feature_crc=_crc(seen.micro))
    if row and row["sha256"].lower() != facts.sha256:
        differs = (
            f"Not the recording that {folder.name}/{MANIFEST} lists: its SHA-256 differs. "
            "Restore it, or write its new SHA-256 there."
        )
        facts = replace(facts, remarks=(*facts.remarks, differs))
    model_s = (seen.micro.first_s, seen.micro.first_s + features.SLICES * seen.micro.column_s)
    return Look(facts, seen, Times(facts.duration_s, facts.active_s, model_s), samples)


def glances(folder: Path, recordings: Sequence[Recording], store: Store) -> list[Glance]:
    """The recordings of a night, small; their numbers are artifacts, computed once for each.

    Args:
        folder: where the recordings are.
        recordings: of `harness.sound.recordings.read_recordings`.
        store: where the numbers are kept.
    """
    return [_glance(folder / recording.source, recording, store) for recording in recordings]


def facts_of(
    recording: Recording, path: Path, note: str, row: dict[str, str], feature_crc: int | None
) -> Facts:
    """What is known of a recording.

    Args:
        recording: its samples, name and word.
        path: the file.
        note: what was converted to read it.
        row: of its manifest; empty if it is in none.
        feature_crc: of its first 49 slices.
    """
    samples = recording.samples
    peak = float(np.abs(samples.astype(np.int32)).max()) / FULL_SCALE
    start, end = active_part(recording)
    rms_dbfs, clipped = levels.rms_dbfs(samples), levels.clipped_samples(samples)
    return Facts(
        name=recording.source,
        word=recording.word,
        label=recording.label,
        source=row.get("source", ""),
        sha256=sha256_of(path),
        reading=note,
        samples=len(samples),
        duration_s=len(samples) / SAMPLE_RATE_HZ,
        peak=peak,
        rms_dbfs=rms_dbfs,
        clipped=clipped,
        active_s=(start / SAMPLE_RATE_HZ, end / SAMPLE_RATE_HZ),
        feature_crc=feature_crc,
        remarks=tuple(_remarks(recording, rms_dbfs, clipped)),
    )


def _remarks(recording: Recording, rms_dbfs: float, clipped: int) -> list[str]:
    """What is wrong with a recording, and what to try."""
    found = []
    if not recording.samples.any():
        if recording.word.strip("_").casefold() != "silence":
            found.append("Every sample is 0: record it again with the microphone switched on.")
    elif rms_dbfs < _QUIET_DBFS and recording.word.strip("_").casefold() != "silence":
        found.append(f"Very quiet: −{-rms_dbfs:.0f} dBFS. Record it again, nearer or with more gain.")
    if clipped:
        number = f"{clipped:,} sample{'' if clipped == 1 else 's'}"
        found.append(f"Clipped: {number} at full scale. Record it again with less gain.")
    missing = CLIP_SAMPLES - len(recording.samples)
    if missing > 0:
        found.append(
            "Shorter than the second that a model looks at: "
            f"{missing / SAMPLE_RATE_HZ:.2f} s of zeros follow, as in training."
        )
    return found


def _glance(path: Path, recording: Recording, store: Store) -> Glance:
    def make(folder: Path) -> None:
        seen: dict[str, Waveform | Image] = {"waveform": views.waveform_of(recording.samples, _STRETCHES)}
        if len(recording.samples) >= features.WINDOW_SAMPLES:
            seen["mel"], seen["micro"] = views.mel_of(recording.samples), views.micro_of(recording.samples)
        fields = ((name, field, value) for name, view in seen.items() for field, value in vars(view).items())
        np.savez(folder / _NUMBERS, **{f"{name} {field}": value for name, field, value in fields})

    code = (views, features, front_end, wav)
    made = store.build("views", {"recording": path, "stretches": _STRETCHES}, make, code)
    with np.load(made / _NUMBERS) as numbers:
        fields: dict[str, dict[str, Any]] = {}
        for key, value in numbers.items():
            name, field = key.split(" ")
            fields.setdefault(name, {})[field] = value if value.ndim else value.item()
    mel, micro = (Image(**fields[name]) if name in fields else None for name in ("mel", "micro"))
    facts = facts_of(recording, path, "", {}, _crc(micro) if micro else None)
    return Glance(facts, Waveform(**fields["waveform"]), mel, micro)


def _crc(micro: Image) -> int:
    """As a board tells it of the first second."""
    return features.feature_crc(micro.values[: features.SLICES])


def _manifest_row(path: Path) -> tuple[dict[str, str], Path]:
    """The row of the manifest that lists a recording and that manifest's folder; an empty row if none does.

    A manifest that cannot be read lists nothing: the recording is there to be looked at all the same.
    """
    whole = path.resolve()
    for folder in list(whole.parents)[:_LEVELS_ABOVE]:
        name = whole.relative_to(folder).as_posix()
        try:
            with (folder / MANIFEST).open(newline="", encoding="utf-8") as stream:
                for row in csv.DictReader(stream):
                    if row.get("path") == name and all(row.get(column) for column in MANIFEST_COLUMNS):
                        return row, folder
        except (OSError, UnicodeDecodeError, csv.Error):
            continue
    return {}, whole.parent
