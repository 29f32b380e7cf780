"""Checks of a dataset before it is used: a folder for each word, and recordings in every split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from models.data.dataset import LISTS, SPLITS, DatasetConfig, SpeechCommands, Split
from models.data.features import FeatureSets
from models.data.sound_folder import list_sounds, reasons
from models.data.vocabulary import UNKNOWN
from models.errors import DatasetError


def require_word_folders(root: Path) -> None:
    """Raise DatasetError for a folder that holds recordings directly, such as that of one word."""
    if root.is_dir() and not any(path.is_dir() for path in root.iterdir()) and list_sounds(root)[0]:
        raise DatasetError(
            "the folder has recordings, but no folder for each word",
            str(root),
            f"If it is the folder of one word, give the folder above it: {root.absolute().parent}.",
        )


def check_splits(root: Path, config: DatasetConfig, needed: Iterable[Split]) -> None:
    """Check that the needed splits have a recording of a wanted word, and the training split one of each.

    Raises:
        DatasetError: one lacks it; the message counts the recordings of every split.
    """
    source = SpeechCommands(root, config)
    splits = {word: {source.split_of(key) for key in source.words[word]} for word in config.wanted}
    for split in needed:
        lacking = [word for word in config.wanted if split not in splits[word]]
        if lacking and (split == "training" or len(lacking) == len(config.wanted)):
            raise DatasetError(
                f"the {split} split has no recording of {', '.join(lacking)}: "
                + counted(source.split_of(key) for keys in source.words.values() for key in keys),
                str(root),
                remedy_of(root),
            )


def check_usable(sets: FeatureSets, root: Path) -> None:
    """Check that each wanted word has a recording in the training split that could be read.

    Raises:
        DatasetError: a word lacks it.
    """
    learned = set(sets.split("training")[1].tolist())
    if lacking := [
        word for label, word in enumerate(sets.labels) if label > UNKNOWN and label not in learned
    ]:
        raise DatasetError(
            f"the training split has no usable recording of {', '.join(lacking)}{reasons(sets.excluded)}",
            str(root),
            "Replace the broken recordings, or add others.",
        )


def counted(splits: Iterable[Split]) -> str:
    """Return the number of recordings in each split, given the split of each recording."""
    counts = Counter(splits)
    if len(counts) == 1:
        ((split, count),) = counts.items()
        return f"all {count:,} recordings are in {split}"
    return "the dataset has " + ", ".join(
        f"{counts[split]:,} in {split}" for split in SPLITS if counts[split]
    )


def remedy_of(root: Path) -> str:
    """Return what to do about a split that lacks recordings."""
    return (
        f"List recordings of each split in {' and '.join(LISTS.values())}, or add speakers: without lists, "
        f"the hash of a speaker's name decides. `earshot dataset show {root}` counts them by word."
    )
