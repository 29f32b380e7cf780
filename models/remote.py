"""Files behind a URL of fsspec, such as `s3://bucket/earshot`, or in a folder that several machines share.

A file appears whole or not at all, and no failure is more than one sentence. fsspec is imported at the first
use: most commands need no URL.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.decoding import user_path
from models.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_S3 = ("s3", "s3a")
_S3_OPTIONS = {"config_kwargs": {"connect_timeout": 5, "retries": {"mode": "standard", "max_attempts": 3}}}
"""A server that is overloaded is asked six times within 10 s (3.4 s on average)."""

_RIGHTS = "Ask for the rights to list, read and write there."
_LATER = "Try again later."
_NETWORK = "Check the network and the address (AWS_ENDPOINT_URL names an S3 server other than Amazon's)."
_RENEW = "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile in ~/.aws."
_KNOWN = {
    "NoSuchBucket": ("there is no such bucket", "Create it, or correct the address."),
    "InvalidBucketName": ("that is no name of a bucket", "Correct the address."),
    "NoCredentialsError": ("there are no credentials", _RENEW),
    "PartialCredentialsError": ("the credentials are incomplete", _RENEW),
    "ProfileNotFound": ("the profile of AWS_PROFILE does not exist", _RENEW),
    "InvalidAccessKeyId": ("the credentials are refused", _RENEW),
    "SignatureDoesNotMatch": ("the credentials are refused", _RENEW),
    "ExpiredToken": ("the credentials have expired", _RENEW),
    "RequestTimeTooSkewed": (
        "the clock of this machine is off",
        "Set it, such as by `timedatectl set-ntp true`.",
    ),
    "AccessDenied": ("access is denied", _RIGHTS),
    "SlowDown": ("the server is overloaded", _LATER),
    "ServiceUnavailable": ("the server is not available", _LATER),
    "503": ("the server is not available", _LATER),
    "InternalError": ("the server has failed", _LATER),
    "500": ("the server has failed", _LATER),
    "HTTPClientError": ("the server cannot be reached", _NETWORK),  # of botocore, like the next one
    "ConnectionError": ("the server cannot be reached", _NETWORK),
    "ClientPayloadError": ("the connection broke off", _NETWORK),  # of aiohttp
    "PermissionError": ("access is denied", _RIGHTS),
}
"""Sentence and remedy by the server's code, or by the class of the exception, which needs no import then."""


class RemoteFailed(ModelError):
    """Files behind a URL that cannot be read or written."""

    failure = "remote"


def is_url(text: str) -> bool:
    """Tell a URL from the path of a folder."""
    return "://" in text


def check_address(address: str) -> None:
    """Check that an installed library opens an address; nothing is opened.

    Raises:
        ConfigError: there is none.
    """
    if not is_url(address):
        return
    from fsspec.registry import known_implementations

    protocol = address.partition("://")[0]
    known = known_implementations.get(protocol)
    if known is None:
        raise ConfigError(f"nothing opens {protocol}://", address, "Name a folder, or a URL such as s3://…")
    package = known["class"].partition(".")[0]
    if importlib.util.find_spec(package) is None:
        problem = f"{protocol}:// needs the Python package {package}"
        raise ConfigError(problem, address, f"Install it: pip install {package}.")


class Remote:
    """Files below a URL or below a folder.

    Args:
        address: the URL or the path.
    """

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")

    def read(self, name: str, target: Path) -> bool:
        """Copy a file to a path here, which exists whole or not at all; return False if there is none.

        Raises:
            RemoteFailed: the address cannot be used.
        """
        scratch = target.with_name(f".{target.name}-{os.getpid()}")
        try:
            with self._open() as (files, root):
                files.get_file(f"{root}/{name}", str(scratch))
            scratch.replace(target)
        except _Missing:
            return False
        finally:
            scratch.unlink(missing_ok=True)
        return True

    def write(self, source: Path, name: str, replace: bool = False) -> bool:
        """Publish a file; return False if there is one and `replace` is not set.

        Raises:
            RemoteFailed: the address cannot be used.
        """
        with self._open() as (files, root):
            try:
                if _is_local(files):
                    _publish_locally(source, Path(root, name), replace)
                else:
                    files.put_file(str(source), f"{root}/{name}", mode="overwrite" if replace else "create")
            except FileExistsError:
                return False
        return True

    def listed(self) -> dict[str, str]:
        """Return the version of each file by its name, {} without files; it changes with the content.

        Raises:
            RemoteFailed: the address cannot be used, or its folder does not exist.
        """
        try:
            with self._open() as (files, root):
                files.invalidate_cache()
                found = files.find(root, detail=True)
        except _Missing:
            return {}
        return {path[len(root) :].lstrip("/"): _version(facts) for path, facts in found.items()}

    @contextmanager
    def _open(self) -> Iterator[tuple[AbstractFileSystem, str]]:
        """Open the address; turn any exception of the libraries behind fsspec into `RemoteFailed`."""
        from fsspec.core import url_to_fs

        check_address(self.address)
        protocol = self.address.partition("://")[0]
        address = self.address if is_url(self.address) else str(user_path(self.address).absolute())
        try:
            # The library keeps one instance for each thread, and none over a fork.
            files, root = url_to_fs(address, **(_S3_OPTIONS if protocol in _S3 else {}))
            if protocol in _S3:
                files.retries = 2  # each with the three attempts above
            if _is_local(files) and not Path(root).is_dir():
                raise RemoteFailed("there is no such folder", self.address, "Create or mount it.")
            yield files, root
        except (RemoteFailed, _Missing):
            raise
        except Exception as problem:
            codes = [code for one in reversed([*_chain(problem)]) for code in _codes(one)]
            if isinstance(problem, FileNotFoundError) and not _KNOWN.keys() & {*codes}:
                raise _Missing from None
            what, remedy = next((_KNOWN[code] for code in codes if code in _KNOWN), ("", ""))
            text = str(problem).strip().partition("\n")[0].rstrip(".")
            what = what or f"it cannot be used: {text or type(problem).__name__}"
            raise RemoteFailed(what, self.address, remedy or "Check the address.") from problem


class _Missing(Exception):
    """A file that is not there."""


def _is_local(files: AbstractFileSystem) -> bool:
    return "file" in files.protocol


def _publish_locally(source: Path, target: Path, replace: bool) -> None:
    """Copy a file to another folder at once; raise FileExistsError if there is one already."""
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    try:
        shutil.copyfile(source, scratch)
        if replace:
            scratch.replace(target)
        else:
            _link(scratch, target)
    finally:
        scratch.unlink(missing_ok=True)


def _link(scratch: Path, target: Path) -> None:
    """Give a file its name unless another file has it; links fail atomically."""
    try:
        os.link(scratch, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        scratch.replace(target)


def _version(facts: dict[str, Any]) -> str:
    found = facts.get("ETag") or facts.get("etag") or facts.get("md5Hash")
    return str(found or (facts.get("size"), facts.get("mtime"), facts.get("LastModified")))


def _chain(problem: BaseException | None) -> Iterator[BaseException]:
    while problem is not None:
        yield problem
        problem = problem.__cause__ or problem.__context__


def _codes(problem: BaseException) -> Iterator[str]:
    """Yield an exception's names: the server's code, then its classes, the most special one first."""
    answer = getattr(problem, "response", None)
    if isinstance(answer, dict):
        yield str(answer.get("Error", {}).get("Code", ""))
    yield from (kind.__name__ for kind in type(problem).__mro__)
