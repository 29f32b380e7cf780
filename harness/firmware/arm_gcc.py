"""Compilation of a staged sketch for the emulated board, with the compiler flags of the Nano 33 BLE."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from harness.errors import BuildFailed, DoesNotFit
from harness.firmware import arduino_library, arduino_platform, elf, toolchain
from harness.firmware.arduino_library import ARCHIVE, ArduinoLibrary, archive
from harness.firmware.arduino_platform import CORE, OPTIMIZATION
from harness.firmware.firmware import Firmware
from harness.firmware.stage import StagedSketch
from harness.firmware.toolchain import Tool, find_tool, run_tool
from models.store import Store

_COMPILER = "arm-none-eabi-g++"
_PACKAGES = "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib"
_JOBS = 2
_IMAGE = "earshot.elf"
_LINKER_SCRIPT = "board.ld"

_COMMON_FLAGS = arduino_platform.flags("compiler.common_flags")
_CPP_FLAGS = arduino_platform.flags("compiler.cpp.flags")
_C_FLAGS = ("-x", "c", *arduino_platform.flags("compiler.c.flags"))
_COMPILE_FLAGS = (*_COMMON_FLAGS, *_CPP_FLAGS)
_LIBRARY_FLAGS = ("-w",)  # as the mbed core compiles libraries; warnings in them are for their authors
_LINK_FLAGS = arduino_platform.flags("compiler.ldflags")
_CPP_LIBRARY = arduino_platform.flags("compiler.cpp.library")


def find_compiler() -> Tool:
    """Return the cross compiler; raises BuildFailed if it is not installed."""
    return find_tool(_COMPILER, _PACKAGES)


def compile_image(staged: StagedSketch, store: Store, optimization: str = OPTIMIZATION) -> Firmware:
    """Compile a staged sketch, or return the cached image of the same sources, flags and compiler.

    Args:
        staged: the sketch with model and engine.
        store: cache of images.
        optimization: compiler flags, separated by spaces.

    Raises:
        BuildFailed: the compiler is not installed, or finds errors in the sources.
        DoesNotFit: the image is larger than the memory of the Nano 33 BLE Sense, which the emulated board
            imitates.
    """
    compiler = find_compiler()
    flags = optimization.split()
    libraries = staged.sources.libraries
    inputs = {
        "sketch": staged.path,
        "core": CORE,
        "flags": [*_COMPILE_FLAGS, *_LINK_FLAGS, *_CPP_LIBRARY, *flags],
        "compiler": compiler.version,
        "libraries": [library.fingerprint for library in libraries],
    }

    def make(folder: Path) -> None:
        archives = [(_compiled(library, compiler, flags, store), library) for library in libraries]
        build_image(compiler, staged.path, flags, folder / _IMAGE, archives, store)

    code = [Path(__file__), Path(toolchain.__file__)]
    try:
        with toolchain.disk_full_is_a_failed_build():
            image = store.build("image", inputs, make, code, "build") / _IMAGE
    except BuildFailed as failure:
        raise _too_large(failure, staged.variant_id) or failure from None

    sections = elf.section_sizes(image)
    flash_bytes, ram_bytes = elf.flash_and_ram(sections)
    return Firmware(
        variant_id=staged.variant_id,
        engine=staged.engine,
        kernels=staged.sources.kernels,
        build_id=staged.build_id,
        model_sha256=staged.model_sha256,
        image=image,
        flash_bytes=flash_bytes,
        ram_bytes=ram_bytes,
        arena_bytes=staged.sources.arena_bytes,
        sections=sections,
        optimization=optimization,
        toolchain=compiler.version,
        recognizer=staged.recognizer,
        portable=staged.sources.portable,
        footprint=staged.sources.footprint,
    )


def _compiled(library: ArduinoLibrary, compiler: Tool, flags: list[str], store: Store) -> Path:
    """Return a library's archive, compiled once for the same sources, flags and compiler."""
    languages = {
        suffix: (*_COMMON_FLAGS, *own, *flags, *_LIBRARY_FLAGS)
        for suffix, own in ((".c", _C_FLAGS), (".cpp", _CPP_FLAGS), (".cc", _CPP_FLAGS), (".S", ()))
    }
    inputs = {"library": library.fingerprint, "flags": languages, "compiler": compiler.version}

    def make(folder: Path) -> None:
        archive(library, compiler, languages, folder)

    code = [Path(arduino_library.__file__)]
    return store.build("library", inputs, make, code, f"compile {library.name}") / ARCHIVE


