"""`earshot doctor`: what is installed, what is missing, how to get it."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from harness.errors import EXIT_BROKEN, EXIT_CLEAN

SUMMARY = "Tell what is installed, what is missing and how to get it."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `doctor` takes."""
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    from harness.doctor import as_text, examine

    findings = examine()
    if arguments.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        print(as_text(findings))
    return EXIT_CLEAN if all(finding.present for finding in findings if finding.required) else EXIT_BROKEN
