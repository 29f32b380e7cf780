"""What the stand-in for arduino-cli takes on its command line: the options of arduino-cli 1.x, no others."""

from __future__ import annotations

import argparse
import sys
from typing import Any, NoReturn

GENERIC = 1
"""Exit status of a failure that has no status of its own."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"Error: {message}", file=sys.stderr)
        sys.exit(GENERIC)


def parser() -> argparse.ArgumentParser:
    """Of a whole command line; `method` is the verb's method of the stand-in, `items` what has no option."""
    everywhere = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    everywhere.add_argument("--json", action="store_true", required=True)
    everywhere.add_argument("--no-color", action="store_true")
    everywhere.add_argument("--config-file")
    everywhere.add_argument("--additional-urls")
    top = _Parser(prog="arduino-cli", allow_abbrev=False)
    verbs = top.add_subparsers(dest="verb", required=True)

    def verb(parent: Any, name: str, method: str) -> argparse.ArgumentParser:
        added = parent.add_parser(name, parents=[everywhere], allow_abbrev=False)
        added.set_defaults(method=method)
        return added

    def group(name: str) -> Any:
        return verbs.add_parser(name, allow_abbrev=False).add_subparsers(dest="part", required=True)

    verb(verbs, "version", "version")
    verb(group("board"), "list", "board_list").add_argument("--discovery-timeout")
    for name, listing, installing in (
        ("core", "core_list", "core_install"),
        ("lib", "lib_list", "lib_install"),
    ):
        parts = group(name)
        verb(parts, "list", listing).add_argument("--all", action="store_true")
        install = verb(parts, "install", installing)
        install.add_argument("items", nargs="+")
        for option in ("--skip-post-install", "--no-overwrite", "--no-deps"):
            install.add_argument(option, action="store_true")
    compiling = verb(verbs, "compile", "compile")
    compiling.add_argument("items", nargs=1)
    for options in (
        ("-b", "--fqbn"),
        ("--build-path",),
        ("--output-dir",),
        ("--warnings",),
        ("-j", "--jobs"),
    ):
        compiling.add_argument(*options)
    for option in ("--build-property", "--libraries", "--library"):
        compiling.add_argument(option, action="append", default=[])
    for option in ("--clean", "--quiet", "-v", "--verbose"):
        compiling.add_argument(option, action="store_true")
    uploading = verb(verbs, "upload", "upload")
    for options in (
        ("-b", "--fqbn"),
        ("-p", "--port"),
        ("-l", "--protocol"),
        ("--input-dir",),
        ("--input-file",),
    ):
        uploading.add_argument(*options)
    uploading.add_argument("items", nargs="?")
    return top
