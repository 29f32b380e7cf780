"""The tables of a field run: thresholds, speed, causes, words, and everything that is not counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness import format as fmt
from harness.recognizer import Recognizer
from harness.records.field_record import DetPoint, FieldRecord, FieldVariant
from harness.records.record import STAGES, RunRecord
from harness.report.confusion import confusion_table
from harness.report.pages.field_rates import by_route, clip_rates_table, matrices, pairs_table, rate_tables
from harness.report.pages.run_tables import environment_table, faults_table, word_rows
from harness.report.pages.tuning import describe, never_detected
from harness.report.table import Column, Table
from harness.report.variants import time_is
from harness.stats.det import operating_point, used_point
from harness.stats.rates import accuracy, count_causes, rate
from harness.stats.statistics import poisson_interval

CAUSES = {
    "latency": "latency: detected when every slice is scored",
    "recognizer": "recognizer: a single score was above the threshold, the average was not",
    "front end": "front end: recognized by the host with a reset front end",
    "sound": "sound: recognized by the host in the clean recording only",
    "model": "model: not recognized in the clean recording either",
    "": "unknown: the host did not score the word",
}

LIMITS = {"at most 10 per hour": 10.0, "at most 1 per hour": 1.0, "at most 3 in 24 hours": 3 / 24}
"""Acceptable false accepts; the last is what Amazon asks of devices with its wake word."""

_FALLS_BEHIND = 0.98
"""× real time. A board that is always busy and loses nothing is up to a hundredth below 1: its work between
two hops counts as busy, and the last hop is incomplete."""
_LOSSES = ("samples_lost", "records_lost", "clipped_samples", "note")
_VARIANT = Column("variant", "Variant")


def field_tables(record: FieldRecord) -> dict[str, Table]:
    """Return all tables by name, in reading order; the names of a route's tables begin with the route."""
    tables = [faults_table(record.variants)]
    confused = "Words by their label and by the label detected for them; “none” is no detection."
    for route, variants in by_route(record):
        of_route = [
            *rate_tables(variants, record.conditions),
            confusion_table(matrices(variants), "Spoken", "Detected", confused),
            thresholds_table(variants, record.threshold),
            recognizer_table(variants),
            tuning_table(variants),
            det_table(variants),
            speed_table(variants, time_is(record.board)),
            causes_table(variants),
            pairs_table(variants),
            words_table(variants),
            reference_table(variants),
            segments_table(variants),
        ]
        tables += [replace(table, name=f"{route}-{table.name}") for table in of_route]
    tables.append(clip_rates_table([variant for variant in record.variants if variant.clips]))
    tables += [not_counted_table(record), notes_table(record), plan_table(record)]
    tables.append(environment_table(RunRecord(record.run, record.code, record.environment, record.board, [])))
    return {table.name: table for table in tables}


def thresholds_table(variants: Sequence[FieldVariant], threshold: int | None) -> Table:
    rows: list[dict[str, Any]] = []
    for variant in variants:
        if variant.det:
            used = _point(used_point(variant, threshold))
            limit = "threshold used"
            if threshold is None and variant.recognizer.thresholds:
                limit, used["threshold"] = "thresholds by label, as used", None
            rows.append({"variant": variant.title, "limit": limit} | used)
        for limit, allowed in LIMITS.items() if variant.det else ():
            found = operating_point(variant.det, allowed)
            row = {"variant": variant.title, "limit": limit, "limit_per_hour": allowed}
            rows.append(row | (_point(found) if found else {}))
    accepts = "False accepts without words"
    return Table(
        "thresholds",
        "Other thresholds",
        [
            _VARIANT,
            Column("limit", "False accepts allowed"),
            Column("limit_per_hour"),
            Column("threshold", "Threshold", fmt.count),
            Column("misses keywords", "Keywords missed", fmt.of),
            Column("miss_rate", "Share", fmt.share),
            Column("low high", "95 % interval", fmt.interval),
            Column("accepted_non_keywords non_keywords", "Non-keywords accepted", fmt.of),
            Column("false_accepts", "number", fmt.count, group=accepts),
            Column("hours", "in", fmt.audio_time, group=accepts),
            Column("per_hour_low per_hour_high", "per hour (95 %)", fmt.per_hour_interval, group=accepts),
        ],
        rows,
        "The threshold with the fewest misses among those within the limit, recomputed from the logged "
        "scores. A limit is kept for certain only if the upper end of the interval is within it too. A dash: "
        "no threshold has so few false accepts.",
        headed=True,
        tones=["" if "limit_per_hour" in row else "strong" for row in rows],
    )


