"""A staged sketch compiled by arduino-cli for a real board; the same inputs give the same image, once."""

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
    """What arduino-cli compiles for, and with what.

    Attributes:
        fqbn: the board, such as "arduino:mbed_nano:nano33ble".
        core: id and version that have to be installed, "arduino:mbed_nano@4.6.0"; "" takes any version.
        known_core: id and version that the board is known to work with, for who has none installed.
        optimization: compiler flags of sketch and core, separated by blanks; they follow the core's own.
    """

    fqbn: str
    core: str
    known_core: str
    optimization: str

    @property
    def properties(self) -> dict[str, str]:
        """Build properties that override those of the core; C++14 stays: the core compiles in no other."""
        return {
            "compiler.c.extra_flags": self.optimization,
            "compiler.cpp.extra_flags": self.optimization,
        }


@dataclass(frozen=True)
class _Facts:
    """What is kept beside an image of the answer that came with it."""

    image: str
    text_bytes: int
    data_bytes: int
    toolchain: str


def build_cache(store: Store, target: Target) -> Path:
    """Where arduino-cli keeps the cores that it compiled with a target's flags.

    It knows a compiled core by fqbn and folder (internal/arduino/builder/core.go), whatever the flags. Those
    of other flags need a folder of their own, or an image would depend on who compiled first.
    """
    return store.path_of("arduino-cores", target.properties)


def compile_sketch(staged: StagedSketch, cli: ArduinoCli, target: Target, store: Store) -> Firmware:
    """Compiles a staged sketch.

    arduino-cli chooses the folder of the objects by the sketch's path, so that each sketch is compiled at a
    path of its own in the store; only then it takes a core that it compiled before. One compiles at a time,
    on all processors: the first one makes the core that the others take.

    Args:
        staged: the sketch with model and engine; its folder may be gone afterwards. Which libraries it was
            staged for stands in its sources, and with them in what the image is known by.
        cli: what compiles; with the target's `build_cache`.
        target: for which board.
        store: where sketch and image are kept.

    Raises:
        BuildFailed: arduino-cli, the core or a library is missing or of another version, or errors in the
            sources.
        DoesNotFit: larger than the board.
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
        sketch = _at_its_own_path(staged, store)
        library_folders = sorted({library.folder.parent for library in staged.sources.libraries})
        with FileLock(store.root / _BUILDING):
            compiled = cli.compile(sketch, target.fqbn, folder, target.properties, library_folders)
        _check_libraries(staged, compiled.used_libraries)
        facts = _Facts(compiled.image.name, compiled.text_bytes, compiled.data_bytes, compiled.toolchain)
        (folder / _FACTS).write_text(json.dumps(asdict(facts), indent=1))

    try:
        with toolchain.disk_full_is_a_failed_build():
            folder = store.build("arduino", inputs, make, code=[Path(__file__)])
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
    )


def installed_core(cli: ArduinoCli, target: Target) -> Core:
    """The installed core of a target, in the version that it asks for.

    Raises:
        BuildFailed: it is not installed, or in another version; the remedy is the command that installs it.
    """
    core_id = ":".join(target.fqbn.split(":")[:2])
    wanted_id, _, wanted_version = (target.core or target.known_core).partition("@")
    if wanted_id != core_id:
        raise BuildFailed(
            f"the bench file asks for the core {target.core}, the board is one of {core_id}",
            where=target.fqbn,
            remedy=f'Correct its entry, such as core = "{target.known_core}".',
        )
    remedy = f"Install it: {cli.command} core install {wanted_id}@{wanted_version}"
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
    """Makes sure that a sketch got the libraries it was staged for: arduino-cli looks for headers' names.

    Raises:
        BuildFailed: another library or version was compiled in.
    """
    found = [f"{library.name}@{library.version}" for library in used]
    missing = [str(library) for library in staged.sources.libraries if str(library) not in found]
    if found and missing:
        raise BuildFailed(
            f"arduino-cli compiled with other libraries than {', '.join(missing)}",
            where=f"{staged.variant_id}: {', '.join(found)}",
            remedy="Remove the other library that has the same header, or pin that one in the bench file.",
        )


def _at_its_own_path(staged: StagedSketch, store: Store) -> Path:
    """The sketch in the store, at a path that no other sketch ever has."""

    def make(folder: Path) -> None:
        shutil.copytree(staged.path, folder / SKETCH_NAME)

    return store.build("sketch", {"sketch": staged.path}, make) / SKETCH_NAME
