"""Scan of a folder of recordings: usable recordings, and reasons for excluding others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.sound.levels import clipped_samples, rms_dbfs
from harness.sound.playback_plan import Scan
from harness.sound.recordings import Entry, Recording, entries_of, is_silence, label_of, speaker_of
from harness.sound.sound_files import digest_of, read_once
from harness.sound.stimulus import active_part
from models.data.dataset import BACKGROUND_FOLDER, NO_CLIPS, SpeechCommands
from models.data.sound_folder import Excluded, reasons
from models.data.wav import SAMPLE_RATE_HZ
from models.errors import DatasetError

SILENT_DBFS = -60.0
"""A recording whose active part has a lower RMS counts as silent: the level of the added background."""

SHORTEST_S = 0.2
"""Shortest recording of a word; the shortest of the default set, a "dog", is active for 0.30 s."""

LONGEST_CLICK_S = 0.1
"""An active part no longer than this is a click; a vowel alone takes longer."""

CLIPPED_FROM = 3
"""Samples at the limits of int16; one or two may be a normalized peak, or a click."""


class UsableRecording(NamedTuple):
    """A recording that can be played.

    Attributes:
        word, source, sha256, speaker: as in PlannedWord.
        samples: its length at 16 kHz.
        onset: its first active sample.
        end: one past its last.
    """

    word: str
    source: str
    sha256: str
    speaker: str
    samples: int
    onset: int
    end: int


@dataclass(frozen=True)
class RecordingSet:
    """Recordings in a fixed order, and the scan that found them."""

    recordings: tuple[Recording, ...]
    scan: Scan[UsableRecording]


def read_recordings(folder: Path, labels: Sequence[str]) -> RecordingSet:
    """Read the usable recordings of a folder, in the order of its manifest or else of the file names.

    Args:
        folder: see `harness.sound.recordings.entries_of`.
        labels: of the model. Any other word is "unknown".

    Raises:
        UsageError: no usable recording, or a manifest that cannot be read.
    """
    scan = scan_recordings(folder, labels)
    recordings = (
        Recording(label_of(each.word, labels), each.word, each.source, read_once(folder / each.source)[0])
        for each in scan.usable
    )
    return RecordingSet(tuple(recordings), scan)


def scan_recordings(
    folder: Path,
    labels: Sequence[str] = (),
    entries: Sequence[Entry] | None = None,
    at_most: int | None = None,
) -> Scan[UsableRecording]:
    """Read the recordings of a folder and check each.

    Args:
        folder, labels: see `harness.sound.recordings.entries_of`.
        entries: of the folder, in any order; None: all.
        at_most: stop after this number of usable recordings.

    Raises:
        UsageError: no usable recording, or a manifest that cannot be read.
    """
    usable: list[UsableRecording] = []
    excluded: list[Excluded] = []
    if entries is None:
        entries, excluded = entries_of(folder, labels)
    notes: list[str] = []
    named: dict[tuple[str, str], list[str]] = {}
    for path, word, remark in entries:
        if at_most is not None and len(usable) >= at_most:
            break
        source = path.relative_to(folder).as_posix()
        try:
            recording, remarks = _check(path, source, word)
        except _Unusable as problem:
            excluded.append(Excluded(source, str(problem)))
        else:
            usable.append(recording)
            notes += [f"{source}: {each}" for each in remarks]
            if remark:
                named.setdefault((word, remark), []).append(source)
    contradictions = _contradictions(usable, labels)
    excluded += contradictions.values()
    usable = [each for each in usable if each.source not in contradictions]
    if not usable:
        raise UsageError(
            f"none of {len(excluded)} recordings can be used{reasons(excluded)}",
            where=str(folder),
            remedy="Put WAV files of spoken words there: yes_1.wav, or in a folder for each word: yes/1.wav.",
        )
    doubts = []
    for (word, remark), sources in named.items():
        more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
        doubts.append(f'{sources[0]}{more}, taken as "{word}": {remark}')
    return Scan(
        tuple(usable),
        tuple(excluded),
        (*notes, *doubts, *_training_note(folder, usable)),
        doubts=tuple(doubts),
    )


def _contradictions(usable: Sequence[UsableRecording], labels: Sequence[str]) -> dict[str, Excluded]:
    """Return the recordings whose file is also there under another label, by source."""
    by_file: dict[str, dict[str, str]] = {}
    label = {each.source: label_of(each.word, labels) if labels else each.word for each in usable}
    for each in usable:
        by_file.setdefault(each.sha256, {}).setdefault(label[each.source], each.source)
    found = {}
    for each in usable:
        for other, source in by_file[each.sha256].items():
            if other != label[each.source]:
                found[each.source] = Excluded(each.source, f"the same sound has another label as {source}")
    return found


class _Unusable(Exception):
    """The reason for excluding a recording."""


def _check(path: Path, source: str, word: str) -> tuple[UsableRecording, list[str]]:
    if path.parent.name == BACKGROUND_FOLDER:
        raise _Unusable("no word: it is background noise")
    try:
        samples, converted = read_once(path)
        digest = digest_of(path)
    except (DatasetError, OSError) as problem:
        raise _Unusable(problem.what if isinstance(problem, DatasetError) else str(problem)) from None
    onset, end = active_part(samples, word)
    remarks = [converted] if converted else []
    if clipped_samples(samples) >= CLIPPED_FROM:
        remarks.append(f"clipped in {clipped_samples(samples)} samples")
    if not is_silence(word):
        if lacking := lacks_speech(samples, onset, end):
            raise _Unusable(lacking)
        if (onset, end) == (0, len(samples)):
            remarks.append("the word does not stand out from the noise, so the whole recording counts")
    speaker = speaker_of(source, word)
    return UsableRecording(word, source, digest, speaker, len(samples), onset, end), remarks


def lacks_speech(samples: NDArray[np.int16], onset: int, end: int) -> str:
    """Return the reason for which a recording is not played as a word, "" if there is none."""
    whole_s, active_s = len(samples) / SAMPLE_RATE_HZ, (end - onset) / SAMPLE_RATE_HZ
    level_dbfs = rms_dbfs(samples[onset:end])
    if level_dbfs < SILENT_DBFS:
        return f"silent: {level_dbfs:.0f} dBFS"
    if whole_s < SHORTEST_S:
        return f"too short: {whole_s:.2f} s"
    if active_s <= LONGEST_CLICK_S:
        return f"silent except for {active_s:.2f} s: a click, or a cut-off word"
    return ""


def _training_note(folder: Path, usable: Sequence[UsableRecording]) -> list[str]:
    """Return a note on recordings that training takes for its training or validation set."""
    if not any("_nohash_" in each.source for each in usable):
        return []
    dataset = SpeechCommands(folder, NO_CLIPS)
    trained = sum(dataset.split_of(each.source) != "testing" for each in usable)
    if not trained:
        return []
    return [
        f"{trained} of {len(usable)} recordings are in the training or validation set by the folder's lists "
        "or by their names: a model trained on this dataset has seen them"
    ]
