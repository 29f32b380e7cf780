"""Speech Commands: the split and label of each clip, and its rendering for training or test.

Layout, split, shares and augmentation are those of the dataset's own tools (P. Warden, "Speech Commands: A
Dataset for Limited-Vocabulary Speech Recognition", 2018; TensorFlow's
examples/speech_commands/input_data.py).
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np

from models.data import wav
from models.data.sound_folder import Excluded, list_sounds, plain, shown
from models.data.vocabulary import LABELS, SILENCE, UNKNOWN
from models.errors import DatasetError

Split = Literal["training", "validation", "testing"]
SPLITS: tuple[Split, ...] = ("training", "validation", "testing")
LISTS: dict[Split, str] = {"validation": "validation_list.txt", "testing": "testing_list.txt"}
"""Files that list the recordings of a split, as `<word>/<file>` in each line."""
MOST_COPIES = 10
CLIP_SAMPLES = 16_000
BACKGROUND_FOLDER = "_background_noise_"

_MOST_CLIPS_OF_A_WORD = 2**27 - 1
"""About 134 million, the dataset's own constant: the hash is taken modulo this plus one."""


@dataclass(frozen=True)
class DatasetConfig:
    """Selection and augmentation of clips from a folder in the Speech Commands layout.

    The shares of silence and unknown are percentages of the number of wanted clips of the same split.
    `DatasetConfig.of` takes the published ones.
    """

    wanted: tuple[str, ...] = ("yes", "no")
    silence_percent: float = 33.0
    unknown_percent: float = 33.0
    validation_percent: float = 10.0
    testing_percent: float = 10.0
    background_frequency: float = 0.8
    """Share of the training clips with background noise, 0 to 1."""
    background_volume: float = 0.1
    """Largest factor of that noise, 0 to 1; silence always takes 0 to 1."""
    switch_frequency: float = 0.55
    """Share of silent training clips whose noise changes at once, of these the share where it changes again,
    and so on; below 1. A network that knows only steady noise takes its onset for a word."""
    time_shift_ms: float = 100.0
    """Largest shift of a training clip, both ways; below 1000."""
    copies: int = 3
    """Differently augmented renderings of each training clip, at least 1."""
    fewest_clips: int = 0
    """Training clips, all renderings together, below which there are more copies, at most `MOST_COPIES`."""
    training_percent: float = 100.0
    """Share of the speakers of the training set; a smaller share is a part of a greater one."""
    seed: int = 1

    @classmethod
    def of(cls, words: Sequence[str]) -> DatasetConfig:
        """Return the configuration of a vocabulary.

        Silence and unknown each have as many clips as a word, at most 33 % of all words: 33 % for two words
        and 10 % for ten, as published.
        """
        percent = min(33.0, 100 / len(words))
        return cls(tuple(words), silence_percent=percent, unknown_percent=percent)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels in the order of their indices: silence, unknown, the wanted words."""
        return (*LABELS[:2], *self.wanted)


NO_CLIPS = DatasetConfig(wanted=(), silence_percent=0.0, unknown_percent=0.0, background_frequency=0.0)
"""For a folder of which only words and sets are asked."""


def split_of(name: str, validation_percent: float = 10.0, testing_percent: float = 10.0) -> Split:
    """Return the split of a recording, a pure function of the speaker's part of its file name.

    Args:
        name: a file name such as "bed/0a7c2a8d_nohash_0.wav"; folders do not matter.
        validation_percent: share of the speakers for validation, 0 to 100.
        testing_percent: share of the speakers for testing.
    """
    percentage = _percentage(_speaker(name))
    if percentage < validation_percent:
        return "validation"
    if percentage < validation_percent + testing_percent:
        return "testing"
    return "training"


def _speaker(name: str) -> str:
    return re.sub(r"_nohash_.*$", "", PurePosixPath(name).name)


def _percentage(text: str) -> float:
    hashed = int(hashlib.sha1(text.encode()).hexdigest(), 16) % (_MOST_CLIPS_OF_A_WORD + 1)
    return hashed * (100.0 / _MOST_CLIPS_OF_A_WORD)


def share(wanted: int, percent: float) -> int:
    """Return the number of clips of silence (or unknown) for a number of wanted ones."""
    return math.ceil(wanted * percent / 100)


@dataclass(frozen=True)
class Clip:
    """One second with its label; `SpeechCommands.render` makes the samples."""

    key: str
    """Unique name: the path below the root, or "silence/<n>"."""
    word: str
    label: int
    split: Split
    copy: int = 0
    """Number of the rendering."""


class SpeechCommands:
    """A folder of `<word>/<speaker>_nohash_<n>.wav` and `_background_noise_/*.wav`, in upper or lower case.

    The sounds may have any format of `models.data.sound_folder`. A file of `LISTS` decides which recordings
    belong to its split; the hash of the speaker decides for splits without a list.

    Everything random is drawn from `config.seed` and the clip's own name, so it depends neither on the order
    of rendering nor on the process.

    Args:
        root: the folder.
        config: shares, augmentation, seed.

    Attributes:
        excluded: files that are not used; a broken one is added when it is read.
        digests: of the sounds that were read, by the keys of their clips.
        background_files: files of background noise.

    Raises:
        DatasetError: the folder does not exist, lacks a wanted word, or lacks background noise.
    """

    def __init__(self, root: Path, config: DatasetConfig | None = None) -> None:
        self.root, self.config = Path(root), config or DatasetConfig()
        if not self.root.is_dir():
            raise DatasetError(
                "the dataset's folder does not exist",
                str(root),
                "Give the folder that Speech Commands was unpacked into, the one that holds yes/ and no/.",
            )
        files, self.excluded = list_sounds(self.root)
        self.digests: dict[str, bytes] = {}
        self._words, self.background_files = self._sorted_by_word(files)
        self._lists = {split: self._listed(name) for split, name in LISTS.items()}
        for word in self.config.wanted:
            if word not in self._words:
                raise DatasetError(
                    f'the dataset has no recording of the wanted word "{word}"',
                    str(self.root / word),
                    f"Give a folder in the Speech Commands layout: {word}/<speaker>_nohash_<n>.wav.",
                )
        if not self.background_files:
            self._require_noise()

    def clips(self, split: Split, copy: int = 0) -> list[Clip]:
        """List the clips of a split in a seeded order: wanted words, and the shares of unknown and silence.

        If the dataset has fewer unknown words than their share, all of them are taken.

        Args:
            split: the split.
            copy: each number draws other unknown words, other silence, and another augmentation of the same
                wanted words, so that several copies cover more of the dataset.

        Raises:
            DatasetError: the split has no recording of a wanted word, or the training split lacks one.
        """
        wanted: list[Clip] = []
        for index, word in enumerate(self.config.wanted):
            wanted += [Clip(key, word, index + 2, split, copy) for key in self._keys(word, split)]
        if not wanted:
            raise DatasetError(
                f"the {split} split has no recording of a wanted word",
                str(self.root),
                f"{LISTS.get(split, 'Lists')}, or else the speaker's part of a file name, decides the split: "
                "add recordings of more speakers.",
            )
        others = [
            Clip(key, word, UNKNOWN, split, copy)
            for word in sorted(self._words)
            if word not in self.config.wanted
            for key in self._keys(word, split)
        ]
        if split == "training":
            self._require_all(wanted)
        generator = self._generator("draw", split, str(copy))
        order = generator.permutation(len(others))[: share(len(wanted), self.config.unknown_percent)]
        unknown = [others[index] for index in order]
        silence = [
            Clip(f"silence/{index}", "silence", SILENCE, split, copy)
            for index in range(share(len(wanted), self.config.silence_percent))
        ]
        clips = wanted + unknown + silence
        return [clips[index] for index in generator.permutation(len(clips))]

    def copies(self, split: Split) -> int:
        """Return the number of renderings of a split's clips."""
        if split != "training":
            return 1
        needed = math.ceil(self.config.fewest_clips / len(self.clips(split)))
        return max(self.config.copies, min(needed, MOST_COPIES))

    def render(self, clip: Clip) -> np.ndarray:
        """Render a clip as int16 (16000,) at 16 kHz; training clips are augmented.

        Raises:
            DatasetError: its file is missing or broken; the message names it.
        """
        generator = self._generator("render", clip.split, clip.key, str(clip.copy))
        return wav.to_int16(self._mixed(clip, generator))

    def has(self, split: Split) -> bool:
        """Return whether a split has a recording of a wanted word."""
        return any(self._keys(word, split) for word in self.config.wanted)

    def contradictions(self, clips: Iterable[Clip]) -> dict[str, Excluded]:
        """Return the recordings, of those read, whose sound is also there under another label, by key."""
        labels: dict[bytes, dict[int, Clip]] = {}
        heard = [clip for clip in clips if clip.key in self.digests]
        for clip in heard:
            labels.setdefault(self.digests[clip.key], {}).setdefault(clip.label, clip)
        found = {}
        for clip in heard:
            for label, other in labels[self.digests[clip.key]].items():
                if label != clip.label:
                    found[clip.key] = Excluded(clip.key, f"the same sound has another label as {other.key}")
        return found

    def fingerprint(self) -> str:
        """Return 64 hex digits that change when a file is added, removed, resized or written to.

        Names, sizes and times instead of contents: the real dataset is 2 GB.
        """
        digest = hashlib.sha256()
        words = (self.root / key for word in sorted(self._words) for key in self._words[word])
        lists = (self.root / LISTS[split] for split, listed in self._lists.items() if listed is not None)
        for path in (*words, *self.background_files, *lists):
            status = path.stat() if path.exists() else path.lstat()
            digest.update(f"{path.relative_to(self.root)}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def _mixed(self, clip: Clip, generator: np.random.Generator) -> np.ndarray:
        """Mix a clip, float32 (16000,), not yet clipped to ±1."""
        if clip.label == SILENCE:
            if clip.split == "training":
                return self._switched_noise(generator)
            return self._background(generator) * np.float32(generator.uniform(0, 1))
        samples = self._read(clip.key)
        if clip.split != "training":
            return samples
        reach = round(self.config.time_shift_ms * wav.SAMPLE_RATE_HZ / 1000)
        samples = shifted(samples, int(generator.integers(-reach, reach + 1)))
        if generator.uniform(0, 1) < self.config.background_frequency:
            volume = np.float32(generator.uniform(0, self.config.background_volume))
            samples = samples + self._background(generator) * volume
        return samples

    def _switched_noise(self, generator: np.random.Generator) -> np.ndarray:
        """Draw a second of noise that changes its kind and level any number of times, mostly to a low one."""
        start, noise = 0, np.zeros(CLIP_SAMPLES, np.float32)
        while True:
            noise[start:] = (self._background(generator) * np.float32(generator.uniform(0, 1) ** 2))[start:]
            if generator.uniform(0, 1) >= self.config.switch_frequency:
                return noise
            start = int(generator.integers(start, CLIP_SAMPLES))

    def _background(self, generator: np.random.Generator) -> np.ndarray:
        """Draw a second of background noise, float32 (16000,)."""
        noise = self.noises[generator.integers(len(self.noises))]
        start = int(generator.integers(len(noise) - CLIP_SAMPLES + 1))
        return noise[start : start + CLIP_SAMPLES]

    def _read(self, key: str) -> np.ndarray:
        """Read a recording, or its loudest second, as float32 (16000,), filled up with zeros."""
        samples, _ = wav.read_wav(self.root / key)
        self.digests[key] = hashlib.sha256(samples.tobytes()).digest()
        second = loudest_second(samples)
        clip = np.zeros(CLIP_SAMPLES, np.float32)
        clip[: len(second)] = second / np.float32(wav.FULL_SCALE)
        return clip

    def split_of(self, key: str) -> Split:
        """Return the split of a recording: that of the list that names it, or else by its speaker's hash."""
        percent = {"validation": self.config.validation_percent, "testing": self.config.testing_percent}
        for split, listed in self._lists.items():
            if listed is not None:
                if plain_key(key) in listed:
                    return split
                percent[split] = 0.0
        return split_of(key, percent["validation"], percent["testing"])

    @property
    def words(self) -> dict[str, list[str]]:
        """The recordings by word, as keys of clips."""
        return self._words

    def _keys(self, word: str, split: Split) -> list[str]:
        keys = [key for key in self._words[word] if self.split_of(key) == split]
        if split != "training" or self.config.training_percent == 100:
            return keys
        return [key for key in keys if _percentage(f"share {_speaker(key)}") < self.config.training_percent]

    def _require_all(self, clips: Sequence[Clip]) -> None:
        """Check that each wanted word has a clip for training."""
        if missing := [word for word in self.config.wanted if word not in {clip.word for clip in clips}]:
            raise DatasetError(
                f'the training split has no recording of "{missing[0]}"',
                str(self.root / missing[0]),
                "Add recordings of more speakers, or leave the word out of the vocabulary.",
            )

    def _listed(self, name: str) -> frozenset[str] | None:
        """Return the recordings that a list names, None without the list.

        Raises:
            DatasetError: the list cannot be read.
        """
        path = self.root / name
        try:
            lines = path.read_text("utf-8-sig").splitlines() if path.exists() else None
        except (OSError, UnicodeError) as problem:
            raise DatasetError(
                f"the list cannot be read: {problem}", str(path), "Restore it, or remove it."
            ) from problem
        return None if lines is None else frozenset(plain_key(line.strip()) for line in lines if line.strip())

    def _generator(self, *names: str) -> np.random.Generator:
        digest = hashlib.sha256("\0".join((str(self.config.seed), *names)).encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:16], "little"))

    def _sorted_by_word(self, files: Sequence[Path]) -> tuple[dict[str, list[str]], list[Path]]:
        """Return the recordings by word, as keys of clips, and the files of background noise."""
        wanted = {plain(word): word for word in self.config.wanted}
        words: dict[str, list[str]] = {}
        background = []
        for path in files:
            folder = path.parent.name
            if path.parent.parent != self.root or (folder.startswith("_") and folder != BACKGROUND_FOLDER):
                reason = "no word: it is not directly in the folder of a word"
                self.excluded.append(Excluded(shown(path, self.root), reason))
            elif folder == BACKGROUND_FOLDER:
                background.append(path)
            else:
                words.setdefault(wanted.get(plain(folder), folder), []).append(f"{folder}/{path.name}")
        return words, background

    @cached_property
    def noises(self) -> list[np.ndarray]:
        """The usable files of background noise, float32.

        Raises:
            DatasetError: none is usable, but the clips need noise.
        """
        noises = []
        for path in self.background_files:
            try:
                samples, _ = wav.read_wav(path)
                if len(samples) < CLIP_SAMPLES:
                    raise DatasetError(
                        f"background noise of {len(samples) / wav.SAMPLE_RATE_HZ:.2f} s is less than a second"
                    )
                noises.append(samples / np.float32(wav.FULL_SCALE))
            except DatasetError as problem:
                self.excluded.append(Excluded(shown(path, self.root), problem.what))
        if not noises:
            self._require_noise()
        return noises

    def _require_noise(self) -> None:
        if self.config.silence_percent or self.config.background_frequency:
            raise DatasetError(
                f"the dataset has no {'usable ' * bool(self.background_files)}background noise",
                str(self.root / BACKGROUND_FOLDER),
                "Silence is cut from it: add at least one sound file of a second or more.",
            )


def plain_key(key: str) -> str:
    """Return a recording's key without case and suffix: lists hold for converted files too."""
    return re.sub(r"\.\w+$", "", key.replace("\\", "/")).casefold()


def loudest_second(samples: np.ndarray) -> np.ndarray:
    """Cut int16 samples (N,) to the second with the greatest sum of magnitudes, as Speech Commands was cut.

    Many seconds hold the whole of a short word: of those with 98 % of the sum the middle one is taken, which
    leaves time on both sides of the word.
    """
    if len(samples) <= CLIP_SAMPLES:
        return samples
    loudness = np.append(0, np.abs(samples - samples.mean()).cumsum())
    sums = loudness[CLIP_SAMPLES:] - loudness[:-CLIP_SAMPLES]
    loud = np.flatnonzero(sums >= 0.98 * sums.max())
    start = int(loud[len(loud) // 2])
    return samples[start : start + CLIP_SAMPLES]


def shifted(samples: np.ndarray, by: int) -> np.ndarray:
    """Shift samples `by` places later (earlier if negative); the gap is zero."""
    moved = np.zeros_like(samples)
    if by >= 0:
        moved[by:] = samples[: len(samples) - by]
    else:
        moved[:by] = samples[-by:]
    return moved
