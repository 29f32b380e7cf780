"""Recordings of a folder as a plan takes them: each usable or left out with a reason, nothing in silence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.sound.levels import clipped_samples, rms_dbfs
from harness.sound.playback_plan import Excluded
from harness.sound.recordings import MANIFEST, Recording, entries_of, is_silence
from harness.sound.stimulus import active_part
from models.data.dataset import BACKGROUND_FOLDER, split_of
from models.data.wav import SAMPLE_RATE_HZ, read_wav
from models.errors import DatasetError
from models.store import sha256_of

SILENT_DBFS = -60.0
"""RMS of the active part below which a recording counts as silent: that of the background put under it."""

SHORTEST_S = 0.2
"""Of a recording of a whole word; the shortest word of the default set, a "dog", is active for 0.30 s."""

LONGEST_CLICK_S = 0.1
"""What is active no longer than this is a click; a vowel alone takes longer."""

_CLIPPED = 3  # samples at the ends of int16; one or two may be a peak that was normalized
_OTHER_SOUNDS = (".aac", ".aif", ".aiff", ".amr", ".caf", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wma")
_NUMBERED = re.compile(r"[\W_]*\d*$")


@dataclass(frozen=True)
class Take:
    """A usable recording.

    Attributes:
        word, source, sha256, speaker: as in PlannedWord.
        samples: its length at 16 kHz.
        onset: its first active sample.
        end: behind its last.
    """

    word: str
    source: str
    sha256: str
    speaker: str
    samples: int
    onset: int
    end: int


@dataclass(frozen=True)
class Gathered:
    """The usable recordings in their order, those that are not, and notes on how the usable ones are read."""

    takes: tuple[Take, ...]
    excluded: tuple[Excluded, ...]
    notes: tuple[str, ...]


def gather(
    folder: Path, entries: Sequence[tuple[Path, str]] | None = None, at_most: int | None = None
) -> Gathered:
    """Reads the recordings of a folder one after another and says what is wrong with each.

    Args:
        folder: with a manifest, of a person's own (`yes/1.wav`, `yes_1.wav`), or like Speech Commands.
        entries: of `entries_of(folder)` the ones to read, in another order; None: all.
        at_most: stop after so many usable ones.

    Raises:
        UsageError: no usable recording, or a manifest that cannot be read or does not fit its files.
    """
    listed = (folder / MANIFEST).is_file()
    takes: list[Take] = []
    excluded: list[Excluded] = []
    if entries is None:
        entries = entries_of(folder)
        excluded += _overlooked(folder, {path for path, _ in entries}, listed)
    notes: list[str] = []
    for path, word in entries:
        if at_most is not None and len(takes) >= at_most:
            break
        source = path.relative_to(folder).as_posix()
        flat = not listed and path.parent == folder
        try:
            take, remarks = _take(path, source, word.strip(), flat)
        except _Unusable as problem:
            excluded.append(Excluded(source, str(problem)))
        else:
            takes.append(take)
            notes += [f"{source}: {remark}" for remark in remarks]
    if not takes:
        reasons = "; ".join(f"{each.source}: {each.reason}" for each in excluded[:3])
        raise UsageError(
            f"none of {len(excluded)} recordings can be used ({reasons}{'; …' if len(excluded) > 3 else ''})",
            where=str(folder),
            remedy="Put WAV files of spoken words there: yes_1.wav, or in a folder for each word: yes/1.wav.",
        )
    return Gathered(tuple(takes), tuple(excluded), (*notes, *_note_on_training(takes)))


def speaker_of(source: str, word: str) -> str:
    """Who speaks, as far as the file's name tells; "" where it does not.

    `yes/0a7c2a8d_nohash_0.wav` is of "0a7c2a8d", `yes/anna_2.wav` and `yes_anna_2.wav` of "anna";
    `yes/2.wav`, `yes_2.wav` and `yes/yes_2.wav` tell nothing.
    """
    stem = Path(source).stem
    if "_nohash_" in stem:
        return stem.split("_nohash_")[0]
    name = _NUMBERED.sub("", stem)
    head, separator, rest = name.partition("_")
    if head.casefold() == word.casefold():
        name = rest if separator else ""
    return name


def _overlooked(folder: Path, taken: set[Path], listed: bool) -> list[Excluded]:
    """Sounds in the folder that are no entries, and why."""
    found = []
    for path in sorted(folder.rglob("*")):
        kind = path.suffix.lower()
        if path in taken or kind not in (".wav", *_OTHER_SOUNDS) or path.name.startswith("."):
            continue
        if listed:
            reason = "not listed: the manifest does not name it"
        elif kind == ".wav":
            reason = "no word: it lies deeper than in a folder of its word"
        else:
            reason = f"no WAV file: convert the {kind[1:]} to one"
        found.append(Excluded(path.relative_to(folder).as_posix(), reason))
    return found


class _Unusable(Exception):
    """Why a recording is left out."""


def _take(path: Path, source: str, word: str, flat: bool) -> tuple[Take, list[str]]:
    """A recording and remarks on it; `flat`: nothing but the file's name says its word."""
    if not word:
        raise _Unusable("no word: the manifest leaves it out")
    if Path(source).parent.name == BACKGROUND_FOLDER:
        raise _Unusable("no word: it is background noise")
    if flat and not re.search(r"[^\W\d_]", word):
        raise _Unusable(f"no word: its name does not say one; call it yes_{Path(source).name} or the like")
    try:
        samples, converted = read_wav(path)
        digest = sha256_of(path)
    except (DatasetError, OSError) as problem:
        raise _Unusable(problem.what if isinstance(problem, DatasetError) else str(problem)) from None
    onset, end = active_part(Recording("", word, source, samples))
    _require_speech(samples, word, onset, end)
    take = Take(word, source, digest, speaker_of(source, word), len(samples), onset, end)
    return take, [*([converted] if converted else []), *_remarks(samples, word, onset, end)]


def _require_speech(samples: NDArray[np.int16], word: str, onset: int, end: int) -> None:
    if is_silence(word):
        return
    whole_s, active_s = len(samples) / SAMPLE_RATE_HZ, (end - onset) / SAMPLE_RATE_HZ
    level_dbfs = rms_dbfs(samples[onset:end])
    if level_dbfs < SILENT_DBFS:
        raise _Unusable(f"silent: {level_dbfs:.0f} dBFS")
    if whole_s < SHORTEST_S:
        raise _Unusable(f"too short: {whole_s:.2f} s")
    if active_s <= LONGEST_CLICK_S:
        raise _Unusable(f"silent but for {active_s:.2f} s: a click, or a word cut off")


def _remarks(samples: NDArray[np.int16], word: str, onset: int, end: int) -> list[str]:
    remarks = []
    clipped = clipped_samples(samples)
    if clipped >= _CLIPPED:
        remarks.append(f"clipped in {clipped} samples")
    if (onset, end) == (0, len(samples)) and not is_silence(word):
        remarks.append("the word does not stand out from what is around it, so all of the recording counts")
    return remarks


def _note_on_training(takes: Sequence[Take]) -> list[str]:
    """Speech Commands' own names tell which of its sets a recording belongs to."""
    named = [take.source for take in takes if "_nohash_" in take.source]
    trained = sum(split_of(source) != "testing" for source in named)
    if not trained:
        return []
    return [
        f"{trained} of {len(takes)} recordings belong by their names to the training or validation set of "
        "Speech Commands: a model that was trained with them has heard them"
    ]
