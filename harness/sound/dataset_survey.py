"""Survey of a dataset: words, speakers, splits, lengths, levels, and files that cannot be used."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.sound.levels import clipped_samples, rms_dbfs
from harness.sound.recording_scan import CLIPPED_FROM, lacks_speech
from harness.sound.recordings import is_silence, speaker_of
from harness.sound.stimulus import active_part
from models import progress
from models.data.dataset import LISTS, NO_CLIPS, SPLITS, Clip, SpeechCommands, Split, plain_key
from models.data.sound_folder import Excluded, plain
from models.data.splits import require_word_folders
from models.data.wav import SAMPLE_RATE_HZ, read_wav
from models.errors import DatasetError


@dataclass(frozen=True)
class Sound:
    """A recording of a dataset.

    Attributes:
        word, speaker: from its path; the speaker is "" if no name tells.
        split: see `SpeechCommands.split_of`.
        seconds: its length.
        level_dbfs: RMS of its active part.
        clipped: True if samples are at the limits.
        unplayed: the reason for which `run`, `field` and `play` leave it out although training uses it.
    """

    word: str
    speaker: str
    split: Split
    seconds: float
    level_dbfs: float
    clipped: bool
    unplayed: Excluded | None


@dataclass(frozen=True)
class Survey:
    """The content of a dataset.

    Attributes:
        sounds: usable recordings.
        noise_s: lengths of the usable files of background noise.
        excluded: files that cannot be used, with the reason.
        unmatched: lines of each file of `LISTS` that name no recording.
        in_all_lists: recordings that every file of `LISTS` names; they count for the first one, validation.
    """

    sounds: Sequence[Sound]
    noise_s: Sequence[float]
    excluded: Sequence[Excluded]
    unmatched: Mapping[str, Sequence[str]]
    in_all_lists: Sequence[str]

    @property
    def unplayed(self) -> list[Excluded]:
        """Recordings that training uses, but that `run`, `field` and `play` leave out."""
        return [sound.unplayed for sound in self.sounds if sound.unplayed]

    @property
    def speakers_of_several_splits(self) -> list[str]:
        """Speakers whose recordings lie in several splits: accuracy on the test set then says less."""
        splits: dict[str, set[Split]] = {}
        for sound in self.sounds:
            if sound.speaker:
                splits.setdefault(sound.speaker, set()).add(sound.split)
        return sorted(speaker for speaker, found in splits.items() if len(found) > 1)


def survey(root: Path) -> Survey:
    """Read every file of a dataset.

    Raises:
        DatasetError: there is no such folder, or no recording in it.
    """
    require_word_folders(root)
    source = SpeechCommands(root, NO_CLIPS)
    names: dict[str, list[str]] = {}  # of the folders of a word, such as Yes/ and yes/
    for name in sorted(source.words):
        names.setdefault(plain(name), []).append(name)
    clips = [
        Clip(key, folders[0], label, source.split_of(key))
        for label, folders in enumerate(names.values())
        for name in folders
        for key in source.words[name]
    ]
    if not clips:
        raise DatasetError(
            "the dataset has no recordings",
            str(root),
            "Give a folder in the Speech Commands layout: <word>/<speaker>_nohash_<n>.wav.",
        )
    excluded: dict[str, Excluded] = {}

    def examine(clip: Clip) -> Sound | None:
        try:
            samples, _ = read_wav(root / clip.key)
        except DatasetError as problem:
            excluded[clip.key] = Excluded(clip.key, problem.what)
            return None
        source.digests[clip.key] = hashlib.sha256(samples.tobytes()).digest()
        onset, end = active_part(samples, clip.word)
        lacking = "" if is_silence(clip.word) else lacks_speech(samples, onset, end)
        return Sound(
            clip.word,
            speaker_of(clip.key, clip.word),
            clip.split,
            len(samples) / SAMPLE_RATE_HZ,
            rms_dbfs(samples[onset:end]),
            clipped_samples(samples) >= CLIPPED_FROM,
            Excluded(clip.key, lacking) if lacking else None,
        )

    with progress.task("read"):
        found = [examine(clip) for clip in progress.each(clips, "recordings")]
    excluded |= source.contradictions(clips)
    sounds = [sound for clip, sound in zip(clips, found, strict=True) if sound and clip.key not in excluded]
    noise_s = [len(noise) / SAMPLE_RATE_HZ for noise in source.noises]
    lines = {name: _lines(root / name) for name in LISTS.values()}
    listed = [set(map(plain_key, those)) for those in lines.values()]
    known = {plain_key(clip.key) for clip in clips}
    return Survey(
        sounds,
        noise_s,
        sorted([*source.excluded, *excluded.values()]),
        {name: [line for line in those if plain_key(line) not in known] for name, those in lines.items()},
        [clip.key for clip in clips if all(plain_key(clip.key) in keys for keys in listed)],
    )


def _lines(path: Path) -> list[str]:
    text = path.read_text("utf-8-sig") if path.exists() else ""
    return [line.strip() for line in text.splitlines() if line.strip()]


def rows_of(survey: Survey) -> list[dict[str, object]]:
    """Return a row for each word, and one for all words."""
    words = sorted({sound.word for sound in survey.sounds})
    groups = [(word, [sound for sound in survey.sounds if sound.word == word]) for word in words]
    return [_row(word, sounds) for word, sounds in [*groups, ("all words", list(survey.sounds))]]


def _row(word: str, sounds: Sequence[Sound]) -> dict[str, object]:
    seconds = np.quantile([sound.seconds for sound in sounds], [0, 0.5, 1])
    level_dbfs = np.quantile([sound.level_dbfs for sound in sounds], [0, 0.5, 1])
    return {
        "word": word,
        "recordings": len(sounds),
        "speakers": len({sound.speaker for sound in sounds} - {""}),
        **{split: sum(sound.split == split for sound in sounds) for split in SPLITS},
        **dict(zip(("shortest_s", "median_s", "longest_s"), map(float, seconds), strict=True)),
        **dict(zip(("lowest_dbfs", "median_dbfs", "highest_dbfs"), map(float, level_dbfs), strict=True)),
        "unplayed": sum(sound.unplayed is not None for sound in sounds),
        "clipped": sum(sound.clipped for sound in sounds),
    }
