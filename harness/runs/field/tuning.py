"""Tuning of recognizers to the logs of field runs: what can be told from a log, and what to do otherwise."""

from __future__ import annotations

from dataclasses import replace

from harness import format as fmt
from harness.errors import UsageError
from harness.recognizer import DEFAULT, Recognizer
from harness.records.field_record import FieldVariant, TuningRow
from harness.stats.tuning.choice import Tuning, tune
from harness.stats.tuning.limits import Limits, least_rate
from harness.stats.tuning.log import Log
from models import progress


def tune_log(variant: FieldVariant, log: Log, limits: Limits, present: Recognizer = DEFAULT) -> Tuning:
    """Tune a variant; see `harness.stats.tuning.choice.tune`.

    Raises:
        UsageError: no keyword was played, there is too little keyword-free audio, or nothing is detected
            within the limits.
    """
    hours = log.total_hours
    if not log.words.keywords:
        raise UsageError(
            "no keyword was played",
            where=variant.id,
            remedy="Play recordings of its keywords with `earshot field --recordings FOLDER`.",
        )
    if not hours:
        raise UsageError(
            "no keyword-free audio was played, so false accepts cannot be counted",
            where=variant.id,
            remedy="Play some with `earshot field --keyword-free`.",
        )
    if limits.most_false(hours) is None:
        per_hour = limits.per_hour or 0.0
        needed = f"{fmt.audio_time(3 / per_hour)} without one" if per_hour else "more audio than anybody has"
        raise UsageError(
            f"{fmt.audio_time(hours)} of keyword-free audio cannot show at most {per_hour:g} false "
            f"{'accept' if per_hour == 1 else 'accepts'} per hour: that takes {needed}",
            where=variant.id,
            remedy=f"Play more with `earshot field --keyword-free`, or allow {least_rate(0, hours):g}/h.",
        )
    with progress.about(variant.id), progress.task("tune"):
        found = tune(log, limits, present)
    if found.chosen.point.misses == log.words.keywords:
        wider = found.wider_options
        raise UsageError(
            "no parameters detect any keyword within the limits",
            where=variant.id,
            remedy=f"Give {wider}, or train a better model." if wider else "Train a better model.",
        )
    return found


def tuning_row(variant: FieldVariant, log: Log, present: Recognizer) -> TuningRow:
    """Return what tuning to a log brings over the present recognizer, without a false accept in the log."""
    try:
        tuning = tune_log(variant, log, Limits(), present)
    except UsageError as problem:
        return TuningRow(reason=problem.what)
    row = TuningRow(tuning.chosen.recognizer, speakers=tuning.speakers)
    if (held := tuning.held_out) is None:
        return replace(row, reason="some keyword has too few named speakers to hold half of them out")
    return replace(row, tuned=held.tuned, present=held.default, gain=held.gain)
