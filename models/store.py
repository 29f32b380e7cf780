"""Content-addressed artifacts: never half written, and built again only when an input changes.

An artifact is a folder `<root>/<step>/<key>/`. The key hashes every input of the step, the code of the step
included, so a changed input gives another artifact and an existing one is always right. A step writes into a
temporary folder, which is renamed when the step has succeeded: a folder with its final name is complete.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from filelock import FileLock, Timeout

from models import progress

_MANIFEST = "inputs.json"


def refuse_pipe(path: Path) -> None:
    """Raise OSError for a pipe or a device, which may never end; a missing file and a folder pass."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", str(path))


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
    for leftover in root.glob("*/.*-*"):
        lock = leftover.with_name(f"{leftover.name[1:].rpartition('-')[0]}.lock")
        with contextlib.suppress(Timeout), FileLock(lock, timeout=0):
            shutil.rmtree(leftover, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path, title: str) -> Iterator[None]:
    """Hold the lock of an artifact; say so if another process has it."""
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
    ) -> Path:
        """Return the folder of an artifact, built if it does not exist.

        Args:
            step: see `path_of`.
            inputs: see `path_of`.
            make: writes the artifact's files into the empty folder that it is given. Its exceptions pass
                through, and nothing is kept.
            code: see `path_of`.
            title: of the task that is reported while `make` runs; the step's name by default.
        """
        final, manifest = self._path_and_manifest(step, inputs, code)
        if final.is_dir():
            progress.detail(f"{step}: cached in {final}")
            return final
        _sweep(self.root)
        final.parent.mkdir(parents=True, exist_ok=True)
        with _locked(final.with_suffix(".lock"), title or step.replace("_", " ")):
            if final.is_dir():  # another process built it while this one waited
                return final
            scratch = Path(tempfile.mkdtemp(prefix=f".{final.name}-", dir=final.parent))
            try:
                with progress.task(title or step.replace("_", " ")):
                    make(scratch)
                (scratch / _MANIFEST).write_text(manifest)
                scratch.chmod(0o755)
                scratch.rename(final)
                progress.detail(f"{step}: stored in {final}")
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
        return final

    def _path_and_manifest(
        self, step: str, inputs: Mapping[str, Any], code: Iterable[ModuleType | Path]
    ) -> tuple[Path, str]:
        described = {"step": step, "inputs": _describe(inputs), "code": [_describe(item) for item in code]}
        manifest = json.dumps(described, indent=1, sort_keys=True)
        return self.root / step / hashlib.sha256(manifest.encode()).hexdigest()[:16], manifest
