"""Download of public datasets: resumed, checked and unpacked."""

from __future__ import annotations

import fcntl
import shutil
import tarfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO
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
_REFUSALS = {*range(400, 500)} - {408, 425, 429}  # that another attempt does not change


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


def get_dataset(archive: Archive, folder: Path) -> None:
    """Download an archive and unpack it into a folder, which appears only when it is complete.

    A download that breaks off is resumed, in this call and by a later one: what has arrived lies in
    `<folder>.part`.

    Args:
        folder: does not exist, or is empty.

    Raises:
        DatasetError: the folder is not empty, another process downloads into it, the server refuses or fails
            repeatedly, the archive is another one, or it holds files that do not belong into the folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(
            "there is something in place of the dataset",
            str(folder),
            "Use it with --dataset, name another folder with --to, or remove it.",
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f"{folder.name}.part")
    with _keeping(part), part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatasetError(
                "another process downloads this dataset", str(folder), "Wait for it, or name another --to."
            ) from None
        with progress.task("download"):
            _download(archive.url, file)
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


@contextmanager
def _keeping(part: Path) -> Iterator[None]:
    """Name the file where a write fails, and say on an interruption that what has arrived is kept."""
    try:
        yield
    except OSError as failure:
        failure.filename = failure.filename or str(part)
        raise
    except KeyboardInterrupt as stop:
        stop.add_note(f"The same command resumes at {part.stat().st_size / 1e6:,.1f} MB.")
        raise


class _BrokenOff(Exception):
    """The reason for which an answer ended early."""


def _download(url: str, file: IO[bytes]) -> None:
    failures = 0
    while True:
        before = file.tell()
        try:
            for block in _rest(url, before):
                file.write(block)
            file.flush()
            return
        except _BrokenOff as failure:
            problem = " ".join(str(failure).split())
        failures = 1 if file.tell() > before else failures + 1
        if failures >= _ATTEMPTS:
            raise DatasetError(
                f"the download broke off after {file.tell() / 1e6:,.1f} MB: {problem}",
                url,
                "Run the command again; it resumes there.",
            )
        progress.log(f"{problem}; resuming at {file.tell() / 1e6:,.1f} MB")
        time.sleep(_PAUSE_S * 2 ** (failures - 1))


def _rest(url: str, begin: int) -> Iterator[bytes]:
    """Yield the blocks of a file from a place on, as they arrive.

    Raises:
        _BrokenOff: the answer ended before the file.
        DatasetError: there is no such file, or the URL is none.
    """
    try:
        request = urllib.request.Request(url, headers={"Range": f"bytes={begin}-"} if begin else {})
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            # A server that ignores the range sends once more what has arrived; a page to log in does not.
            surplus = begin if answer.status != 206 else 0
            length = answer.headers.get("Content-Length", "")
            left = int(length) if length.isdecimal() else 0
            advance = progress.count((begin - surplus + left) / 1e6, "MB")
            advance(begin / 1e6)
            while block := answer.read1(_BLOCK_BYTES):
                left -= len(block)
                new = block[surplus:]
                surplus -= len(block) - len(new)
                advance(len(new) / 1e6)
                yield new
    except HTTPError as refusal:
        if begin and refusal.code == _NOT_SATISFIABLE:
            return
        if refusal.code in _REFUSALS:
            raise DatasetError(
                f"the server refuses the download: {refusal}", url, "Name a mirror with --url."
            ) from refusal
        raise _BrokenOff(refusal) from refusal
    except (HTTPException, OSError) as failure:
        raise _BrokenOff(failure) from failure
    except ValueError as failure:
        raise DatasetError(f"this is no address: {failure}", url) from failure
    if surplus > 0:
        raise _BrokenOff("the server sent less than has arrived before")
    if left > 0:
        raise _BrokenOff("the server closed the connection")


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive; members and links that lead out of the folder, and devices, are refused."""
    unpacking = folder.with_name(f"{folder.name}.unpacking")
    shutil.rmtree(unpacking, ignore_errors=True)
    unpacking.mkdir()
    advance = progress.count(archive.stat().st_size / 1e6, "MB")
    try:
        with archive.open("rb") as raw, tarfile.open(fileobj=raw, mode="r|gz") as members:
            before = 0
            for member in members:
                members.extract(member, unpacking, filter="data")
                advance((raw.tell() - before) / 1e6)
                before = raw.tell()
        unpacking.rename(folder)
    except (tarfile.TarError, EOFError) as problem:
        raise DatasetError(
            f"the archive cannot be unpacked: {problem}", str(archive), "Nothing was kept of it."
        ) from problem
    finally:
        shutil.rmtree(unpacking, ignore_errors=True)
