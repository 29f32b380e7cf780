"""The flash tool of the stand-in, as bossac is arduino-cli's: it opens the port, and writes to the board.

python -m rehearsal.flash_tool STATE_FOLDER PORT IMAGE
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import serial

from harness.boards.plugged.control import ask


def main(state: Path, port: str, image: str) -> str | None:
    """Upload; return a failure in a sentence."""
    try:
        serial.Serial(port, 1200, exclusive=True).close()
    except (OSError, serial.SerialException) as problem:
        return f"No device found on {Path(port).name}: {problem}"
    returns = ask(state, do="upload", image=image)["returns"]
    while ask(state, do="state")["port"] is None and returns:
        time.sleep(0.02)
    print("Device       : nRF52840-QIAA")
    return None


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
