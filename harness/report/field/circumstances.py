"""Where each variant hears keywords, and where not: by condition, SNR, distance and speaker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.records.field_record import FieldStimulus, FieldVariant
from harness.report import format as figures
from harness.report.field.accuracy import RATE, RATE_COLUMNS, keywords_of, others_of, rate_row
from harness.report.field.shown import audio_time, decibels, meters, of
from harness.report.table import Column, Table, frame
from harness.stats.field.breakdowns import Group, by_condition, by_speaker, grouped
from harness.stats.field.rates import delay, false_accept_rate


def conditions_table(variants: Sequence[FieldVariant], conditions: Sequence[Mapping[str, Any]]) -> Table:
    """Keywords heard under each condition."""
    names = [str(condition["name"]) for condition in conditions]
    details = {str(condition["name"]): condition for condition in conditions}
    rows = []
    for variant in variants:
        others = {group.name: group.rate for group in by_condition(others_of(variant), names)}
        for group in by_condition(keywords_of(variant), names):
            condition, accepts = details.get(group.name, {}), false_accept_rate(variant, group.name)
            other, later = others.get(group.name), _delay_of(variant, group.name)
            row: dict[str, Any] = {"variant": variant.title, "condition": group.name}
            row |= {key: condition.get(key) for key in ("distance_m", "snr_db", "noise", "rt60_s")}
            row |= _group(group) | {"false_accepts": accepts.events, "hours": accepts.hours, "delay_s": later}
            if other:
                row |= {"wrongly": other.total - other.correct, "others": other.total}
            if group.rate.total or (other and other.total) or accepts.hours:
                rows.append(row)
    return Table(
        name="conditions",
        title="By condition",
        frame=frame(
            f"variant condition distance_m snr_db noise rt60_s heard keywords {RATE} missed confused "
            "left_out wrongly others false_accepts hours delay_s",
            rows,
        ),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Condition", ["condition"], figure=False),
            Column("Keywords heard", ["heard", "keywords"], of),
            *RATE_COLUMNS,
            Column("Missed", ["missed"], figures.count),
            Column("Heard as another", ["confused"], figures.count),
            Column("Others taken for a keyword", ["wrongly", "others"], of),
            Column("False accepts", ["false_accepts"], figures.count),
            Column("in so long", ["hours"], audio_time),
            Column("Delay, median", ["delay_s"], figures.seconds),
        ],
        note="Distance and SNR are those of the plan; what came out is with the segments, further down.",
        headed=True,
    )


def _delay_of(variant: FieldVariant, condition: str) -> float | None:
    found = delay(row for row in keywords_of(variant) if row.condition == condition)
    return found.median if found else None


def margins_table(variants: Sequence[FieldVariant], conditions: Sequence[Mapping[str, Any]]) -> Table:
    """Keywords heard at each SNR over all distances, and at each distance over all SNRs, where both vary."""
    details = {str(condition["name"]): condition for condition in conditions}
    shows = {"snr_db": ("SNR", "no noise", decibels), "distance_m": ("Distance", "no room", meters)}
    several = all(len({condition.get(key) for condition in conditions}) > 1 for key in shows)
    rows = []
    for variant in variants if several else ():
        for key, (what, without, show) in shows.items():

            def name_of(one: FieldStimulus, key: str = key) -> str:
                return str(details.get(one.condition, {}).get(key))

            values = dict.fromkeys(condition.get(key) for condition in conditions)
            groups = grouped(keywords_of(variant), name_of, list(map(str, values)))
            for value, group in zip(values, groups, strict=False):
                text = without if value is None else show(value)
                rows.append(
                    {"variant": variant.title, "by": what, "value": value, "reads": text} | _group(group)
                )
    return Table(
        name="margins",
        title="By SNR over all distances, and by distance over all SNRs",
        frame=frame(f"variant by value reads heard keywords {RATE} missed confused left_out", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("By", ["by"], figure=False),
            Column("At", ["reads"], figure=False),
            Column("Keywords heard", ["heard", "keywords"], of),
            *RATE_COLUMNS,
            Column("Missed", ["missed"], figures.count),
            Column("Heard as another", ["confused"], figures.count),
        ],
        headed=True,
        groups=2,
    )


def speakers_table(variants: Sequence[FieldVariant]) -> Table:
    """Keywords heard of each speaker; nothing where nobody is known."""
    rows = [
        {"variant": variant.title, "speaker": group.name or None} | _group(group)
        for variant in variants
        if any(row.speaker for row in variant.stimuli)
        for group in by_speaker(keywords_of(variant))
    ]
    return Table(
        name="speakers",
        title="By speaker",
        frame=frame(f"variant speaker heard keywords {RATE} missed confused left_out", rows),
        columns=[
            Column("Variant", ["variant"], figure=False),
            Column("Speaker", ["speaker"], lambda name: name or "not known", figure=False),
            Column("Keywords heard", ["heard", "keywords"], of),
            *RATE_COLUMNS,
            Column("Missed", ["missed"], figures.count),
            Column("Heard as another", ["confused"], figures.count),
        ],
        note="The one who is heard worst comes first. Few words of a speaker say little: see the intervals.",
        headed=True,
    )


def _group(group: Group) -> dict[str, Any]:
    row: dict[str, Any] = {"heard": group.rate.correct, "keywords": group.rate.total}
    row |= {"missed": group.misses, "confused": group.confusions, "left_out": group.excluded}
    return row | rate_row(group.rate)
