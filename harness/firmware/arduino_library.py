"""Installed Arduino libraries, and their compilation for the emulated board."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.errors import BuildFailed
from harness.firmware.toolchain import Tool, run_tool

ARCHIVE = "library.a"
_ARDUINO_API = "Arduino.h"
PROPERTIES = "library.properties"
_SOURCES = (".cpp", ".cc", ".c", ".S")
_HEADERS = (".h", ".hpp", ".inc")
_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]', re.MULTILINE)


@dataclass(frozen=True)
class ArduinoLibrary:
    """A library in the Arduino library specification's recursive layout: everything below `src/`.

    Attributes:
        name: name in library.properties; "" without one.
        version: version in library.properties; "" without one.
        folder: folder of library.properties.
    """

    name: str
    version: str
    folder: Path

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def source_root(self) -> Path:
        return self.folder / "src"

    @cached_property
    def sources(self) -> tuple[Path, ...]:
        """Files to compile, in a fixed order."""
        return tuple(path for path in self._files if path.suffix in _SOURCES)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over names and contents of all sources and headers, 64 hex digits."""
        return hash_of(self.source_root, self._files)

    def sources_without(self, header: str) -> tuple[Path, ...]:
        """Return the sources that include a header of that name neither directly nor indirectly."""
        includes = {path: self._includes(path) for path in self._files}
        reaching: set[Path | str] = {header}
        while more := {path for path, found in includes.items() if found & reaching} - reaching:
            reaching |= more
        return tuple(path for path in self.sources if path not in reaching)

    def _includes(self, path: Path) -> set[Path | str]:
        """Return what a file includes: files of the library, or names that lead to none."""
        found: set[Path | str] = set()
        for name in _INCLUDE.findall(path.read_bytes()):
            text = name.decode("utf-8", "replace")
            places = (Path(os.path.normpath(folder / text)) for folder in (path.parent, self.source_root))
            found |= {text, next((place for place in places if place in self._files), text)}
        return found

    @cached_property
    def _files(self) -> tuple[Path, ...]:
        return tuple(sorted(path for path in _walk(self.source_root) if path.suffix in _SOURCES + _HEADERS))


def read_library(folder: Path) -> ArduinoLibrary | None:
    """Return the library in a folder, None if there is none; raises BuildFailed if it cannot be read."""
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


def hash_of(root: Path, files: Iterable[Path]) -> str:
    """Return the SHA-256 over names relative to a folder and contents of files, 64 hex digits."""
    digest = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder except hidden ones, like the Arduino builder."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path


def archive(
    library: ArduinoLibrary, compiler: Tool, flags: Mapping[str, Sequence[str]], folder: Path
) -> None:
    """Compile a library on all processors into the file `ARCHIVE` of a folder.

    Sources that include the Arduino API are left out: the emulated core has only the parts of it that the
    sketch uses, and no pins.

    Args:
        library: the library.
        compiler: a g++, which compiles C as well.
        flags: compiler flags by the suffix of a source.
        folder: the output folder.

    Raises:
        BuildFailed: a source does not compile.
    """
    root = library.source_root
    places = (f"-I{root}", f"-ffile-prefix-map={root}={library.name}")
    with tempfile.TemporaryDirectory(dir=folder, prefix="objects-") as scratch:
        objects = Path(scratch)

        def compile_one(source: Path) -> str:
            # An archive has no folders: the name holds the path.
            target = f"{source.relative_to(root).as_posix().replace('/', '_')}.o"
            run_tool(compiler, [*flags[source.suffix], *places, "-c", source, "-o", target], objects)
            return target

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            targets = list(pool.map(compile_one, library.sources_without(_ARDUINO_API)))
        archiver = Tool(compiler.path.removesuffix("g++") + "gcc-ar", compiler.version)
        run_tool(archiver, ["rcsD", folder / ARCHIVE, *targets], objects)
