"""`earshot doctor`: list what is installed and what is missing."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from harness import options
from harness.errors import EXIT_BROKEN, EXIT_CLEAN

SUMMARY = "Check what is installed, and say how to get what is missing."


def add_options(parser: argparse.ArgumentParser) -> None:
    options.add_bench(parser)
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    from harness.bench_file import find_bench
    from harness.doctor import as_text, examine

    bench = find_bench(arguments.bench)
    findings = examine(bench)
    if arguments.json:
        print(json.dumps([{**asdict(item), "present": item.present} for item in findings], indent=1))
    else:
        print(as_text(findings, bench))
    return EXIT_CLEAN if all(finding.present for finding in findings if finding.required) else EXIT_BROKEN
