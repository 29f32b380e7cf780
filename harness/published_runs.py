"""Folders of runs behind a URL, or in a folder that several benches share.

`fetched` brings runs here, each file once, and `publish` takes a run there; everything between works on
folders. A run is published with its record last: a folder without a record is no run.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from harness.errors import UsageError
from harness.files import write_atomic
from harness.layout import FIELD_RECORD, RECORD, store_root
from models import progress
from models.decoding import decode_json, user_path
from models.remote import Remote, RemoteFailed, is_url

_VERSIONS = ".versions.json"
"""File of a fetched folder: the version of each file, by its name."""

_PENDING = ".unpublished"
"""File of a finished run that is not published yet, with the address."""


def absolute(address: str) -> str:
    """Return a URL as it is, and the absolute path of a folder or file."""
    return address if is_url(address) else str(user_path(address).absolute())


def fetched(address: str, whole: bool = False) -> Path:
    """Return a folder with the runs of an address. For a URL it is a copy: only changed files are fetched.

    Args:
        address: a folder of runs, a run's folder or a record, as a URL or a path.
        whole: fetch all files of a run's folder, not the record alone.

    Raises:
        RemoteFailed: the URL cannot be used.
        UsageError: nothing is there, or `whole` and the URL is not a run's folder.
    """
    if not is_url(address):
        return user_path(address)
    folder = address.rstrip("/").removesuffix(f"/{RECORD}")
    remote, copy = Remote(folder), _copy_of(folder)
    listed = {name: version for name, version in remote.listed().items() if ".." not in Path(name).parts}
    there = {name: version for name, version in listed.items() if whole or Path(name).name == RECORD}
    if not there or (whole and not listed.keys() & {RECORD, FIELD_RECORD}):
        what = "this is not the folder of a run" if whole else "there are no runs"
        raise UsageError(what, folder, "Correct the address, or publish a run there first.")
    here = _versions(copy)
    for name in here.keys() - listed.keys():
        (copy / name).unlink(missing_ok=True)
    here = {name: version for name, version in here.items() if name in listed}
    changed = [name for name, version in there.items() if here.get(name) != version]
    try:
        with progress.task(f"fetch {folder}", len(changed), "files") as advance:
            for name in changed:
                target = copy / name
                target.parent.mkdir(parents=True, exist_ok=True)
                if remote.read(name, target):
                    here[name] = there[name]
                advance()
    finally:
        write_atomic(json.dumps(here), copy / _VERSIONS)
    return copy / RECORD if address.endswith(f"/{RECORD}") else copy


def fetched_or_older(address: str) -> Path:
    """Return the folder of `fetched`; if the URL fails, the previous copy, with a warning."""
    try:
        return fetched(address)
    except UsageError:  # before the first night
        return _copy_of(address)
    except RemoteFailed as failure:
        progress.warn(f"{failure} The nights that were fetched before are used instead.")
        return _copy_of(address)


def publish(run: Path, address: str, prefix: str = "", since_ns: int = 0) -> None:
    """Copy a run to an address; the record comes last.

    Args:
        run: the run's folder.
        address: of the run's folder there, or of a folder that has it.
        prefix: path of the run's folder below the address, such as "emulated/20261129T010000Z-0a1b2c3d/".
        since_ns: copy only files that were written since then, nanoseconds since the epoch.

    Raises:
        RemoteFailed: the address cannot be used.
    """
    found = [path for path in run.rglob("*") if path.is_file() and not path.name.startswith(".")]
    found = [path for path in found if path.stat().st_mtime_ns >= since_ns]
    found.sort(key=lambda path: (path in (run / RECORD, run / FIELD_RECORD), path))
    remote = Remote(address)
    with progress.task(f"publish {prefix.rstrip('/') or run.name}", len(found), "files") as advance:
        for path in found:
            remote.write(path, prefix + path.relative_to(run).as_posix(), replace=True)
            advance()


def publish_night(run: Path, address: str) -> bool:
    """Publish a finished run, and those beside it that could not be published before.

    A failure is a warning: the runs stay here, and the next call tries again.

    Args:
        run: the run's folder, `<folder of runs>/<board>/<run>`, which is its name below the address too.
        address: a folder of runs.

    Returns:
        Whether all are published.
    """
    (run / _PENDING).write_text(address)
    for mark in sorted(run.parents[1].glob(f"*/*/{_PENDING}")):
        one = mark.parent
        try:
            publish(one, mark.read_text(), f"{one.parent.name}/{one.name}/")
        except RemoteFailed as failure:
            progress.warn(f"{failure} The night is kept in {one} and published with the next one.")
            return False
        mark.unlink()
    return True


def _copy_of(folder: str) -> Path:
    digest = hashlib.sha256(folder.rstrip("/").encode()).hexdigest()[:16]
    return store_root() / "runs" / digest


def _versions(copy: Path) -> dict[str, str]:
    path = copy / _VERSIONS
    return decode_json(path.read_text(), dict[str, str], str(path)) if path.exists() else {}
