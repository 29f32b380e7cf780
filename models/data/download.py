"""Download of public datasets: resumed, checked and unpacked."""

from __future__ import annotations

import shutil
import tarfile
import time
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

from models import progress
from models.errors import DatasetError
from models.store import sha256_of

_ATTEMPTS = 5
"""Attempts in a row that bring no byte, before the download ends."""
_PAUSE_S = 1.0
"""Before the second attempt; doubled for each more."""
_TIMEOUT_S = 30.0
_BLOCK_BYTES = 2**18
_NOT_SATISFIABLE = 416  # nothing is left to send


@dataclass(frozen=True)
class Archive:
    """A published .tar.gz with a dataset.

    Attributes:
        url: `http`, `https` or `file`.
        sha256: of the archive.
    """

    url: str
    sha256: str


PUBLISHED = {
    # As in torchaudio.datasets.SPEECHCOMMANDS.
    "speech-commands": Archive(
        "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
        "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
    )
}


def get_dataset(archive: Archive, folder: Path, pause_s: float = _PAUSE_S) -> None:
    """Download an archive and unpack it into a folder, which appears only when it is complete.

    A download that breaks off is resumed, in this call and by a later one: what has arrived lies in
    `<folder>.part`.

    Args:
        folder: does not exist, or is empty.
        pause_s: before the second attempt.

    Raises:
        DatasetError: the folder is not empty, the server fails repeatedly, the archive is another one, or it
            holds files that do not belong into the folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(
            "there is something in place of the dataset",
            str(folder),
            "Use it with --dataset, name another folder with --to, or remove it.",
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f"{folder.name}.part")
    with progress.task("download"):
        _download(archive.url, part, pause_s)
    with progress.task("check"):
        found = sha256_of(part)
    if found != archive.sha256:
        part.unlink()
        raise DatasetError(
            f"the download is damaged or another file: its SHA-256 is {found}, not {archive.sha256}",
            archive.url,
            "It was deleted; run the command again.",
        )
    with progress.task("unpack"):
        _unpack(part, folder)
    part.unlink()


def _download(url: str, part: Path, pause_s: float) -> None:
    failures = 0
    while True:
        before = _size_of(part)
        try:
            if _fetch(url, part):
                return
            problem: Exception | str = "the server closed the connection"
        except HTTPError as refusal:
            if before and refusal.code == _NOT_SATISFIABLE:
                return
            problem = refusal
        except (HTTPException, OSError) as failure:
            if isinstance(failure, OSError) and failure.filename:
                raise  # of the file, not of the network
            problem = failure
        except ValueError as failure:
            raise DatasetError(f"this is no address: {failure}", url) from failure
        failures = 1 if _size_of(part) > before else failures + 1
        if failures >= _ATTEMPTS:
            raise DatasetError(
                f"the download broke off after {_size_of(part) / 1e6:,.1f} MB: {problem}",
                url,
                "Run the command again; it resumes there.",
            )
        progress.log(f"{problem}; resuming at {_size_of(part) / 1e6:,.1f} MB")
        time.sleep(pause_s * 2 ** (failures - 1))


def _fetch(url: str, part: Path) -> bool:
    """Download the rest of a file; return whether all of it has arrived."""
    begin = _size_of(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={begin}-"} if begin else {})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer, part.open("ab") as file:
        if begin and answer.status != 206:  # the server sends the file from its beginning
            file.truncate(0)
            begin = 0
        length = answer.headers["Content-Length"]
        total_bytes = begin + int(length) if length else 0
        advance = progress.count(total_bytes / 1e6, "MB")
        advance(begin / 1e6)
        while block := answer.read(_BLOCK_BYTES):
            file.write(block)
            advance(len(block) / 1e6)
        return file.tell() >= total_bytes


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive; members and links that lead out of the folder, and devices, are refused."""
    unpacking = folder.with_name(f"{folder.name}.unpacking")
    shutil.rmtree(unpacking, ignore_errors=True)
    unpacking.mkdir()
    advance = progress.count(_size_of(archive) / 1e6, "MB")
    try:
        with archive.open("rb") as raw, tarfile.open(fileobj=raw, mode="r|gz") as members:
            before = 0
            for member in members:
                members.extract(member, unpacking, filter="data")
                advance((raw.tell() - before) / 1e6)
                before = raw.tell()
    except (tarfile.TarError, EOFError) as problem:
        shutil.rmtree(unpacking)
        raise DatasetError(
            f"the archive cannot be unpacked: {problem}", str(archive), "Nothing was kept of it."
        ) from problem
    unpacking.rename(folder)