def recognizer_table(variants: Sequence[FieldVariant]) -> Table:
    rows = [
        {
            "variant": variant.title,
            "front_end": variant.front_end,
            "limits": thresholds_text(variant.recognizer),
        }
        | vars(variant.recognizer)
        for variant in variants
    ]
    return Table(
        "recognizer",
        "Front end and recognizer on the board",
        [
            _VARIANT,
            Column("front_end", "Front end"),
            Column("smoothing", "Average"),
            Column("window_ms", "Window, or time constant", fmt.milliseconds),
            Column("fewest_results", "Fewest results", fmt.count),
            Column("threshold thresholds"),
            Column("limits", "Threshold"),
            Column("suppression_ms", "Suppression", fmt.milliseconds),
        ],
        rows,
        "“earshot tune” finds parameters that suit a model; the bench file holds them.",
    )


def tuning_table(variants: Sequence[FieldVariant]) -> Table:
    """Return what `earshot tune` would bring, on speakers that its search did not know."""
    rows: list[dict[str, Any]] = []
    for variant in variants:
        if (tuning := variant.tuning) is None:
            continue
        row: dict[str, Any] = {"variant": variant.title, "speakers": tuning.speakers or None}
        if tuning.recognizer:
            row["recognizer"] = describe(tuning.recognizer)
        for name, point in (("present", tuning.present), ("tuned", tuning.tuned)):
            if point:
                row |= {f"{name}_{key}": value for key, value in vars(point).items()}
                row[f"{name}_detected"] = point.keywords - point.misses
        if tuning.gain:
            row |= dict(zip(("gain", "low", "high"), tuning.gain, strict=True))
        remarks = [tuning.reason]
        if tuning.gain and tuning.gain[1] <= 0 <= tuning.gain[2]:
            remarks.append("not distinguishable from no gain")
        if tuning.recognizer and (lost := never_detected(tuning.recognizer)):
            remarks.append(f"never detects {', '.join(lost)}: “earshot tune” says why")
        row["reason"] = "; ".join(filter(None, remarks))
        rows.append(row)
    keywords, false, others, gain = "Keywords detected", "False accepts", "Other words accepted", "Gain"
    return Table(
        "tuning",
        "What tuning would bring",
        [
            _VARIANT,
            Column("present_detected present_keywords", "now", fmt.of, group=keywords),
            Column("tuned_detected tuned_keywords", "tuned", fmt.of, group=keywords),
            Column("gain", "points", fmt.points, group=gain),
            Column("low high", "95 % interval", fmt.points_interval, group=gain),
            Column("present_false_accepts", "now", fmt.count, group=false),
            Column("tuned_false_accepts", "tuned", fmt.count, group=false),
            Column("present_accepted_non_keywords present_non_keywords", "now", fmt.of, group=others),
            Column("tuned_accepted_non_keywords tuned_non_keywords", "tuned", fmt.of, group=others),
            Column("speakers", "Speakers", fmt.count),
            Column("recognizer", "Recognizer of the whole log"),
            Column("reason", "Note", optional=True),
        ],
        rows,
        "Each half of the speakers and of the audio is judged by parameters that were chosen on the other "
        "half: those have no false accept and at most 15 % of other words accepted there, and may have more "
        "here. The gain's interval is bootstrapped over speakers. “earshot tune” searches the same way, "
        "within other limits too.",
    )


def thresholds_text(recognizer: Recognizer) -> str:
    """Return the thresholds of a recognizer, such as "200, yes 215"."""
    own = (f"{label} {score}" for label, score in recognizer.thresholds.items())
    return ", ".join([str(recognizer.threshold), *own])


def _point(point: DetPoint) -> dict[str, Any]:
    missed = rate(point.misses, point.keywords)
    row = dict(vars(point))
    if point.hours:
        low, high = poisson_interval(point.false_accepts, point.hours)
        row |= {"per_hour_low": low, "per_hour_high": high}
    return row | ({"miss_rate": missed.value, "low": missed.low, "high": missed.high} if missed.total else {})


