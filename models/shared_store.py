"""Artifacts that machines share: `EARSHOT_STORE` names a URL or a folder beside the store of this machine.

An artifact is one object, `artifacts/<step>/<key>.tar`: an archive and, behind it, the archive's SHA-256.
Half an object is never used, nor one whose inputs have another key. Nothing is locked: the first artifact
that is published for a key counts, and a machine that is second takes it in place of its own.

An address that fails is left alone for the rest of the process, with one warning for the whole command. What
is computed meanwhile is published by the next command that uses it.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import tarfile
from pathlib import Path

from models import progress
from models.remote import Remote, RemoteFailed
from models.scratch import ScratchFolder

VARIABLE = "EARSHOT_STORE"
"""Environment variable with the address."""

MANIFEST = "inputs.json"
"""File of each artifact: its inputs, whose hash is the artifact's key."""

_DIGEST_BYTES = hashlib.sha256().digest_size


def shared_store() -> SharedStore | None:
    """Return the store that EARSHOT_STORE names; None without the variable."""
    address = os.environ.get(VARIABLE)
    return _store_at(address) if address else None


def address() -> str:
    """Return the address that EARSHOT_STORE names, "" for none."""
    return os.environ.get(VARIABLE, "").rstrip("/")


def failure() -> RemoteFailed | None:
    """Return why the shared store is not used; None if it is, or if there is none."""
    found = shared_store()
    return found.failure if found else None


def forget_failure() -> None:
    """Use the shared store again; a worker of a cluster calls this, since it outlives a command."""
    _store_at.cache_clear()


def key_of(manifest: bytes) -> str:
    """Return the key of an artifact: the hash of its inputs."""
    return hashlib.sha256(manifest).hexdigest()[:16]


class SharedStore:
    """Artifacts behind an address.

    Args:
        address: a URL of fsspec, or the path of a folder.

    Attributes:
        failure: of the address; None while it works.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._remote = Remote(address)
        self.failure: RemoteFailed | None = None
        self._damaged: set[str] = set()

    def check(self) -> RemoteFailed | None:
        """Ask for an artifact that does not exist; return the failure."""
        try:
            with ScratchFolder("check") as folder:
                self._remote.read("artifacts/none/none.tar", folder / "none")
        except RemoteFailed as failure:
            return failure
        return None

    def has(self, artifact: Path) -> bool:
        """Return whether this machine published an artifact, or took it; also if the address has failed."""
        mark = artifact.with_suffix(".published")
        return self.failure is not None or (mark.exists() and mark.read_text() == self.address)

    def take(self, artifact: Path, folder: Path) -> bool:
        """Fill an empty folder with an artifact, if it was published; return whether it was.

        Args:
            artifact: the artifact's folder in the store of this machine.
            folder: to fill.
        """
        name, pack = _name_of(artifact), folder.with_name(f"{folder.name}.tar")
        try:
            if self.failure or name in self._damaged or not self._remote.read(name, pack):
                return False
            if problem := _unpack(pack, folder, artifact.name):
                self._damaged.add(name)
                shutil.rmtree(folder)
                folder.mkdir()
                progress.warn(f"{self.address}/{name} {problem}; it is computed anew")
                return False
        except RemoteFailed as failure:
            self._give_up(failure)
            return False
        finally:
            pack.unlink(missing_ok=True)
        self._mark(artifact)
        return True

    def publish(self, artifact: Path, folder: Path) -> bool:
        """Publish a folder as an artifact; return False if another machine was first."""
        if self.failure:
            return True
        name, pack = _name_of(artifact), artifact.with_name(f".{artifact.name}-{os.getpid()}.tar")
        try:
            _pack(folder, pack)
            is_first = self._remote.write(pack, name, replace=name in self._damaged)
        except RemoteFailed as failure:
            self._give_up(failure)
            return True
        finally:
            pack.unlink(missing_ok=True)
        self._damaged.discard(name)
        self._mark(artifact)
        return is_first

    def _mark(self, artifact: Path) -> None:
        artifact.with_suffix(".published").write_text(self.address)

    def _give_up(self, failure: RemoteFailed) -> None:
        self.failure = failure
        progress.warn_once(
            f"{failure.what} ({VARIABLE}={self.address}). {failure.remedy} This command goes on with the "
            "store of this machine; the next one publishes what it computes."
        )


@functools.cache
def _store_at(address: str) -> SharedStore:
    """Return one store per process, which remembers that its address failed."""
    return SharedStore(address)


def _name_of(artifact: Path) -> str:
    return f"artifacts/{artifact.parent.name}/{artifact.name}.tar"


def _pack(folder: Path, pack: Path) -> None:
    with tarfile.open(pack, "w") as archive:
        archive.add(folder, ".")
    with pack.open("r+b") as stream:
        digest = hashlib.file_digest(stream, "sha256").digest()
        stream.write(digest)


def _unpack(pack: Path, folder: Path, key: str) -> str:
    """Unpack an artifact into a folder; return what is wrong with it, "" for a whole one."""
    digest, left = hashlib.sha256(), max(0, pack.stat().st_size - _DIGEST_BYTES)
    with pack.open("rb") as stream:
        while block := stream.read(min(left, 1 << 20)):
            digest.update(block)
            left -= len(block)
        if stream.read() != digest.digest():
            return "is cut off or damaged"
    try:
        with tarfile.open(pack) as archive:
            archive.extractall(folder, filter="data")
        manifest = (folder / MANIFEST).read_bytes()
    except (tarfile.TarError, FileNotFoundError):
        return "is no artifact"
    return "" if key_of(manifest) == key else "is the artifact of other inputs"
