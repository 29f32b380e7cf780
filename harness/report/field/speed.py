"""How fast each variant was while it listened, and what that cost it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from harness.records.field_record import FieldVariant
from harness.report import format as figures
from harness.report.field.accuracy import keywords_of
from harness.report.field.shown import audio_lost, milliseconds
from harness.report.table import Column, Table, frame
from harness.report.variants import STAGES
from harness.stats.field.rates import delay

_FALLS_BEHIND = 0.98
"""× real time. A board that is always busy and loses nothing reads up to a hundredth below 1: what it does
between two hops is counted as busy, and the last hop is not whole."""


def latency_table(variants: Sequence[FieldVariant], clock: str) -> Table:
    """Period, stages, real-time factor and losses, with what the recognizer would hear at a better period.

    Args:
        variants: of one route.
        clock: what the board's times are: "modeled", "instructions" or "measured".
    """
    rows = [_row(variant) for variant in variants if variant.timing]
    return Table(
        name="latency",
        title="Speed while it listened",
        frame=frame(
            "variant realtime_factor period_ms_median period_ms_p95 period_ms_max preprocess_us inference_us "
            "postprocess_us inferences overruns samples_lost lost_s replay_period_ms correct total "
            "replay_correct replay_total won lost",
            rows,
        ),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("× real time", ["realtime_factor"], figures.times),
            Column("median", ["period_ms_median"], milliseconds, group="From inference to inference"),
            Column("95 % within", ["period_ms_p95"], milliseconds, group="From inference to inference"),
            Column("longest", ["period_ms_max"], milliseconds, group="From inference to inference"),
            *(Column(stage, [f"{stage}_us"], figures.duration, group="Median") for stage in STAGES),
            Column("Overruns", ["overruns"], figures.count),
            Column("Audio lost", ["lost_s"], audio_lost),
            Column("as it is", ["correct", "total"], figures.of, group="Words right"),
            Column(
                "with every slice",
                ["replay_correct", "replay_total"],
                figures.of,
                group="Words right",
                optional=True,
            ),
        ],
        note=(
            f"Times are {clock}. Real time: seconds of audio worked through in a second of the board's busy "
            "time. Near 1 it never rests, and infers as often as it can; well below 1 it loses audio."
            f"{_replay_note(variants)}"
        ),
        tones=["bad" if _cannot_keep_up(variant) else "" for variant in variants if variant.timing],
    )


def delays_table(variants: Sequence[FieldVariant]) -> Table:
    """When keywords are announced, after their end."""
    rows = [
        {"variant": variant.title} | asdict(found)
        for variant in variants
        if (found := delay(keywords_of(variant)))
    ]
    return Table(
        name="delays",
        title="Delay after the end of the word",
        frame=frame("variant n minimum p5 median p95 maximum before_end", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Keywords heard right", ["n"], figures.count),
            Column("Soonest", ["minimum"], figures.seconds),
            Column("5 % within", ["p5"], figures.seconds),
            Column("Median", ["median"], figures.seconds),
            Column("95 % within", ["p95"], figures.seconds),
            Column("Latest", ["maximum"], figures.seconds),
            Column("Before the word's end", ["before_end", "n"], figures.of),
        ],
        note="Seconds of audio; negative is before the end of the word.",
    )


def latency_sentences(variants: Sequence[FieldVariant]) -> list[str]:
    """For each variant that pays for being slow: what it pays; for all others that they do not."""
    timed = [variant for variant in variants if variant.timing]
    slow = [sentence for variant in timed if (sentence := too_slow(variant))]
    if timed and not slow and all(variant.replay for variant in timed):
        slow.append("No word was missed only because a variant is too slow.")
    return slow


def too_slow(variant: FieldVariant) -> str:
    """That a variant misses words only because it is too slow; "" if it does not, or nobody knows."""
    late = sum(row.cause == "latency" and row.counts for row in variant.stimuli)
    if not late or not variant.timing or not variant.replay:
        return ""
    words = "1 word" if late == 1 else f"{figures.count(late)} words"
    lost = variant.timing.samples_lost
    losing = f", and lost {figures.duration(1e6 * lost / 16_000)} of audio" if lost else ""
    return (
        f"{variant.title} misses {words} only because it is too slow: with an inference every "
        f"{milliseconds(variant.replay.period_ms)} it would hear {'it' if late == 1 else 'them'}; it makes "
        f"one every {milliseconds(variant.timing.period_ms_median)}{losing}."
    )


def _row(variant: FieldVariant) -> dict[str, Any]:
    timing, replay = variant.timing, variant.replay
    assert timing
    counted = [row.correct for row in variant.stimuli if row.counts]
    row = {
        "variant": variant.title,
        "realtime_factor": timing.realtime_factor,
        "period_ms_median": timing.period_ms_median,
        "period_ms_p95": timing.period_ms_p95,
        "period_ms_max": timing.period_ms_max,
        "inferences": timing.inferences,
        "overruns": timing.overruns,
        "samples_lost": timing.samples_lost,
        "lost_s": timing.samples_lost / 16_000,
        "correct": sum(counted),
        "total": len(counted),
    } | {f"{stage}_us": timing.stage_us.get(stage) for stage in STAGES}
    if replay:
        row |= {"replay_period_ms": replay.period_ms, "won": len(replay.won), "lost": len(replay.lost)}
        row |= {"replay_correct": replay.correct, "replay_total": replay.total}
    return row


def _cannot_keep_up(variant: FieldVariant) -> bool:
    timing = variant.timing
    return bool(timing and (timing.samples_lost or (timing.realtime_factor or 1) < _FALLS_BEHIND))


def _replay_note(variants: Sequence[FieldVariant]) -> str:
    """What the replay is, where there is one: the host needs the very sound that the board heard."""
    period_ms = next((one.replay.period_ms for one in variants if one.replay), None)
    if period_ms is None:
        return ""
    return (
        " With every slice: what the recognizer would have made of the host's scores, had the board had "
        f"time for an inference every {milliseconds(period_ms)}."
    )
