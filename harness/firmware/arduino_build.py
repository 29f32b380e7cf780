"""Compilation of a staged sketch by arduino-cli; the same inputs give the same image, once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from harness.arduino_cli.answers import Core, Library
from harness.arduino_cli.cli import ArduinoCli
from harness.errors import BuildFailed, DoesNotFit
from harness.firmware import toolchain
from harness.firmware.firmware import Firmware
from harness.firmware.stage import SKETCH_NAME, StagedSketch
from models.store import Store

_FACTS = "compiled.json"
_BUILDING = "arduino-build.lock"


@dataclass(frozen=True)
class Target:
    """A kind of board, and the core and flags to compile with.

    Attributes:
        fqbn: the board, such as "arduino:mbed_nano:nano33ble".
        core: required id and version, "arduino:mbed_nano@4.6.0"; "" takes any version.
        known_core: id and version that the board is known to work with, to install if there is none.
        optimization: compiler flags of sketch and core, separated by spaces; they follow the core's own.
    """

    fqbn: str
    core: str
    known_core: str
    optimization: str

    @property
    def properties(self) -> dict[str, str]:
        """Build properties that override the core's; C++14 stays, since the core compiles in no other."""
        return {
            "compiler.c.extra_flags": self.optimization,
            "compiler.cpp.extra_flags": self.optimization,
        }


@dataclass(frozen=True)
class _Facts:
    image: str
    text_bytes: int
    data_bytes: int
    toolchain: str


def build_cache(store: Store, target: Target) -> Path:
    """Return the folder of cores that arduino-cli compiled with a target's flags.

    arduino-cli identifies a compiled core by fqbn and folder (internal/arduino/builder/core.go), without the
    flags: in a shared folder an image would depend on the flags of the first compilation.
    """
    return store.path_of("arduino-cores", target.properties)


def compile_sketch(staged: StagedSketch, cli: ArduinoCli, target: Target, store: Store) -> Firmware:
    """Compile a staged sketch, whose folder is not needed afterwards; `cli` has the target's `build_cache`.

    arduino-cli chooses the folder of objects by the sketch's path, so each sketch is compiled at a path of
    its own in the store. One sketch compiles at a time, on all processors: the first one compiles the core
    for all.

    Raises:
        BuildFailed: arduino-cli, the core or a library is missing or of another version, or errors in the
            sources.
        DoesNotFit: the image is larger than the board.
    """
    core = installed_core(cli, target)
    inputs = {
        "sketch": staged.path,
        "fqbn": target.fqbn,
        "core": [core.id, core.version],
        "arduino-cli": cli.version(),
        "properties": target.properties,
    }

    def make(folder: Path) -> None:
        sketch = _copy_to_own_path(staged, store)
        library_folders = sorted({library.folder.parent for library in staged.sources.libraries})
        with FileLock(store.root / _BUILDING):
            compiled = cli.compile(sketch, target.fqbn, folder, target.properties, library_folders)
        _check_libraries(staged, compiled.used_libraries)
        facts = _Facts(compiled.image.name, compiled.text_bytes, compiled.data_bytes, compiled.toolchain)
        (folder / _FACTS).write_text(json.dumps(asdict(facts), indent=1))

    try:
        with toolchain.disk_full_is_a_failed_build():
            folder = store.build("arduino", inputs, make, [Path(__file__)], "build")
            facts = _Facts(**json.loads((folder / _FACTS).read_text()))
    except DoesNotFit as failure:
        raise DoesNotFit(
            failure.section, failure.needed_bytes, failure.available_bytes, where=staged.variant_id
        ) from failure
    return Firmware(
        variant_id=staged.variant_id,
        engine=staged.engine,
        kernels=staged.sources.kernels,
        build_id=staged.build_id,
        model_sha256=staged.model_sha256,
        image=folder / facts.image,
        flash_bytes=facts.text_bytes,
        ram_bytes=facts.data_bytes,
        arena_bytes=staged.sources.arena_bytes,
        sections={"text": facts.text_bytes, "data": facts.data_bytes},
        optimization=target.optimization,
        toolchain=f"{facts.toolchain}, {core.id} {core.version}",
        recognizer=staged.recognizer,
        portable=staged.sources.portable,
        footprint=staged.sources.footprint,
    )


def installed_core(cli: ArduinoCli, target: Target) -> Core:
    """Return the installed core of a target; raises BuildFailed if it is missing or of another version."""
    core_id = ":".join(target.fqbn.split(":")[:2])
    wanted_id, _, wanted_version = (target.core or target.known_core).partition("@")
    if wanted_id != core_id:
        raise BuildFailed(
            f"the bench file asks for the core {target.core}, the board belongs to {core_id}",
            where=target.fqbn,
            remedy=f'Correct its entry, such as core = "{target.known_core}".',
        )
    install = f"{cli.command} core update-index && {cli.command} core install {wanted_id}@{wanted_version}"
    remedy = f"Install it: {install}"
    found = next((core for core in cli.cores() if core.id == core_id), None)
    if found is None:
        raise BuildFailed(f"the core {core_id} is not installed", where=target.fqbn, remedy=remedy)
    if target.core and found.version != wanted_version:
        raise BuildFailed(
            f"the core {core_id} is installed in version {found.version}, "
            f"the bench file asks for {wanted_version}",
            where=target.fqbn,
            remedy=f"{remedy}; or write {found.version} into the bench file.",
        )
    return found


def _check_libraries(staged: StagedSketch, used: Sequence[Library]) -> None:
    """Refuse an image with other libraries than staged: arduino-cli finds libraries by header names."""
    found = [f"{library.name}@{library.version}" for library in used]
    missing = [str(library) for library in staged.sources.libraries if str(library) not in found]
    if found and missing:
        raise BuildFailed(
            f"arduino-cli did not compile with {', '.join(missing)}",
            where=f"{staged.variant_id}: {', '.join(found)}",
            remedy="Remove another library with the same header, or pin that one in the bench file.",
        )


def _copy_to_own_path(staged: StagedSketch, store: Store) -> Path:
    """Copy the sketch into the store, at a path that no other sketch has."""

    def make(folder: Path) -> None:
        shutil.copytree(staged.path, folder / SKETCH_NAME)

    return store.build("sketch", {"sketch": staged.path}, make, shared=False) / SKETCH_NAME
