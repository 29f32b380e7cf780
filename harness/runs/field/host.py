"""The host's model on the sound that a board heard: scores slice by slice, answers word by word.

Both are functions of sound and model, and artifacts of the store; a run's folder has copies, so that it can
be read again anywhere. The reference kernels take 0.4 ms (TinyConv) to 1.4 ms (DS-CNN) for a slice of 20 ms.
So every segment with words is scored, and keyword-free ones within the first CHECKED_S of audio; the others
only on request.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.files import write_atomic
from harness.measure import clip_mode, streaming
from harness.measure.clip_mode import answers_of, clean_answer
from harness.measure.streaming import streaming_scores, streaming_slices
from harness.runs.field.paths import FieldPaths
from harness.runs.field.playing import SegmentFacts
from harness.sound import sound_files
from harness.sound.playback_plan import PlannedWord, PlaybackPlan, Segment
from harness.sound.scene import render
from harness.stats.segment import Answer, Answers
from models import progress
from models import reference as reference_module
from models.data import front_ends, mel
from models.reference import ReferenceModel
from models.store import Store

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact

CHECKED_S = 600.0
"""Audio whose scores are always compared with the host's, seconds from the beginning of the plan."""

_FILE, _SCORES, _ANSWERS = "heard.npz", "scores", "answers"
_UNKNOWN = Answer("", 0)  # of a sound through the air, which the host does not have


@dataclass(frozen=True, eq=False)
class HostResult:
    """Scores and answers of the host's model for a segment."""

    scores: NDArray[np.uint8] | None  # uint8 (slices, labels); None for a sound through the air
    answers: tuple[Answers, ...]  # one per word


@dataclass
class Host:
    """A model on the host, for the segments of a plan."""

    model: ModelArtifact
    plan: PlaybackPlan  # of the run
    paths: FieldPaths  # receives the copies
    store: Store  # of computed results
    everything: bool = False  # score keyword-free segments beyond CHECKED_S, too

    def listen(self, segment: Segment, facts: SegmentFacts) -> None:
        """Compute scores and answers of a segment, unless they exist already."""
        path = self.paths.host(self.model.id, segment.number)
        direct = facts.route == "pcm"
        if path.exists() or not (segment.words or (direct and self._is_checked(segment))):
            return

        def make(folder: Path) -> None:
            kept: dict[str, Any] = {}
            words = progress.each(segment.words, "words")
            if direct:
                sound = render(self.plan, segment).samples
                streamed = streaming_slices(self._reference.front_end, sound)
                kept[_SCORES] = streaming_scores(self._reference, streamed)
                slices = len(kept[_SCORES])
                answers = [self._answers(word, sound, slices) for word in words]
            else:
                answers = [Answers(_UNKNOWN, self._clean(word)) for word in words]
            kept[_ANSWERS] = np.array(json.dumps([asdict(answer) for answer in answers]))
            np.savez_compressed(folder / _FILE, **kept)

        inputs = {
            "sound": facts.sound_sha256 if direct else "through the air",
            "tflite": self.model.tflite_sha256,
            "labels": self.model.labels,
            "words": segment.words,
        }
        front_end = front_ends.front_end(self.model.front_end)
        code = (streaming, clip_mode, front_ends, front_end, mel, reference_module)
        title = f"compute the host's scores of segment {segment.number}"
        built = self.store.build("field-host", inputs, make, code, title)
        write_atomic((built / _FILE).read_bytes(), path)

    def _is_checked(self, segment: Segment) -> bool:
        """Return whether a keyword-free segment is scored."""
        before = sum(other.duration_s for other in self.plan.segments if other.number < segment.number)
        return self.everything or before < CHECKED_S

    def _answers(self, word: PlannedWord, sound: NDArray[np.int16], slices: int) -> Answers:
        recording = self._recording(word)
        return answers_of(
            self._reference,
            self.model.labels,
            sound,
            slices,
            recording,
            word.start_sample,
            word.onset_sample,
            word.end_sample,
        )

    def _clean(self, word: PlannedWord) -> Answer:
        start = word.start_sample
        return clean_answer(
            self._reference,
            self.model.labels,
            self._recording(word),
            word.onset_sample - start,
            word.end_sample - start,
        )

    def _recording(self, word: PlannedWord) -> NDArray[np.int16]:
        return sound_files.recording(self.plan.folder / word.source, word.sha256)

    @cached_property
    def _reference(self) -> ReferenceModel:
        return ReferenceModel(self.model.tflite, self.model.front_end)


def read_host(paths: FieldPaths, variant: str, segment: int) -> HostResult | None:
    """Read the results of a segment; None if there are none.

    Raises:
        UsageError: the file is damaged.
    """
    path = paths.host(variant, segment)
    if not path.exists():
        return None
    try:
        with np.load(path) as kept:
            answers = tuple(
                Answers(**{name: Answer(**answer) for name, answer in each.items()})
                for each in json.loads(str(kept[_ANSWERS]))
            )
            return HostResult(kept[_SCORES] if _SCORES in kept.files else None, answers)
    except (ValueError, KeyError, EOFError, BadZipFile, zlib.error) as problem:
        raise UsageError(
            "the host's scores are damaged",
            where=str(path),
            remedy="Remove the file: the run is then read without a comparison with the host.",
        ) from problem
