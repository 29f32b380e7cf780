"""The whole rehearsal again and again: two variants hear twenty keywords through the air.

    PYTHONPATH=tests .venv/bin/python -m rehearsal.rounds 10

A round takes some three minutes and prints a line. It ends with status 1 at the first round in which a
keyword is not accounted for.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulse import null_sink
from rehearsal.bench import RehearsalBench, rehearsal_bench

from harness.layout import RECORDINGS

KEYWORDS = 20
TWO_VARIANTS = "tinyconv-[fi]*"  # float32 and int8
_ROUND_S = 900.0


@dataclass(frozen=True)
class Account:
    """What became of the keywords of a row.

    Attributes:
        keywords: words with a row, each once.
        heard: of them, with their own label.
        wrong: with another label.
        missed: with none.
    """

    keywords: int
    heard: int
    wrong: int
    missed: int


def account(row: dict[str, Any]) -> Account:
    """Counts the keywords of a variant's row."""
    words = [word for word in row["stimuli"] if word["label"] in ("yes", "no")]
    return Account(
        keywords=len({word["source"] for word in words}),
        heard=sum(word["detected"] == word["label"] for word in words),
        wrong=sum(word["detected"] not in (None, word["label"]) for word in words),
        missed=sum(word["detected"] is None for word in words),
    )


def twenty_keywords(bench: RehearsalBench) -> Path:
    """A folder with the keywords of the default recordings alone."""
    words = [
        str(path.relative_to(RECORDINGS)) for word in ("yes", "no") for path in (RECORDINGS / word).iterdir()
    ]
    assert len(words) == KEYWORDS
    return bench.keywords(*words)


def rehearse() -> tuple[bool, str]:
    """One round: whether every keyword is accounted for, and a line about it."""
    started = time.monotonic()
    with null_sink() as sink, rehearsal_bench(sink) as bench:
        bench.write_bench_file(recordings=twenty_keywords(bench))
        run = bench.run(variants=TWO_VARIANTS, timeout=_ROUND_S)
        rows = run.rows if run.folder else []
        accounts = [account(row) for row in rows]
        parts = [
            f"{row['id']}: {each.heard} heard, {each.wrong} wrong, {each.missed} missed of {each.keywords}"
            for row, each in zip(rows, accounts, strict=True)
        ]
        told = [message for _, message in run.faults()] if rows else [run.told[-300:]]
        whole = (
            run.status == 0
            and len(rows) == 2
            and all(each.keywords == KEYWORDS == each.heard + each.wrong + each.missed for each in accounts)
        )
    line = "; ".join([*parts, *told, f"{time.monotonic() - started:.0f} s"])
    return whole, line


def main(rounds: int) -> int:
    """Rehearses so many times; 0 if every keyword of every round is accounted for."""
    for number in range(1, rounds + 1):
        whole, line = rehearse()
        print(f"round {number}: {line}", flush=True)
        if not whole:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
