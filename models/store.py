"""Content-addressed artifacts: never half written, and built again only when an input changes.

An artifact is a folder `<root>/<step>/<key>/`. The key hashes every input of the step, the code of the step
included, so a changed input gives another artifact and an existing one is always right. A step writes into a
temporary folder, which is renamed when the step has succeeded: a folder with its final name is complete.
Machines share artifacts through `models.shared_store`.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import asdict, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from models import progress
from models.decoding import refuse_pipe
from models.shared_store import MANIFEST, SharedStore, key_of, shared_store


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits."""
    refuse_pipe(path)
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _describe(value: Any) -> Any:
    """Describe an input as JSON: a file by its content, a folder by its files, a module by its source."""
    if isinstance(value, ModuleType):
        assert value.__file__ is not None
        return {"code": value.__name__, "sha256": sha256_of(Path(value.__file__))}
    if isinstance(value, Path):
        if value.is_dir():
            files = sorted(
                path for path in value.rglob("*") if path.is_file() and "__pycache__" not in path.parts
            )
            return {str(path.relative_to(value)): sha256_of(path) for path in files}
        return {"file": value.name, "sha256": sha256_of(value)}
    if is_dataclass(value) and not isinstance(value, type):
        return _describe(asdict(value))
    if isinstance(value, Mapping):
        return {str(name): _describe(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_describe(item) for item in value]
    return value


@functools.cache  # once in a process: a store may have thousands of artifacts
def _sweep(root: Path) -> None:
    """Remove what killed builders left: the lock of its artifact is free."""
    from filelock import FileLock, Timeout  # here: it imports asyncio, for which `--help` need not wait

    for leftover in root.glob("*/.*-*"):
        lock = leftover.with_name(f"{leftover.name[1:].rpartition('-')[0]}.lock")
        with contextlib.suppress(Timeout), FileLock(lock, timeout=0):
            shutil.rmtree(leftover, ignore_errors=True)
            leftover.unlink(missing_ok=True)  # an archive


@contextlib.contextmanager
def _locked(path: Path, title: str) -> Iterator[None]:
    """Hold the lock of an artifact; say so if another process has it."""
    from filelock import FileLock, Timeout  # here: see `_sweep`

    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        with progress.task(f"wait for another process: {title}"):
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _scratch(final: Path) -> Iterator[Path]:
    """Make a temporary folder beside an artifact's; remove it at the end, unless it was renamed."""
    scratch = Path(tempfile.mkdtemp(prefix=f".{final.name}-", dir=final.parent))
    scratch.chmod(0o755)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextlib.contextmanager
def _kept(scratch: Path, final: Path) -> Iterator[None]:
    """Rename a complete folder at the end, also of an interrupted publication, unless there is another."""
    try:
        yield
    finally:
        if not final.is_dir():
            scratch.rename(final)


def _take(others: SharedStore | None, final: Path) -> bool:
    """Take an artifact from the shared store, if it is there; return whether it was."""
    if others is None:
        return False
    with _scratch(final) as scratch:
        if not others.take(final, scratch):
            return False
        scratch.rename(final)
    progress.detail(f"{final.parent.name}: taken from {others.address}")
    return True


class _NotStored(Exception):
    """An artifact that would have to be built."""


_may_build = ContextVar("_may_build", default=True)


def is_stored(work: Callable[..., object], *given: Any) -> bool:
    """Return whether stores hold all artifacts of some work; do the work up to the first one they lack."""
    before = _may_build.set(False)
    try:
        work(*given)
    except _NotStored:
        return False
    finally:
        _may_build.reset(before)
    return True


class Store:
    """Artifacts in a folder that all processes of a machine share.

    Args:
        root: the folder; is created if needed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()  # steps run tools in other folders

    def path_of(self, step: str, inputs: Mapping[str, Any], code: Iterable[ModuleType | Path] = ()) -> Path:
        """Return the folder of an artifact, whether it exists or not.

        Args:
            step: name of the step, such as "train"; becomes a folder.
            inputs: every input by name: JSON values, dataclasses, or paths (hashed by content).
            code: modules and source files that do the step.
        """
        return self._path_and_manifest(step, inputs, code)[0]

    def build(
        self,
        step: str,
        inputs: Mapping[str, Any],
        make: Callable[[Path], None],
        code: Iterable[ModuleType | Path] = (),
        title: str = "",
        shared: bool = True,
    ) -> Path:
        """Return the folder of an artifact, taken from the shared store or built if it does not exist.

        Args:
            step: see `path_of`.
            inputs: see `path_of`.
            make: writes the artifact's files into the empty folder that it is given. Its exceptions pass
                through, and nothing is kept.
            code: see `path_of`.
            title: of the task that is reported while `make` runs; the step's name by default.
            shared: False for what holds on this machine only, or is made faster than it is fetched.
        """
        final, manifest = self._path_and_manifest(step, inputs, code)
        others = shared_store() if shared else None
        if self._is_here(final, others):
            progress.detail(f"{step}: cached in {final}")
            return final
        title = title or step.replace("_", " ")
        with self._alone(final, title):
            if final.is_dir() or _take(others, final):  # another process or machine built it meanwhile
                return final
            if not _may_build.get():
                raise _NotStored
            with _scratch(final) as scratch:
                with progress.task(title):
                    make(scratch)
                (scratch / MANIFEST).write_text(manifest)
                with _kept(scratch, final):
                    if others and not others.publish(final, scratch) and _take(others, final):
                        return final
            progress.detail(f"{step}: stored in {final}")
        return final

    def has(self, artifact: Path) -> bool:
        """Return whether an artifact is here; one of the shared store is taken from there.

        Args:
            artifact: see `path_of`.
        """
        others = shared_store()
        if self._is_here(artifact, others) or not others:
            return artifact.is_dir()
        with self._alone(artifact, artifact.parent.name):
            return artifact.is_dir() or _take(others, artifact)

    def _is_here(self, artifact: Path, others: SharedStore | None) -> bool:
        """Return whether an artifact is in this store; publish one from before the shared store was used."""
        found = artifact.is_dir()
        if found and others and not others.has(artifact):
            with self._alone(artifact, f"publish {artifact.parent.name}"):
                others.publish(artifact, artifact)
        return found

    @contextlib.contextmanager
    def _alone(self, artifact: Path, title: str) -> Iterator[None]:
        """Hold the lock of an artifact in a folder without leftovers."""
        _sweep(self.root)
        artifact.parent.mkdir(parents=True, exist_ok=True)
        with _locked(artifact.with_suffix(".lock"), title):
            yield

    def _path_and_manifest(
        self, step: str, inputs: Mapping[str, Any], code: Iterable[ModuleType | Path]
    ) -> tuple[Path, str]:
        described = {"step": step, "inputs": _describe(inputs), "code": [_describe(item) for item in code]}
        manifest = json.dumps(described, indent=1, sort_keys=True)
        return self.root / step / key_of(manifest.encode()), manifest
