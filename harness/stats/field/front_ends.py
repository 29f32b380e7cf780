"""The host's model on the same second of sound through both front ends: what resetting it is worth."""

from __future__ import annotations

from collections.abc import Iterable

from harness.records.field_record import FrontEnds
from harness.stats.field.inputs import FieldWord
from harness.stats.matching import is_keyword
from harness.stats.pairing import mcnemar


class FrontEndCounter:
    """Adds up words whose answers are known. Of an answer only the label counts: no recognizer is asked."""

    def __init__(self) -> None:
        self._counts = {(clip, streaming): 0 for clip in (True, False) for streaming in (True, False)}

    def add(self, words: Iterable[FieldWord]) -> None:
        """Adds the words of a segment."""
        for word in words:
            if word.answers is not None:
                clip, streaming = word.answers.clip.label, word.answers.streaming.label
                self._counts[is_right(word.label, clip), is_right(word.label, streaming)] += 1

    def front_ends(self) -> FrontEnds | None:
        """The figures; None if the host was not asked."""
        both, only_clip = self._counts[True, True], self._counts[True, False]
        only_streaming, neither = self._counts[False, True], self._counts[False, False]
        clips = both + only_clip + only_streaming + neither
        if not clips:
            return None
        return FrontEnds(
            clips,
            clip_correct=both + only_clip,
            streaming_correct=both + only_streaming,
            only_clip=only_clip,
            only_streaming=only_streaming,
            p=mcnemar(only_clip, only_streaming),
        )


def is_right(label: str, answer: str) -> bool:
    """Whether an answer suits a word: its label, or for what is not to be spotted, no keyword."""
    return answer == label if is_keyword(label) else not is_keyword(answer)
