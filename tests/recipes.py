"""The recipes of the emulated board's platform, run as arduino-cli runs them; the core is compiled once."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from host_library import STORE

from harness.firmware.arduino_platform import CORE, PLATFORM, expand, properties
from harness.firmware.arm_gcc import find_compiler

_RECIPES = {".c": "c", ".cpp": "cpp", ".cc": "cpp", ".S": "S"}


class RecipeFailed(Exception):
    """A failed tool, with what it wrote to stderr."""


def compile_sketch(
    sketch: Path, build: Path, libraries: tuple[Path, ...] = (), extra: Mapping[str, str] | None = None
) -> Path:
    """Compile a sketch folder and return its image; prototypes are the sketch's own business.

    Args:
        sketch: folder with an .ino of its name.
        build: an empty folder; objects lie in it as arduino-cli puts them.
        libraries: folders of sources, each on the include path.
        extra: properties to override.
    """
    name = f"{sketch.name}.ino"
    includes = " ".join(f'"-I{folder}"' for folder in (CORE, *libraries))
    values = properties() | {
        "build.path": str(build),
        "build.project_name": name,
        "build.core.path": str(CORE),
        "build.arch": "MBED_NANO",
        "runtime.platform.path": str(PLATFORM),
        "includes": includes,
        **(extra or {}),
    }
    copy = build / "sketch"
    copy.mkdir(parents=True)
    main = copy / f"{name}.cpp"
    main.write_text(f'#include <Arduino.h>\n#line 1 "{sketch / name}"\n{(sketch / name).read_text()}')
    for path in sorted(sketch.rglob("*")):
        if path.is_file() and path.suffix != ".ino":
            (copy / path.relative_to(sketch)).parent.mkdir(parents=True, exist_ok=True)
            (copy / path.relative_to(sketch)).write_bytes(path.read_bytes())

    def run(recipe: str, **places: str) -> str:
        command = shlex.split(expand(values[recipe], values | places))
        done = subprocess.run(command, cwd=build, capture_output=True, text=True)
        if done.returncode:
            raise RecipeFailed(done.stderr)
        return done.stdout

    def compile_folder(folder: Path, objects: Path) -> list[str]:
        made = []
        for source in sorted(path for path in folder.rglob("*") if path.suffix in _RECIPES):
            target = objects / f"{source.relative_to(folder)}.o"
            target.parent.mkdir(parents=True, exist_ok=True)
            run(
                f"recipe.{_RECIPES[source.suffix]}.o.pattern",
                source_file=str(source),
                object_file=str(target),
            )
            made.append(str(target))
        return made

    objects = compile_folder(copy, copy)
    for library in libraries:
        objects += compile_folder(library, build / "libraries" / library.name)

    def compile_core(folder: Path) -> None:
        for made in compile_folder(CORE, folder):
            run("recipe.ar.pattern", archive_file_path=str(folder / "core.a"), object_file=made)

    given = {"core": CORE, "compiler": find_compiler().version, "properties": properties() | (extra or {})}
    archive = STORE.build("core", given, compile_core, [Path(__file__)]) / "core.a"
    quoted = " ".join(f'"{made}"' for made in objects)
    run("recipe.c.combine.pattern", object_files=quoted, archive_file_path=str(archive))
    run("recipe.objcopy.bin.pattern")
    return build / f"{name}.elf"


def sizes(image: Path) -> tuple[int, int]:
    """Return the sizes `text` and `data` that arduino-cli reads off the size recipe."""
    import re

    values = properties() | {"build.path": str(image.parent), "build.project_name": image.stem}
    command = shlex.split(expand(values["recipe.size.pattern"], values))
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    text, data = (
        sum(int(match[1]) for match in re.finditer(values[key], output, re.M))
        for key in ("recipe.size.regex", "recipe.size.regex.data")
    )
    return text, data