def det_table(variants: Sequence[FieldVariant]) -> Table:
    keys = "threshold misses keywords false_accepts hours accepted_non_keywords non_keywords"
    rows = [{"variant": variant.title} | vars(point) for variant in variants for point in variant.det]
    return Table("det", "Detection error trade-off", [Column(f"variant {keys}")], rows)


def speed_table(variants: Sequence[FieldVariant], clock: str) -> Table:
    rows, tones = [], []
    for variant in variants:
        if timing := variant.timing:
            found, replay = accuracy(variant.stimuli), variant.replay
            row = {"variant": variant.title, "correct": found.correct, "total": found.total} | vars(timing)
            row |= {f"{stage}_us": value for stage, value in timing.stage_us.items()}
            row |= {"replay_correct": replay.correct, "replay_total": replay.total} if replay else {}
            rows.append(row | {"lost_s": timing.lost_s})
            behind = timing.samples_lost or (timing.realtime_factor or 1) < _FALLS_BEHIND
            tones.append("bad" if behind else "")
    period, right = "From inference to inference", "Words right"
    return Table(
        "speed",
        "Speed while listening",
        [
            _VARIANT,
            Column("realtime_factor", "× real time", fmt.times),
            Column("period_ms_median", "median", fmt.milliseconds, group=period),
            Column("period_ms_p95", "95th percentile", fmt.milliseconds, group=period),
            Column("period_ms_max", "longest", fmt.milliseconds, group=period),
            *(Column(f"{stage}_us", stage, fmt.duration, group="Median") for stage in STAGES),
            Column("inferences samples_lost"),
            Column("overruns", "Overruns", fmt.count),
            Column("lost_s", "Audio lost", fmt.seconds),
            Column("correct total", "measured", fmt.of, group=right),
            Column("replay_correct replay_total", "every slice scored", fmt.of, optional=True, group=right),
        ],
        rows,
        f"Times are {clock}. × real time is seconds of audio per second of busy time: near 1 the board never "
        "rests and infers as often as it can; well below 1 it loses audio. Every slice scored: the "
        "recognizer's result if the board had time for an inference at each slice of features.",
        tones=tones,
    )


def causes_table(variants: Sequence[FieldVariant]) -> Table:
    rows = []
    for variant in variants:
        counts = count_causes(variant.stimuli)
        missed = sum(counts.values())
        for cause, words in counts.items():
            if missed and (cause or words):
                row = {"variant": variant.title, "cause": cause or "unknown", "text": CAUSES[cause]}
                rows.append(row | {"words": words, "missed": missed, "share": words / missed})
    return Table(
        "causes",
        "Missed keywords by cause",
        [
            _VARIANT,
            Column("cause"),
            Column("text", "Cause"),
            Column("words missed", "Words", fmt.of),
            Column("share", "Share", fmt.share, mark="bar"),
        ],
        rows,
        "The first cause that applies counts, from top to bottom. Confused keywords are included.",
        headed=True,
    )


def words_table(variants: Sequence[FieldVariant]) -> Table:
    rows = word_rows(variants)
    return Table(
        "words",
        "Word by word",
        [
            Column("segment", "Segment", fmt.count),
            Column("onset_s", "Played at", fmt.seconds),
            Column("word", "Word"),
            Column("source", "Recording"),
            Column("condition", "Condition"),
            _VARIANT,
            Column("label speaker end_s clip within_word"),
            Column(
                "correct excluded",
                "Right",
                lambda x, lost: fmt.yes(x) if not lost else "not counted",
                text=True,
            ),
            Column("detected", "Detected"),
            Column("score", "Score", fmt.count),
            Column("peak", "Highest single score", fmt.count),
            Column("detected_at_s", "Detected at", fmt.seconds),
            Column("delay_s", "Delay", fmt.seconds),
            Column("cause excluded", "Cause", lambda cause, excluded: excluded or cause or "", text=True),
        ],
        rows,
        "Times are seconds of audio in the segment; the score is the recognizer's average, of 255. The delay "
        "counts from the end of the word. A row without a word is a false accept.",
        groups=5,
        tones=["" if row["correct"] or row.get("excluded") else "bad" for row in rows],
    )