def _too_large(failure: BuildFailed, variant_id: str) -> DoesNotFit | None:
    """Return the failure of an image that exceeds the board's memory; None for another failure."""
    match = re.search(r"region `(FLASH|RAM)' overflowed by (\d+) bytes", failure.where)
    if not match:
        return None
    limit = {"FLASH": elf.FLASH_LIMIT_BYTES, "RAM": elf.RAM_LIMIT_BYTES}[match[1]]
    return DoesNotFit(match[1].lower(), limit + int(match[2]), limit, where=variant_id)


def build_image(
    compiler: Tool,
    sketch: Path,
    flags: list[str],
    image: Path,
    archives: Sequence[tuple[Path, ArduinoLibrary]] = (),
    store: Store | None = None,
) -> None:
    """Compile and link a sketch folder and the core.

    Args:
        compiler: the cross compiler.
        sketch: folder of .ino, .cpp and .S files, with libraries in the folder `src`.
        flags: flags of all sources beyond the standard ones.
        image: the ELF file to write.
        archives: compiled libraries that the sketch includes: each library's archive file and its sources.
        store: keeps the objects of the core and of `src`, which most sketches have in common.

    Raises:
        BuildFailed: errors in the sources.
    """
    with tempfile.TemporaryDirectory(dir=image.parent, prefix="objects-") as scratch:
        objects = Path(scratch)
        places = [
            f"-I{CORE}",
            *(f"-isystem{library.source_root}" for _, library in archives),
            f"-ffile-prefix-map={sketch}=.",
            f"-ffile-prefix-map={CORE}=core",
        ]

        def compile_all(jobs: Sequence[tuple[Path, Path]], options: Sequence[str], folder: Path) -> None:
            def compile_one(source: Path, target: Path) -> None:
                language = ["-x", "c++", "-include", "Arduino.h"] if source.suffix == ".ino" else []
                (folder / target).parent.mkdir(parents=True, exist_ok=True)
                files = ["-c", str(source), "-o", str(target)]
                run_tool(compiler, [*_COMPILE_FLAGS, *flags, *options, *places, *language, *files], folder)

            with ThreadPoolExecutor(_JOBS) as pool:
                list(pool.map(lambda job: compile_one(*job), jobs))

        jobs = own = _sources_and_objects(sketch)
        for sources, target in ((CORE, "core"), (sketch / "src", "sketch/src")):
            common = [job for job in own if job[0].is_relative_to(sources)]
            if store is None or not common:
                continue
            own = [job for job in own if job not in common]
            inputs = {
                "sources": sources,
                "core": CORE,
                "flags": [*_COMPILE_FLAGS, *flags],
                "compiler": compiler.version,
                "libraries": [library.fingerprint for _, library in archives],
            }
            make, code = partial(compile_all, common, ()), [Path(__file__), Path(toolchain.__file__)]
            kept = store.build("objects", inputs, make, code, f"compile {sources.name}", shared=False)
            (objects / target).parent.mkdir(exist_ok=True)
            (objects / target).symlink_to(kept / target)  # the linker script knows objects by these names
        compile_all(own, [f"-I{sketch}"], objects)
        parts = [*(target for _, target in jobs), *(file for file, _ in archives)]
        run_tool(
            compiler,
            [*_LINK_FLAGS, f"-T{CORE / _LINKER_SCRIPT}", *parts, *_CPP_LIBRARY, "-o", image],
            objects,
        )


def _sources_and_objects(sketch: Path) -> list[tuple[Path, Path]]:
    """Return the files to compile, in a fixed order; the linker script relies on the folder `core`."""
    jobs = [(path, Path("core", f"{path.name}.o")) for path in sorted(CORE.glob("*.cpp"))]
    for pattern in ("*.ino", "*.cpp", "*.S"):
        jobs += [
            (path, Path("sketch", f"{path.relative_to(sketch)}.o")) for path in sorted(sketch.rglob(pattern))
        ]
    return jobs
