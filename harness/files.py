"""Atomic replacement of files and symbolic links, and names of files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

_NAME_CHARACTERS = 50
"""Longest name: with 4 bytes a character, a hash and a suffix it is within the 255 bytes of a file system."""

_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
"""Names that are no files on Windows."""


def file_name(text: object) -> str:
    """Return the file or folder name for a text, such as a board's name; other texts have other names.

    Letters, digits and `_.+-` stay; a text with anything else, or a name that is no file's, gets a hash.
    """
    whole = str(text)
    plain = re.sub(r"[^\w.+-]+", "-", whole)[:_NAME_CHARACTERS].strip(".-")
    if plain and plain == whole and not _DEVICE.fullmatch(plain):
        return plain
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain or 'unnamed'}-{digest}"


def write_atomic(content: str | bytes, path: Path) -> None:
    """Write a file under a temporary name beside it, then rename it; create missing parent folders.

    Args:
        content: the whole content; text is written as UTF-8.
        path: of the file. An existing one is replaced only once the new content is on the disk; its
            permissions stay.
    """
    data = content.encode() if isinstance(content, str) else content
    path = path.resolve()  # a link to the file stays one
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        with _naming(path), scratch.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if path.exists():
            shutil.copymode(path, scratch)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def append(text: str, path: Path) -> None:
    """Append text to a file, as UTF-8; create the file and missing parent folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as stream, _naming(path):
        stream.write(text.encode())


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Add the name of the file to an error that lacks it, such as that of a full disk."""
    try:
        yield
    except OSError as problem:
        if problem.errno is not None and problem.filename is None:
            problem.filename = str(path)
        raise


def point_link(link: Path, target: Path) -> None:
    """Point a symbolic link at a folder, relative to the link's; replace an existing link atomically."""
    scratch = target / f".{link.name}-{os.getpid()}"
    scratch.symlink_to(os.path.relpath(target, link.parent))
    scratch.replace(link)
