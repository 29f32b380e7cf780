"""What a field run came to, in a few sentences."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from harness.records.field_record import FieldRecord, FieldVariant
from harness.report import format as figures
from harness.report.field.accuracy import keywords_of, known_drop
from harness.report.field.names import CAUSES, ROUTES
from harness.report.field.shown import audio_time, per_hour, per_hour_interval
from harness.report.field.speed import too_slow
from harness.report.variants import time_is
from harness.stats.field.breakdowns import by_condition
from harness.stats.field.det import operating_point
from harness.stats.field.rates import accuracy, delay, false_accept_rate
from harness.stats.field.recognizer import THRESHOLD

_WORTH_SAYING = 0.05
_WORTH_WORDS = 3
"""Share and number of the keywords that another threshold has to gain to be named."""
_OTHERS = 3
"""Variants named beside the best; of more, the worst."""


def headline(record: FieldRecord, routes: Sequence[tuple[str, Sequence[FieldVariant]]]) -> list[str]:
    """The verdict first, then what stands behind it, what failed and what was left out.

    Args:
        record: the run.
        routes: the variants that heard something, by route.
    """
    sentences = []
    for route, variants in routes:
        found = _verdict(record, variants)
        sentences += [
            f"{ROUTES[route]}: {one}" if len(routes) > 1 and one == found[0] else one for one in found
        ]
    if not sentences:
        sentences.append(f"Nothing was heard on the {_board(record)}.")
    if not record.run.get("ended"):
        sentences.append("The run was interrupted: this is what it had heard so far.")
    if failed := [variant for variant in record.variants if variant.faults]:
        faults = (f"{variant.title} ({variant.faults[0].failure})" for variant in failed)
        sentences.append(f"Failed: {', '.join(faults)}.")
    if left_out := _left_out(record):
        sentences.append(left_out)
    return sentences


def basis(record: FieldRecord, routes: Sequence[tuple[str, Sequence[FieldVariant]]]) -> list[str]:
    """What was played, how it was judged, and what the times are."""
    words = max((len(variant.stimuli) for _, variants in routes for variant in variants), default=0)
    audio_s = max(
        (sum(one.audio_s for one in variant.segments) for _, variants in routes for variant in variants),
        default=0.0,
    )
    number = len(record.conditions)
    what = f"{figures.count(words)} word{'' if words == 1 else 's'} in {audio_time(audio_s / 3600)} of audio"
    lengths = [len(variant.stimuli) for _, variants in routes for variant in variants]
    to_all = (
        ""
        if len(lengths) == 1
        else ", the same to all"
        if len(set(lengths)) == 1
        else ", not all of it to all"
    )
    under = f"under {number} condition{'' if number == 1 else 's'}{to_all}"
    sentences = [f"Played: {what} {under}."] if words else []
    recomputed = (
        ""
        if record.threshold == THRESHOLD
        else f", recomputed from the logged scores; the board's is {THRESHOLD}"
    )
    sentences.append(
        f"A word counts as heard when it is announced between its beginning and {record.window_s:g}\u00a0s "
        f"after its end; the recognizer's threshold is {record.threshold}{recomputed}."
    )
    if time_is(record.board) != "measured":
        sentences.append(
            f"Times of this board are {time_is(record.board)} ({record.board.clock} at "
            f"{record.board.clock_hz / 1e6:g}\u00a0MHz)."
        )
    return sentences


def _verdict(record: FieldRecord, variants: Sequence[FieldVariant]) -> list[str]:
    """Of one route: the variant that hears most, with what else is known of it."""
    intact = [variant for variant in variants if not variant.faults] or list(variants)
    best = max(intact, key=lambda variant: accuracy(keywords_of(variant)).value or 0.0)
    rate = accuracy(keywords_of(best))
    if rate.value is None:
        return [_alarms(best, best.title)]
    sentences = [
        f"{best.title} hears {figures.of(rate.correct, rate.total)} keywords: {figures.share(rate.value)} "
        f"(95\u00a0% interval {figures.interval(rate.low, rate.high)}){_drop(best)}.",
        *_range(best),
        *_others(best, variants),
    ]
    if false_accept_rate(best).hours:
        sentences.append(_alarms(best, "it"))
    if later := delay(keywords_of(best)):
        sentences.append(
            f"Half of the words it hears are announced within {figures.seconds(later.median)} of their end."
        )
    sentences += [sentence for variant in variants if (sentence := too_slow(variant))]
    return [*sentences, *_causes(best), *_better_threshold(best, record.threshold)]


def _drop(variant: FieldVariant) -> str:
    """How much that is below the test set, where both are known."""
    found = known_drop(variant)
    if "testing" not in found.drop:
        return ""
    points, low, high = found.drop["testing"]
    on_test = f"the test set's {figures.share(found.known['testing'].value)}"
    if low <= 0 <= high:
        return f", not told apart from {on_test}"
    return (
        f", {figures.points(abs(points)).lstrip('+')} points {'below' if points > 0 else 'above'} {on_test}"
    )


def _range(variant: FieldVariant) -> list[str]:
    """The conditions under which it hears most and least."""
    groups = [group for group in by_condition(keywords_of(variant)) if group.rate.value is not None]
    if len(groups) < 2:
        return []
    most = max(groups, key=lambda group: group.rate.value or 0.0)
    least = min(groups, key=lambda group: group.rate.value or 0.0)
    if most.rate.value == least.rate.value:
        return [f"It is {figures.share(most.rate.value)} under each condition."]
    return [
        f"From {figures.share(most.rate.value)} at “{most.name}” down to {figures.share(least.rate.value)} "
        f"at “{least.name}”."
    ]


def _others(best: FieldVariant, variants: Sequence[FieldVariant]) -> list[str]:
    others = [(one, accuracy(keywords_of(one))) for one in variants if one is not best]
    others = sorted(
        (other for other in others if other[1].total), key=lambda other: other[1].value or 0.0, reverse=True
    )
    if len(others) > _OTHERS:
        worst, rate = others[-1]
        return [f"The worst of {len(others) + 1} variants is {worst.title} with {figures.share(rate.value)}."]
    if not others:
        return []
    return [
        f"{'; '.join(f'{one.title} hears {figures.of(rate.correct, rate.total)}' for one, rate in others)}."
    ]


def _alarms(variant: FieldVariant, name: str) -> str:
    """False accepts in a sentence; short audio says little, and the interval says so."""
    rate = false_accept_rate(variant)
    where = f"In {audio_time(rate.hours)} without words {name} announced"
    if not rate.events:
        return f"{where} nothing: no more than {per_hour(rate.high)} can be told from that."
    keywords = "1 keyword" if rate.events == 1 else f"{figures.count(rate.events)} keywords"
    interval = per_hour_interval(rate.low, rate.high)
    return f"{where} {keywords}: {per_hour(rate.per_hour)} (95\u00a0% interval {interval})."


def _causes(variant: FieldVariant) -> list[str]:
    """What the missed keywords were missed for, the most frequent first."""
    counts = Counter(
        row.cause for row in keywords_of(variant) if row.counts and not row.correct and row.cause
    )
    if not counts:
        return []
    named = [f"{CAUSES[cause].split(':')[0]} {count}" for cause, count in counts.most_common()]
    total = sum(counts.values())
    return [f"Why it missed {'one' if total == 1 else figures.count(total)}: {', '.join(named)}."]


def _better_threshold(variant: FieldVariant, threshold: int) -> list[str]:
    """The threshold that would miss clearly less without more false accepts, with what it would cost."""
    whole = [point for point in variant.det if not point.condition and point.hours]
    if not whole:
        return []
    now = min(whole, key=lambda point: abs(point.threshold - threshold))
    found = operating_point(whole, now.false_accepts / now.hours)
    if found is None or now.misses - found.point.misses < max(_WORTH_WORDS, _WORTH_SAYING * now.keywords):
        return []
    then, cost = found.point, ""
    if then.accepted_non_keywords > now.accepted_non_keywords:
        taken = figures.of(then.accepted_non_keywords, then.non_keywords)
        cost = (
            f", and taken {taken} other words for a keyword instead of "
            f"{figures.count(now.accepted_non_keywords)}"
        )
    return [
        f"With the threshold at {then.threshold} instead of {threshold} it would have missed "
        f"{figures.count(then.misses)} keywords instead of {figures.count(now.misses)}, without more false "
        f"accepts{cost}."
    ]


def _left_out(record: FieldRecord) -> str:
    """How much stands in no rate."""
    words = max((sum(not row.counts for row in one.stimuli) for one in record.variants), default=0)
    parts = []
    if number := len(record.excluded):
        parts.append(
            f"{figures.count(number)} recording{'' if number == 1 else 's'} that could not be played"
        )
    if words:
        parts.append(f"{figures.count(words)} word{'' if words == 1 else 's'} of which records were lost")
    return f"Left out: {' and '.join(parts)}." if parts else ""


def _board(record: FieldRecord) -> str:
    title = re.sub(r"\s*[,(].*", "", record.board.title)
    return title[0].lower() + title[1:] if title.startswith("Emulated") else title
