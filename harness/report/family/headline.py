"""What a comparison came to, in a few sentences."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report import format as figures
from harness.report.family.comparison import pareto_front
from harness.report.family.entries import Entry, float32_of

_CLOSE = 0.02
"""Accuracy that a variant may lose against float32 and still be named beside it: two points."""


def headline(entries: Sequence[Entry]) -> list[str]:
    """The sentences: what is on the front, the fastest that is as good as float32, the gaps."""
    front = pareto_front(entries)
    measured = sum(entry.inference_us is not None for entry in entries)
    if not front:
        return [f"{len(entries)} variants, none of them measured on a board."]
    sentences = []
    if len(front) == 1:
        sentences.append(f"{front[0].title} is the fastest and the most accurate of {measured} variants.")
    else:
        sentences.append(
            f"{len(front)} of {measured} variants are worth a choice: from {_facts(front[0])} to "
            f"{_facts(front[-1])}."
        )
    sentences += _close_to_float32(entries)
    if gaps := sum(bool(entry.gap) for entry in entries):
        sentences.append(f"Without figures of a board: {gaps}.")
    return sentences


def front_list(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    """The front, the fastest first: title, and what it takes and brings."""
    return [
        (
            entry.title,
            ", ".join(
                [
                    f"{figures.duration(entry.inference_us)} an inference",
                    f"{figures.share(entry.accuracy)} right",
                    *(f"{figures.count(bytes_)} bytes of {what}" for what, bytes_ in _memory(entry).items()),
                ]
            ),
        )
        for entry in pareto_front(entries)
    ]


def _memory(entry: Entry) -> dict[str, int]:
    firmware = entry.variant.firmware
    return {"flash": firmware.flash_bytes, "RAM": firmware.ram_bytes} if firmware else {}


def _facts(entry: Entry) -> str:
    title = entry.title.replace(" %", "\u00a0%")
    return f"{title} ({figures.duration(entry.inference_us)}, {figures.share(entry.accuracy)})"


def _close_to_float32(entries: Sequence[Entry]) -> list[str]:
    """For every network the fastest variant that loses no more than two points to float32."""
    sentences = []
    for reference in (entry for entry in entries if entry.kind == "float32" and entry.trusted):
        if reference.accuracy is None or reference.inference_us is None:
            continue
        close = [
            entry
            for entry in entries
            if entry.trusted
            and entry.inference_us is not None
            and entry.accuracy is not None
            and float32_of(entry, entries) is reference
            and entry.accuracy >= reference.accuracy - _CLOSE
        ]
        fastest = min(close, key=lambda entry: entry.inference_us or 0)
        if fastest is not reference:
            sentences.append(
                f"Within two points of {reference.title} ({figures.share(reference.accuracy)}) the fastest "
                f"is {_facts(fastest)}, "
                f"{figures.times(reference.inference_us / (fastest.inference_us or 1))} as fast."
            )
    return sentences
