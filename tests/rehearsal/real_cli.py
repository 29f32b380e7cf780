"""A real arduino-cli in the place of the stand-in, where this machine has one; the stand-in has the faults.

    python -m rehearsal.real_cli STATE_FOLDER ARDUINO_CLI DATA_FOLDER <arguments>

It is offline, and sees nothing of the user's: the emulated platform is served as the core of the real board.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from cli_answers import CORE, CORE_VERSION

STAND_IN = "stand-in"
"""A file of this name in the state folder has the stand-in answer all calls."""

_FINDS_NOTHING = '#!/bin/sh\nEARSHOT_EMULATED=/nowhere exec python3 -IS "{tools}/board.py" discovery\n'


def find_real() -> str | None:
    """Return the path of the real arduino-cli of this machine."""
    return shutil.which(os.environ.get("EARSHOT_ARDUINO_CLI", "").strip() or "arduino-cli")


def serve_platform() -> tuple[Path, str]:
    """Return a data folder whose only core is the platform, and its version, by which images are cached."""
    from harness.firmware.arduino_platform import PLATFORM
    from harness.layout import store_root
    from models.store import Store

    store, inputs = Store(store_root()), {"platform": PLATFORM}
    version = f"{CORE_VERSION}-e{store.path_of('rehearsal-arduino', inputs).name[:8]}"

    def make(folder: Path) -> None:
        packager, architecture = CORE.split(":")
        shutil.copytree(PLATFORM, folder / "packages" / packager / "hardware" / architecture / version)
        _need_no_network(folder)

    return store.build("rehearsal-arduino", inputs, make, [Path(__file__)]), version


def offline(folder: Path) -> dict[str, str]:
    """Return the environment of a real arduino-cli that sees a folder only, without any core.

    The sketchbook is `Arduino` there.
    """
    for name in ("data", "Arduino"):
        (folder / name).mkdir(parents=True)
    _need_no_network(folder / "data")
    return os.environ | {
        "ARDUINO_DIRECTORIES_DATA": str(folder / "data"),
        "ARDUINO_DIRECTORIES_USER": str(folder / "Arduino"),
        "ARDUINO_DIRECTORIES_DOWNLOADS": str(folder / "staging"),
        "ARDUINO_BUILD_CACHE_PATH": str(folder / "cache"),
        "ARDUINO_NETWORK_PROXY": "http://127.0.0.1:9",  # nobody answers there
    }


def _need_no_network(data: Path) -> None:
    """Fill a data folder such that arduino-cli downloads nothing, and warns of nothing."""
    from harness.firmware.arduino_platform import PLATFORM

    for name in ("serial-discovery", "mdns-discovery"):  # which find nothing
        tool = data / "packages" / "builtin" / "tools" / name / "1.0.0" / name
        tool.parent.mkdir(parents=True)
        tool.write_text(_FINDS_NOTHING.format(tools=PLATFORM / "tools"))
        tool.chmod(0o755)
    (data / "package_index.json").write_text('{"packages": []}')
    (data / "library_index.json").write_text('{"libraries": []}')


def main(state: Path, program: str, data: Path, call: list[str]) -> int:
    """Answer one call: by the stand-in if something is to go wrong, otherwise by the real arduino-cli."""
    if (state / STAND_IN).exists() or (state / "faults" / call[0]).exists():
        from rehearsal import stand_in

        return stand_in.main(state, call)
    with (state / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps(call) + "\n")
    environment = os.environ | {
        "ARDUINO_DIRECTORIES_DATA": str(data),
        "ARDUINO_DIRECTORIES_USER": str(data / "user"),
        "ARDUINO_DIRECTORIES_DOWNLOADS": str(data / "staging"),
        "EARSHOT_EMULATED": str(state.parent),
    }
    os.execve(program, [program, *call], environment)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4:]))
