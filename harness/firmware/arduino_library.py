"""An installed Arduino library: its name and version, its sources, and what they include."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.errors import BuildFailed

PROPERTIES = "library.properties"
_SOURCES = (".cpp", ".cc", ".c", ".S")
_HEADERS = (".h", ".hpp", ".inc")
_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]', re.MULTILINE)


@dataclass(frozen=True)
class ArduinoLibrary:
    """A library in the Arduino library specification's recursive layout: everything below `src/`.

    Attributes:
        name: as its library.properties says; "" when it does not.
        version: likewise.
        folder: where library.properties lies.
    """

    name: str
    version: str
    folder: Path

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def source_root(self) -> Path:
        """What a sketch's includes are relative to."""
        return self.folder / "src"

    @cached_property
    def sources(self) -> tuple[Path, ...]:
        """Every file that is compiled, in a fixed order."""
        return tuple(path for path in self._files if path.suffix in _SOURCES)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over names and contents of all sources and headers, 64 hex digits."""
        digest = hashlib.sha256()
        for path in self._files:
            content = path.read_bytes()
            digest.update(f"{path.relative_to(self.source_root).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()

    def sources_without(self, header: str) -> tuple[Path, ...]:
        """The sources that include a header of that name neither themselves nor by another header."""
        return tuple(path for path in self.sources if not self._reaches(path, header, set()))

    @cached_property
    def _files(self) -> tuple[Path, ...]:
        return tuple(sorted(path for path in _walk(self.source_root) if path.suffix in _SOURCES + _HEADERS))

    def _reaches(self, path: Path, header: str, seen: set[Path]) -> bool:
        seen.add(path)
        for name in self._includes(path):
            if name == header:
                return True
            for place in (path.parent / name, self.source_root / name):
                target = Path(os.path.normpath(place))
                if target in self._known:
                    if target not in seen and self._reaches(target, header, seen):
                        return True
                    break
        return False

    @cached_property
    def _known(self) -> frozenset[Path]:
        return frozenset(self._files)

    @cached_property
    def _included(self) -> dict[Path, tuple[str, ...]]:
        return {}

    def _includes(self, path: Path) -> tuple[str, ...]:
        if path not in self._included:
            names = _INCLUDE.findall(path.read_bytes())
            self._included[path] = tuple(name.decode("utf-8", "replace") for name in names)
        return self._included[path]


def read_library(folder: Path) -> ArduinoLibrary | None:
    """The library in a folder; None where there is none.

    Raises:
        BuildFailed: its library.properties cannot be read.
    """
    path = folder / PROPERTIES
    if not path.is_file():
        return None
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError as problem:
        raise BuildFailed(f"a library cannot be read: {problem.strerror}", where=str(path)) from problem
    facts = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    name, version = (facts.get(key, "").strip() for key in ("name", "version"))
    return ArduinoLibrary(name, version, folder.absolute())


def _walk(folder: Path) -> Iterator[Path]:
    """Files below a folder; hidden ones left out, as the Arduino builder leaves them out."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path
