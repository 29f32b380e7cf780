"""Work of tasks in tests of clusters, in a module of its own: each process that runs a task imports it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from models import progress
from models.errors import DatasetError
from models.store import Store


def note(store: Store, name: str, wait_for: str = "") -> int:
    """Build an artifact that counts its builders; wait for a file of the store's root if it names one."""

    def make(folder: Path) -> None:
        with (store.root / f"{name}.attempts").open("a") as attempts:
            attempts.write(f"{os.getpid()}\n")
        while wait_for and not (store.root / wait_for).exists():
            time.sleep(0.01)
        (folder / "half").write_text(name)

    progress.log(f"{name} …")
    store.build("note", {"name": name}, make)
    return os.getpid()


def attempts(store: Store, name: str) -> list[int]:
    file = store.root / f"{name}.attempts"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def refuse() -> None:
    raise DatasetError("there is nothing", "here", "Bring something.")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def variables() -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}


def derive(store: Store, source: Path) -> tuple[Path, int]:
    """Build an artifact of another one's text; return it, and the process."""

    def make(folder: Path) -> None:
        assert (source / "out.txt").parent.parent.parent == store.root
        (folder / "out.txt").write_text((source / "out.txt").read_text() + " derived")

    return store.build("derived", {"of": source.name}, make), os.getpid()


def derive_damaged(store: Store, source: Path) -> tuple[Path, int]:
    """Publish half of the artifact in another process than that of the test."""
    path, process = derive(store, source)
    if store.root.name == "there":
        (pack,) = Path(os.environ["EARSHOT_STORE"]).glob("artifacts/derived/*.tar")
        pack.write_bytes(pack.read_bytes()[:2000])
    return path, process


def fill(folder: Path) -> int:
    """Write into the folder of an unfinished artifact."""
    (folder / "out.txt").write_text("whole")
    return os.getpid()


def lack(store: Store, source: Path) -> None:
    raise DatasetError("there is none", "/data", "Copy it.")


def write(folder: Path) -> None:
    (folder / "out.txt").write_text("text")


def count(amount: float, unit: str) -> None:
    with progress.task("count", amount, unit) as advance:
        advance(amount)
