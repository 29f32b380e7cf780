"""An Arduino library compiled for the emulated board, once, into one file to link with."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from harness.firmware.arduino_library import ArduinoLibrary
from harness.firmware.toolchain import Tool, run_tool

ARCHIVE = "library.a"
_ARDUINO_API = "Arduino.h"


@dataclass(frozen=True)
class Archive:
    """A compiled library.

    Attributes:
        file: of its objects; the linker takes those that are needed.
        headers: the folder that its includes are relative to.
    """

    file: Path
    headers: Path


def archive(
    library: ArduinoLibrary, compiler: Tool, flags: Mapping[str, Sequence[str]], folder: Path
) -> None:
    """Compiles a library, on all processors, into the file `ARCHIVE` of a folder.

    Sources that include the Arduino API are left out: the emulated core has as much of it as the sketch
    uses, and what a library does with pins and ports is not there to be done.

    Args:
        library: what is compiled.
        compiler: a g++, which compiles C as well.
        flags: by the suffix of a source.
        folder: where to write.

    Raises:
        BuildFailed: a source does not compile.
    """
    root = library.source_root
    places = (f"-I{root}", f"-ffile-prefix-map={root}={library.name}")
    with tempfile.TemporaryDirectory(dir=folder, prefix="objects-") as scratch:
        objects = Path(scratch)

        def compile_one(source: Path) -> str:
            # One name for each: an archive knows no folders.
            target = f"{source.relative_to(root).as_posix().replace('/', '_')}.o"
            run_tool(compiler, [*flags[source.suffix], *places, "-c", source, "-o", target], objects)
            return target

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            targets = list(pool.map(compile_one, library.sources_without(_ARDUINO_API)))
        archiver = Tool(compiler.path.removesuffix("g++") + "gcc-ar", compiler.version)
        run_tool(archiver, ["rcsD", folder / ARCHIVE, *targets], objects)
