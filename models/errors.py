"""Errors of models/, with what happened, where, and what to try."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

E = TypeVar("E", bound="UserFacingError")

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
"""Beginning of a Git LFS pointer, which stands in place of a file that was not fetched."""
LFS_FETCH = "this is a Git LFS pointer: fetch the file with `git lfs pull`"


class UserFacingError(Exception):
    """Root of all errors that are shown to users: what happened, where, and what to try.

    Args:
        what: what happened, one sentence without a full stop. Of a quoted word that is absurdly long only the
            beginning is kept, so that a damaged file does not fill the screen; the same holds for `remedy`.
        where: the file, folder, variant or operator.
        remedy: an imperative sentence.
    """

    failure = "error"
    """The failure class in a run record."""

    def __init__(self, what: str, where: str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = _shortened(what), where, _shortened(remedy)
        super().__init__(what, where, remedy)  # arguments, for pickling between processes

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        advice = f". {self.remedy}" if self.remedy else ""
        return f"{self.failure}: {self.what}{place}{advice}"


def _shortened(text: str) -> str:
    return re.sub(r"(\S{200})\S{200,}", r"\1…", text)


def meant(name: str, known: Iterable[str]) -> str:
    """Return a question for the known name nearest to a misspelled one, "" if none is near."""
    near = get_close_matches(name, list(known), 1)
    return f". Did you mean {near[0]}?" if near else ""


def wrong_download(path: Path, kind: type[E]) -> E | None:
    """Return the error of a file that is a Git LFS pointer or a web page; None for any other file."""
    try:
        if not path.is_file():  # a pipe would wait for a writer
            return None
        with path.open("rb") as stream:
            told = not_the_file(stream.read(len(LFS_POINTER)))
    except OSError:
        return None
    return kind(told, str(path)) if told else None


def not_the_file(content: bytes) -> str:
    """Return the message for the content of a Git LFS pointer or a web page; "" for any other content."""
    if content.startswith(LFS_POINTER):
        return LFS_FETCH
    is_page = content[:99].lstrip().lower().startswith((b"<!doctype html", b"<html"))
    return "this is a web page: download the file itself, by its “raw” link" if is_page else ""


@contextmanager
def located(place: str) -> Iterator[None]:
    """Put a place, such as the user's file, before the place of an error that is raised inside."""
    try:
        yield
    except UserFacingError as failure:
        if not failure.where.startswith(place):
            failure.where = f"{place}: {failure.where}".removesuffix(": ")
        raise


class ModelError(UserFacingError):
    """Root of the errors of models/."""

    failure = "model"


class DatasetError(ModelError):
    """A dataset, a recording or the tool that makes one is missing or broken."""

    failure = "dataset"


class ConversionError(ModelError):
    """A step of a conversion failed, or its result breaks a check."""

    failure = "conversion"


class ConfigError(ModelError):
    """A configuration is not valid."""

    failure = "config"


class ClusterError(ModelError):
    """A scheduler or a worker cannot be used."""

    failure = "cluster"
