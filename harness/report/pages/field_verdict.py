"""The verdict of a field run in a few sentences, for the page and the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from harness import format as fmt
from harness.records.calibration import calibrations_of
from harness.records.field_record import FieldRecord, FieldVariant
from harness.report.pages.field_rates import ROUTES, best_of, by_route, keywords_of
from harness.report.pages.field_tables import thresholds_text
from harness.report.pages.run_tables import WIDTH, failed_sentences, fault_texts, mistaken_sentences
from harness.report.variants import calibration_note, clock_text, time_is
from harness.stats.matching import is_keyword
from harness.stats.rates import accuracy, count_causes, dataset_rates, false_accept_rate, rate_drop


def summary_text(record: FieldRecord) -> str:
    """Return the verdict, its details and the failures for a terminal, without a trailing newline."""
    verdict, *details = headline(record)
    lines = [textwrap.fill(verdict, WIDTH)]
    lines += [textwrap.fill(one, WIDTH, initial_indent="  ", subsequent_indent="    ") for one in details]
    return "\n".join([*lines, *fault_texts(record.variants)])


def headline(record: FieldRecord) -> list[str]:
    """Return the verdict first, then its details, the failures and what is not counted."""
    routes = by_route(record)
    sentences: list[str] = []
    for route, variants in routes:
        first, *others = _verdict(variants, record.run.get("test set", ""))
        sentences += [f"{ROUTES[route]}: {first}" if len(routes) > 1 else first, *others]
    if not sentences:
        sentences.append(_without_stream(record))
    sentences += mistaken_sentences(record.variants)
    if not record.run.get("ended"):
        sentences.append("The run was interrupted; these are the results up to then.")
    sentences += failed_sentences(record.variants)
    words = max((sum(not row.counts for row in one.stimuli) for one in record.variants), default=0)
    parts = [f"{fmt.plural(words, 'word')} with lost records"] if words else []
    if record.excluded:
        parts.insert(0, f"{fmt.plural(len(record.excluded), 'recording')} that could not be played")
    return [*sentences, f"Not counted: {' and '.join(parts)}."] if parts else sentences


def basis(record: FieldRecord) -> list[str]:
    """Return what was played, how it was judged, and the kind of times."""
    variants = [variant for _, of_route in by_route(record) for variant in of_route]
    sentences = []
    if words := max((len(one.stimuli) for one in variants), default=0):
        audio_s = max(sum(segment.audio_s for segment in one.segments) for one in variants)
        sentences.append(
            f"Played: {fmt.plural(words, 'word')} in {fmt.audio_time(audio_s / 3600)} of audio under "
            f"{fmt.plural(len(record.conditions), 'condition')}."
        )
    if variants:
        own = "; ".join(dict.fromkeys(thresholds_text(variant.recognizer) for variant in variants))
        recomputed = f", recomputed from the logged scores; the board's is {own}"
        used = own if record.threshold is None else str(record.threshold)
        sentences.append(
            f"A detection counts from the onset of a word until {record.window_s:g}\u00a0s after its end; "
            f"the recognizer's threshold is {used}{recomputed if used != own else ''}."
        )
    front_ends = dict.fromkeys(variant.front_end for variant in variants)
    named = ", ".join(
        name if len(front_ends) == 1 else f"{name} ({', '.join(_titles(variants, name))})"
        for name in front_ends
    )
    if named:
        sentences.append(f"Front end: {named}.")
    if (kind := time_is(record.board)) != "measured":
        sentences.append(f"Times of this board are {kind} ({clock_text(record.board)}).")
        sentences.append(calibration_note(calibrations_of(record.variants)))
    return sentences


def _without_stream(record: FieldRecord) -> str:
    """Return what is known if no variant listened to a stream: its single clips at best."""
    classified = [variant for variant in record.variants if variant.clips]
    if not classified:
        return f"No variant was measured on {record.board.title}."
    rights = {one.title: sum(clip.predicted == clip.label for clip in one.clips) for one in classified}
    best = max(classified, key=lambda variant: rights[variant.title])
    return (
        f"No variant listened to a stream of words; {best.title} classified "
        f"{fmt.of(rights[best.title], len(best.clips))} single clips correctly."
    )


def not_counted_sentences(record: FieldRecord, excluded: bool) -> list[str]:
    """Return which words of the plan were not played; `excluded` if some of the others do not count."""
    words = int(record.plan.get("words", 0))
    missing = {variant.title: words - len(variant.stimuli) for variant in record.variants}
    sentences = [
        f"Not played to {title}: {fmt.of(left, words)} words." for title, left in missing.items() if left > 0
    ]
    return sentences or ([] if excluded else ["Every recording was played, and every word counts."])


def _titles(variants: Sequence[FieldVariant], front_end: str) -> list[str]:
    return [variant.title for variant in variants if variant.front_end == front_end]


def slow_sentences(variants: Sequence[FieldVariant]) -> list[str]:
    """Return a sentence for each variant that misses words because it is slow, or one that none does."""
    slow = [sentence for variant in variants if (sentence := _too_slow(variant))]
    timed = [variant for variant in variants if variant.timing]
    if timed and not slow and all(variant.replay for variant in timed):
        slow.append("No variant misses a word because it is too slow.")
    return slow


def tuning_sentences(variants: Sequence[FieldVariant]) -> list[str]:
    """Return for each variant what tuning its recognizer would bring, or why that is not known."""
    sentences = []
    for variant in variants:
        tuning = variant.tuning
        if tuning is None:
            continue
        if tuning.gain is None or tuning.present is None or tuning.tuned is None:
            sentences.append(f"What tuning would bring to {variant.title} is not known: {tuning.reason}.")
            continue
        gain, low, high = tuning.gain
        now, then = (1 - point.misses / point.keywords for point in (tuning.present, tuning.tuned))
        unclear = ", not distinguishable from none" if low <= 0 <= high else ""
        sentences.append(
            f"A tuned recognizer of {variant.title} detects {fmt.share(then)} instead of {fmt.share(now)} of "
            f"the keywords of speakers held out: {fmt.points(gain)} points (95\u00a0% interval "
            f"{fmt.points_interval(low, high)}){unclear}."
        )
        if tuning.present.false_accepts or tuning.tuned.false_accepts:
            sentences.append(
                f"There it has {fmt.plural(tuning.tuned.false_accepts, 'false accept')} instead of "
                f"{tuning.present.false_accepts}; where it was tuned, none was allowed."
            )
    return sentences


def _too_slow(variant: FieldVariant) -> str:
    late = sum(row.cause == "latency" and row.counts for row in variant.stimuli)
    if not late or not variant.timing or not variant.replay:
        return ""
    lost_s = variant.timing.lost_s
    losing = f" and lost {fmt.duration(1e6 * lost_s)} of audio" if lost_s else ""
    return (
        f"{variant.title} misses {fmt.plural(late, 'word')} only because it is too slow: it made an "
        f"inference every {fmt.milliseconds(variant.timing.period_ms_median)}{losing}; with one every "
        f"{fmt.milliseconds(variant.replay.period_ms)} it would detect {'it' if late == 1 else 'them'}."
    )


def _verdict(variants: Sequence[FieldVariant], dataset: str) -> list[str]:
    """Return up to five sentences about the variant that detects most, beside its accuracy on a dataset."""
    best = best_of([variant for variant in variants if not variant.faults] or variants)
    keywords = keywords_of(best)
    rate = accuracy(keywords)
    if rate.value is None:
        sentences = [f"{best.title}: no keyword was counted."]
        return [*sentences, _false_accepts(best)] if false_accept_rate(best).hours else sentences
    sentences = [
        f"{best.title} detects {fmt.of(rate.correct, rate.total)} keywords: {fmt.share(rate.value)} "
        f"(95\u00a0% interval {fmt.interval(rate.low, rate.high)}){_drop(best, dataset)}."
    ]
    if false_accept_rate(best).hours:
        sentences.append(_false_accepts(best))
    others = [row for row in best.stimuli if row.counts and not is_keyword(row.label)]
    if taken := sum(not row.correct for row in others):
        sentences.append(f"{fmt.of(taken, len(others))} other words were taken for a keyword.")
    counts = sorted(count_causes(keywords).items(), key=lambda item: -item[1])
    if causes := [f"{cause} {count}" for cause, count in counts if cause and count]:
        sentences.append(f"Causes of the misses: {', '.join(causes)}.")
    return [*sentences, *filter(None, [_too_slow(best)])]


def _drop(variant: FieldVariant, dataset: str) -> str:
    keywords = keywords_of(variant)
    known = dataset_rates(variant.model, {row.label for row in keywords if row.counts}).get("testing")
    if not known or not (found := rate_drop(known, accuracy(keywords))):
        return ""
    drop, low, high = found
    place = f"{fmt.points(abs(drop)).lstrip('+')} points {'below' if drop > 0 else 'above'}"
    if low <= 0 <= high:
        place = "not distinguishable from"
    of_dataset = f" of {dataset}" if dataset else ""
    return f", {place} the {fmt.share(known.value)} on the test set{of_dataset}"


def _false_accepts(variant: FieldVariant) -> str:
    rate = false_accept_rate(variant)
    audio = f"in {fmt.audio_time(rate.hours)} without words"
    if not rate.events:
        return f"No false accepts {audio} (95\u00a0% upper bound: {fmt.per_hour(rate.high)})."
    return (
        f"{fmt.plural(rate.events, 'false accept')} {audio}: {fmt.per_hour(rate.per_hour)} "
        f"(95\u00a0% interval {fmt.per_hour_interval(rate.low, rate.high)})."
    )
