"""Folders of recordings: which files are recordings, why others are not, and words in their names."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models import progress

_SOUND = re.compile(r".*\.(wave?|flac|og[ag]|opus|mp3|ai[fe]f?c?|au|snd|caf|w64|rf64)", re.IGNORECASE)
"""Names of files that libsndfile reads, by what they hold."""
_LEFTOVER = re.compile(r"\._.*")  # a Mac's, beside each file
_OTHER_SOUND = re.compile(
    r".*\.(3gp|aac|amr|ape|m4[abv]|mk[av]|mov|mp[24]|pcm|raw|sph|spx|voc|webm|wma|wv)|.*\.wave?\W.*"
    r"|[^.]*(?<!LICENSE)(?<!README)",
    re.IGNORECASE,
)
"""Names of sounds that libsndfile does not read: another format, `1.wav.part`, or no suffix."""

_LISTED = 50


@dataclass(frozen=True, order=True)
class Excluded:
    """A file that is not used, and the reason."""

    source: str
    reason: str


def reasons(excluded: Sequence[Excluded]) -> str:
    """Return the first three files and reasons for a message."""
    text = "; ".join(f"{each.source}: {each.reason}" for each in excluded[:3])
    return f" ({text}{'; …' if len(excluded) > 3 else ''})" if text else ""


def list_sounds(folder: Path) -> tuple[list[Path], list[Excluded]]:
    """List the sound files of a folder and of the folders in it, sorted, and the files that are none.

    Hidden folders, leftovers of a Mac, and files that are no sound by their names are in neither.
    """
    found: list[Path] = []
    excluded: list[Excluded] = []

    def refuse(problem: OSError) -> None:
        excluded.append(Excluded(shown(Path(problem.filename), folder), f"{problem.strerror}"))

    for place, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        folders[:] = [] if len(Path(place).parts) > 40 else [name for name in folders if name[0] != "."]
        for name in names:
            path = Path(place, name)
            is_sound = _SOUND.fullmatch(name)
            if _LEFTOVER.match(name) or not (is_sound or _OTHER_SOUND.fullmatch(name)):
                continue
            if not _is_utf8(path):
                reason = "its name is not UTF-8: rename it"
            elif name.startswith("."):
                reason = "hidden: its name begins with a dot"
            elif not is_sound:
                reason = f"not a format that is read: convert {name} to WAV or FLAC"
            else:
                found.append(path)
                continue
            excluded.append(Excluded(shown(path, folder), reason))
    return sorted(found), sorted(excluded)


def warn_of(excluded: Sequence[Excluded], folder: Path) -> None:
    """Report the files that are not used."""
    for each in excluded[:_LISTED]:
        progress.warn(f"{each.source} is not used: {each.reason} ({folder})")
    if len(excluded) > _LISTED:
        progress.warn(f"{len(excluded) - _LISTED:,} more files are not used ({folder})")


def shown(path: Path, folder: Path) -> str:
    """Return a path below a folder as text that can be written anywhere."""
    return path.relative_to(folder).as_posix().encode("utf-8", "backslashreplace").decode()


def plain(word: str) -> str:
    """Return a word without case, separators and punctuation, to compare words by."""
    return "".join(parts_of(word)) or word


def parts_of(name: str) -> list[str]:
    """Split a name at separators and punctuation; ignore case and how accents are coded."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(each if unicodedata.category(each)[0] in "LNM" else " " for each in folded).split()


def _is_utf8(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