def not_counted_table(record: FieldRecord) -> Table:
    rows = list(record.excluded)
    for variant in record.variants:
        about = {"variant": variant.title, "route": variant.route}
        rows += [vars(one) | about | {"reason": one.excluded} for one in variant.stimuli if one.excluded]
    return Table(
        "not-counted",
        "Recordings not played, and words not counted",
        [
            Column("variant", "Variant", lambda title: title or "all", text=True),
            Column("route"),
            Column("source", "Recording"),
            Column("word", "Word", optional=True),
            Column("condition", "Condition", optional=True),
            Column("segment", "Segment", fmt.count, optional=True),
            Column("onset_s", "Played at", fmt.seconds, optional=True),
            Column("reason", "Reason"),
        ],
        rows,
        "These words are in no rate, neither right nor wrong.",
    )


def notes_table(record: FieldRecord) -> Table:
    subjects: dict[str, list[str]] = {note: ["the plan"] for note in record.notes}
    for variant in record.variants:
        for note in variant.notes:
            subjects.setdefault(note, []).append(variant.title)
    rows = [{"of": ", ".join(dict.fromkeys(names)), "note": note} for note, names in subjects.items()]
    return Table("notes", "Notes", [Column("of", "About"), Column("note", "Note")], rows)


def segments_table(variants: Sequence[FieldVariant]) -> Table:
    segments = [(variant, segment) for variant in variants for segment in variant.segments]
    rows = [
        vars(segment) | {"variant": variant.title, "lost_s": segment.lost_s} for variant, segment in segments
    ]
    return Table(
        "segments",
        "Segments",
        [
            _VARIANT,
            Column("number", "Segment", fmt.count),
            Column("condition", "Condition"),
            Column("audio_s", "Audio", fmt.seconds),
            Column("keyword_free_s wall_s speech_dbfs snr_db samples_lost"),
            Column("clipped_samples", "Samples clipped", fmt.count),
            Column("records_lost", "Records lost", fmt.count),
            Column("lost_s", "Audio lost", fmt.seconds),
            Column("complete", "Ended", lambda complete: "yes" if complete else "cut off", text=True),
            Column("note", "Note", fmt.remark, optional=True),
            Column("transcript", "Log", mark="link"),
        ],
        rows,
        "Words beside lost records are not counted; words beside audio that a slow board lost are.",
        tones=[
            "" if one.complete and not any(getattr(one, k) for k in _LOSSES) else "bad" for _, one in segments
        ],
    )


def reference_table(variants: Sequence[FieldVariant]) -> Table:
    compared = [variant for variant in variants if variant.reference.max_difference is not None]
    allowed = [one.model is not None and one.model.precision == "float32" for one in compared]
    apart = [one.reference.max_difference or 0 for one in compared]
    differs = [found > most for found, most in zip(apart, allowed, strict=True)]
    return Table(
        "reference",
        "The board's scores against the host's",
        [
            _VARIANT,
            Column("equal inferences", "Equal scores", fmt.of),
            Column("max_difference", "Largest difference, of 255", fmt.count),
        ],
        [{"variant": variant.title} | vars(variant.reference) for variant in compared],
        "The host scores the same slices with one front end for the whole segment and the TensorFlow Lite "
        "reference kernels. In float32, sums are rounded in another order: a score may be off by one.",
        tones=["bad" if one else "" for one in differs],
    )


def _room(meters: Sequence[float] | None) -> str:
    return " × ".join(f"{length:g}" for length in meters) if meters else fmt.DASH


def plan_table(record: FieldRecord) -> Table:
    return Table(
        "plan",
        "Conditions of the plan",
        [
            Column("name", "Condition"),
            Column("distance_m", "Distance, m", fmt.plain),
            Column("rt60_s", "Reverberation, s", fmt.plain),
            Column("room_m", "Room, m", _room, text=True),
            Column("snr_db", "SNR, dB", fmt.plain),
            Column("noise", "Noise"),
            Column("level_dbfs", "Level, dBFS", fmt.plain),
            Column("background_dbfs", "Background, dBFS", fmt.plain),
            Column("gain_db", "Gain, dB", fmt.plain),
        ],
        [
            vars(one)
            | {
                "room_m": None if one.distance_m is None else one.room_m,
                "noise": None if one.snr_db is None else one.noise,
            }
            for one in record.conditions
        ],
        "A dash for the level: as recorded; for SNR and noise: only the background; for the distance: no "
        "room. Level and SNR are RMS of active speech, at the microphone before its gain.",
    )
