"""`earshot doctor`: what is installed, what is missing, how to get it."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from harness import options
from harness.errors import EXIT_BROKEN, EXIT_CLEAN

SUMMARY = "Tell what is installed, what is missing and how to get it."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `doctor` takes."""
    options.add_bench(parser)
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    from harness.bench_file import find_bench
    from harness.doctor import as_text, examine, ready_for

    bench = find_bench(arguments.bench)
    findings = examine(bench)
    if arguments.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        print(as_text(findings, ready_for(bench)))
    return EXIT_CLEAN if all(finding.present for finding in findings if finding.required) else EXIT_BROKEN
