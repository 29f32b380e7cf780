"""Two variants on the same words: which one hears more, by the words on which they differ."""

from __future__ import annotations

from harness.records.field_record import FieldStimulus, FieldVariant
from harness.stats.pairing import Paired, paired


def compared(first: FieldVariant, second: FieldVariant) -> Paired | None:
    """McNemar's exact test on the words that count for both.

    Words of the same recording in other conditions or repetitions are taken as words of their own.

    Args:
        first, second: of one record.

    Returns:
        None if they have no word in common, or came by different routes.
    """
    if first.route != second.route:
        return None
    other = {_key(one): one for one in second.stimuli if one.counts}
    both = [(one, other[_key(one)]) for one in first.stimuli if one.counts and _key(one) in other]
    if not both:
        return None
    return paired([[one.correct for one, _ in both]], [[one.correct for _, one in both]], seeds=[0])


def _key(stimulus: FieldStimulus) -> tuple[int, str, float]:
    return stimulus.segment, stimulus.source, stimulus.onset_s
