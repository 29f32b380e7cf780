"""Why a keyword was not heard: the first thing that would have made it heard."""

from __future__ import annotations

from collections.abc import Iterable

from harness.records.field_record import CAUSES, FieldStimulus
from harness.stats.field.inputs import Answer, Answers
from harness.stats.matching import is_keyword

LATENCY, RECOGNIZER, FRONT_END, SOUND, MODEL = CAUSES


def cause_of(
    label: str, peak: int | None, answers: Answers | None, replayed: bool | None, threshold: int
) -> str:
    """The cause of a keyword that was not announced as its label.

    Asked in this order, the first that holds is it:

    - "latency": it is announced when the recognizer gets the host's score of every slice. The board had no
      time for all of them, or had to lose sound.
    - "recognizer": a score of the label exceeded the threshold, the averages did not, or were suppressed.
    - "front end": the model hears it in the same sound if the front end is reset before.
    - "sound": the model hears it in the recording itself, without room, noise and gain.
    - "model": not even there.

    To hear is the same throughout: a score above the threshold.

    Args:
        label: of the keyword.
        peak: its highest single score on the board; None if there is none.
        answers: of the host's model; None if it was not asked.
        replayed: whether it is announced in the replay; None if there was none.
        threshold: of the recognizer, 0 to 255.

    Returns:
        One of `CAUSES`; "" if the host was not asked and nothing on the board explains it.
    """

    def hears(answer: Answer) -> bool:
        return answer.label == label and answer.score > threshold

    if replayed:
        return LATENCY
    if peak is not None and peak > threshold:
        return RECOGNIZER
    if answers is None:
        return ""
    if hears(answers.clip):
        return FRONT_END
    return SOUND if hears(answers.clean) else MODEL


def count_causes(stimuli: Iterable[FieldStimulus]) -> dict[str, int]:
    """How many keywords that count were not heard, by cause in the order of `CAUSES`, last "": unknown."""
    counts = dict.fromkeys((*CAUSES, ""), 0)
    for one in stimuli:
        if one.counts and not one.correct and is_keyword(one.label):
            counts[one.cause] += 1
    return counts
