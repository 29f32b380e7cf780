"""Child process of the recorder's tests: `earshot record` and `earshot play` without their command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from harness.sound import recorder


def main(verb: str, argument: str, device: str, seconds: str = "2") -> None:
    recorder._COUNTDOWN_S = 0
    lines: list[str] = []
    outcome: dict[str, object] = {"lines": lines}
    try:
        if verb == "record":
            outcome["files"] = list(
                map(str, recorder.record("yes", Path(argument), device, 1, float(seconds), lines.append))
            )
        else:
            recorder.play([Path(argument)], device, lines.append)
    except Exception as problem:
        outcome |= {"problem": type(problem).__name__, "message": str(problem)}
    print(json.dumps(outcome), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
