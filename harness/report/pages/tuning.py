"""The tuned recognizers: sentences and a table for the terminal, and the page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import format as fmt
from harness.recognizer import Recognizer
from harness.records.field_record import DetPoint
from harness.report.html import page_tables, write_csvs, write_page
from harness.report.pages.tuning_plots import tuning_plot
from harness.report.table import Column, Table
from harness.stats.statistics import poisson_interval
from harness.stats.tuning.choice import Finalist, Tuning
from harness.stats.tuning.grid import NEVER
from harness.stats.tuning.limits import Limits

PAGE = "tuning.html"


@dataclass(frozen=True)
class TunedVariant:
    """A variant with its tuned recognizer."""

    id: str
    title: str
    tuning: Tuning

    @property
    def refusal(self) -> str:
        """Return why the choice is not worth writing into the bench file; "" if it is."""
        if self.tuning.undetected:
            return f"it never detects {', '.join(self.tuning.undetected)}"
        held = self.tuning.held_out
        if held and self.default_keeps and held.gain[0] <= 0:
            return "the default keeps the limits and detects no fewer keywords of speakers held out"
        return ""

    @property
    def is_doubtful(self) -> bool:
        """Return whether the default keeps the limits, and may be as good on speakers held out."""
        held = self.tuning.held_out
        return held is not None and self.default_keeps and held.gain[1] <= 0

    @property
    def default_keeps(self) -> bool:
        """Return whether the default keeps the limits in the whole log."""
        return self.tuning.limits.keep(self.tuning.default.point)


def render_tuning(
    variants: Sequence[TunedVariant], toml: str, folder: Path, runs: Sequence[Path] = ()
) -> Path:
    """Write tuning.html and its tables as CSV; return the path of the page, which links the pages of runs."""
    tables = {"recognizers": candidates_table(variants), "fronts": fronts_table(variants)}
    return write_page(
        "tuning.html.j2",
        folder / PAGE,
        title="Earshot: tuned recognizers",
        limits=_limits_text(variants[0].tuning.limits),
        runs=[(run.name, Path(os.path.relpath(run / "field.html", folder)).as_posix()) for run in runs],
        variants=[(f"plot-{place}", one.title, sentences(one)) for place, one in enumerate(variants)],
        tables=page_tables({"recognizers": tables["recognizers"]}),
        plots={
            f"plot-{place}": tuning_plot(f"plot-{place}", one.tuning) for place, one in enumerate(variants)
        },
        toml=toml,
        files=write_csvs(tables.values(), folder),
    )


def sentences(variant: TunedVariant) -> list[str]:
    """Return what tuning brings, on the words that were searched and on speakers held out."""
    tuning = variant.tuning
    chosen, default = tuning.chosen.point, tuning.default.point
    found = [
        f"{variant.title}: {describe(tuning.chosen.recognizer)} {_detects(chosen)}; the default "
        f"{_detects(default)}."
    ]
    if tuning.undetected:
        found.append(_undetected(tuning))
    lost = never_detected(tuning.chosen.recognizer)
    if never := [label for label in lost if label not in tuning.undetected]:
        found.append(
            f"It never detects {', '.join(never)} (threshold {NEVER}): play recordings of every "
            "keyword that it has to detect."
        )
    if held := tuning.held_out:
        gain, low, high = held.gain
        found.append(
            f"On speakers held out: {fmt.share(_rate(held.tuned))} instead of "
            f"{fmt.share(_rate(held.default))}, {fmt.points(gain)} points (95\u00a0% interval over "
            f"{fmt.plural(tuning.speakers, 'speaker')} {fmt.points_interval(low, high)}); "
            f"{_accepts(held.tuned)}."
        )
        if not tuning.limits.keep(held.tuned):
            found.append(_beyond_limits(tuning.limits, held.tuned))
        if not variant.default_keeps:
            found.append("The default does not keep the limits.")
        elif held.gain[0] <= 0:
            found.append("The default keeps the limits and detects no fewer of them: keep the default.")
        elif variant.is_doubtful:
            found.append("That is not distinguishable from no gain: keep the default, or play more words.")
    else:
        found.append("Nothing could be held out: some keyword has too few named speakers.")
    return found


def _limits_text(limits: Limits) -> str:
    """Return the limits of a choice in words."""
    false = "no false accept in the logs"
    if limits.per_hour is not None:
        false = f"at most {limits.per_hour:g} false accepts per hour (upper end of the 95\u00a0% interval)"
    return f"Limits: {false}, and at most {fmt.percent(limits.accepted)} of other words taken for a keyword."


def _undetected(tuning: Tuning) -> str:
    """Say which keywords cannot keep the limits, and with which options every keyword is detected."""
    words = ", ".join(f"{label} ({number} played)" for label, number in tuning.undetected.items())
    if options := tuning.wider_options:
        wider = f"With {options} it detects some words of every keyword."
    else:
        wider = "No limits change that: train a better model."
    return f"It never detects {words} within the limits. {wider}"


def _beyond_limits(limits: Limits, point: DetPoint) -> str:
    """Say which limits the tuned recognizers exceed on speakers and audio that their choice did not know."""
    parts = []
    most_false = limits.most_false(point.hours) or 0
    if point.false_accepts > most_false:
        parts.append(f"{_false_accepts(point)}, {most_false} allowed")
    if point.accepted_non_keywords > limits.most_accepted(point.non_keywords):
        accepted = fmt.share(point.accepted_non_keywords / point.non_keywords)
        parts.append(f"{accepted} of other words, {fmt.percent(limits.accepted)} allowed")
    return (
        f"Held out, tuned recognizers exceed your limits: {'; '.join(parts)}. Other speakers and sounds may "
        "do so too: play more words and audio, or set stricter limits."
    )


def never_detected(recognizer: Recognizer) -> list[str]:
    """Return the keywords whose threshold no average exceeds."""
    return [label for label, score in recognizer.thresholds.items() if score == NEVER]


def describe(recognizer: Recognizer) -> str:
    """Return the parameters of a recognizer in words."""
    average = {
        "mean": f"the mean of {recognizer.window_ms} ms",
        "exponential": f"an exponential average of {recognizer.window_ms} ms",
    }[recognizer.smoothing]
    return f"{average} with thresholds of {_thresholds(recognizer)}"


def candidates_table(variants: Sequence[TunedVariant]) -> Table:
    """Return the chosen and the default recognizer of each variant, and the results on held-out speakers."""
    rows: list[dict[str, Any]] = []
    for variant in variants:
        tuning = variant.tuning
        for name, one in (("chosen", tuning.chosen), ("default", tuning.default)):
            rows.append({"variant": variant.title, "which": name} | _row(one))
        if held := tuning.held_out:
            for name, point in (("chosen", held.tuned), ("default", held.default)):
                rows.append({"variant": variant.title, "which": f"{name}, held out"} | _counts(point))
    return Table(
        "recognizers",
        "Recognizers",
        [
            Column("variant", "Variant"),
            Column("which", "Recognizer"),
            Column("smoothing", "Average"),
            Column("window_ms", "Window, ms", fmt.count),
            Column("thresholds", "Thresholds"),
            Column("fewest_results", "Fewest results", fmt.count),
            Column("suppression_ms", "Suppression, ms", fmt.count),
            Column("detected keywords", "Detected", fmt.of),
            Column("rate", "Share", fmt.share),
            Column("low high", "Detected, 95 %", fmt.interval),
            Column("false_accepts hours", "False accepts", _events),
            Column("per_hour_low per_hour_high", "per hour, 95 %", fmt.per_hour_interval),
            Column("accepted_non_keywords non_keywords", "Other words", fmt.of),
            Column("accepted_low accepted_high", "Other words, 95 %", fmt.interval),
        ],
        rows,
        "Intervals of words are bootstrapped over speakers, whose words depend on each other; of all words "
        "or no word there is none. Those of false accepts are Poisson's. Held out: each half of the speakers "
        "is judged by parameters that were chosen on the other half.",
        headed=True,
        cards=True,
        tones=["strong" if row["which"] == "chosen" else "" for row in rows],
    )


def summary_table(variants: Sequence[TunedVariant]) -> Table:
    """Return `candidates_table` for a terminal; parameters and shares are on the page and in `sentences`."""
    shown = "variant which detected low false_accepts per_hour_low accepted_non_keywords accepted_low"
    return candidates_table(variants).short(shown)


def fronts_table(variants: Sequence[TunedVariant]) -> Table:
    """Return the candidates of every front, for the CSV only."""
    keys = "misses keywords false_accepts hours accepted_non_keywords non_keywords"
    rows = [
        {"variant": variant.title, "front": front, "average": name}
        | vars(one.recognizer)
        | vars(one.point)
        | {"thresholds": _thresholds(one.recognizer)}
        for variant in variants
        for front, lines in (
            ("false accepts", variant.tuning.by_false),
            ("other words", variant.tuning.by_accepted),
        )
        for name, candidates in lines.items()
        for one in candidates
    ]
    columns = f"variant front average window_ms thresholds fewest_results suppression_ms {keys}"
    return Table("fronts", "Pareto fronts", [Column(columns)], rows)


def _row(one: Finalist) -> dict[str, Any]:
    recognizer = vars(one.recognizer) | {"thresholds": _thresholds(one.recognizer)}
    (low, high), (accepted_low, accepted_high) = one.detected, one.accepted
    intervals = {"low": low, "high": high, "accepted_low": accepted_low, "accepted_high": accepted_high}
    return recognizer | _counts(one.point) | intervals


def _counts(point: DetPoint) -> dict[str, Any]:
    low, high = poisson_interval(point.false_accepts, point.hours)
    detected = {"detected": point.keywords - point.misses, "rate": _rate(point)}
    return vars(point) | detected | {"per_hour_low": low, "per_hour_high": high}


def _thresholds(recognizer: Recognizer) -> str:
    own = ", ".join(f"{label} {score}" for label, score in recognizer.thresholds.items())
    return own or str(recognizer.threshold)


def _events(number: int, hours: float) -> str:
    return f"{fmt.count(number)} in {fmt.audio_time(hours)}"


def _rate(point: DetPoint) -> float:
    return 1 - point.misses / point.keywords


def _detects(point: DetPoint) -> str:
    detected = point.keywords - point.misses
    found = f"{fmt.of(detected, point.keywords)} keywords ({fmt.share(_rate(point))})"
    return f"detects {found} with {_accepts(point)}"


def _accepts(point: DetPoint) -> str:
    words = f", {fmt.of(point.accepted_non_keywords, point.non_keywords)} other words taken for one"
    return _false_accepts(point) + words * bool(point.non_keywords)


def _false_accepts(point: DetPoint) -> str:
    return f"{fmt.plural(point.false_accepts, 'false accept')} in {fmt.audio_time(point.hours)}"
