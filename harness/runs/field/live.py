"""`earshot listen`: one model listens to the microphone. A saved session is a field run."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import AcousticFailed, UsageError
from harness.firmware.firmware import Firmware
from harness.format import plural
from harness.link.events import Event
from harness.measure.live import LiveSession
from harness.measure.retry import Retries
from harness.records.field_record import Condition, FieldRecord, FieldVariant
from harness.runs import folder as folders
from harness.runs.field.host import Host
from harness.runs.field.paths import SOUND
from harness.runs.field.playing import SegmentFacts, scene_facts, write_facts
from harness.runs.field.run import FieldRun, check_input, describe_plan
from harness.runs.folder import FIELD
from harness.runs.interruption import handled
from harness.runs.request import FieldRequest, RunRequest, Setup
from harness.sound.microphone import Microphone
from harness.sound.playback_plan import LONGEST_SEGMENT_S, PlannedWord, PlaybackPlan, Segment, write_plan
from harness.sound.recorder import spoken_part
from harness.sound.recordings import label_of
from harness.sound.scene import render
from harness.sound.sound_files import digest_of, read_part
from harness.stats.matching import is_keyword
from models import progress
from models.data.wav import SAMPLE_RATE_HZ, write_wav

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact

SAY_S = 3.0
"""Time for a word: longer than the recognizer's suppression and average together."""

_WINDOW_S = 1.0  # after the last word, for its detection
_CONDITION = Condition("live", background_dbfs=None)
_UNTOLD = (
    "The spoken words are not known, so every detection counts as a false accept. Tell the words with "
    "`earshot listen --say`."
)


@dataclass(frozen=True)
class LiveOptions:
    """Options of a live session."""

    device: str = ""  # a part of the microphone's name; "" for the system default
    most_s: float | None = None  # time at which the session ends; None until it is stopped
    say: tuple[str, ...] = ()  # words for the user to say, one every `SAY_S`
    speaker: str = ""  # who says them; "" if unknown
    saves: bool = False  # keep sound and transcript as a field run


Watch = Callable[[LiveSession, Event, str], None]
"""Function that gets every event and the word to be said now."""


class LiveRun(FieldRun):
    """A live session, which `watch` shows."""

    def __init__(self, options: LiveOptions, watch: Watch, *arguments: Any) -> None:
        super().__init__(None, *arguments)
        self._options, self._watch = options, watch
        hears = not self.board.acoustic or options.saves or options.device
        self._microphone = Microphone(options.device) if hears else None
        self.session: LiveSession | None = None
        self._prompts: list[int] = []
        self._is_saved = False

    def measure_steps(self, model: ModelArtifact, row: FieldVariant) -> Iterator[FieldVariant]:
        check_input(model)
        firmware = self.build(model)
        row = self.with_firmware(row, firmware)
        yield self._keep(row)
        retries = Retries(self.board.recover)
        retries.run("upload", lambda: self.board.upload(firmware), [])
        session = self.session = LiveSession(
            self.board,
            model.labels,
            self._microphone,
            self.folder.path / SOUND if self._options.saves else None,
            self._most_s,
        )
        began_s = time.monotonic()
        try:
            self._listen(session, model)
        finally:
            yield self._keep(replace(row, notes=[*row.notes, *retries.notes, *self._notes(session)]))
            if self._options.saves and session.sound and session.sound.samples:
                self._save(session, model, firmware, time.monotonic() - began_s)

    def finish_row(self, model: ModelArtifact, row: FieldVariant) -> FieldVariant:
        return super().finish_row(model, row) if self._is_saved else row

    def publish(self, ended: bool) -> Path:
        return super().publish(ended) if self._is_saved else self.folder.path

    def close(self, ended: bool = True) -> tuple[FieldRecord, Path]:
        if self._options.saves:
            return super().close(ended)
        self._release()
        return self.folder.record, self.folder.path

    @property
    def _most_s(self) -> float | None:
        """Return when the session ends at the latest."""
        limits = [self._options.most_s or None]
        if self._options.say:
            limits.append((len(self._options.say) + 1) * SAY_S + _WINDOW_S)
        if self._options.saves:
            limits.append(LONGEST_SEGMENT_S)
        return min((limit for limit in limits if limit), default=None)

    def _listen(self, session: LiveSession, model: ModelArtifact) -> None:
        transcript = self._paths.transcript(model.id, 1)
        with handled(session.stop, signal.SIGINT, signal.SIGTERM, once=True):
            for event in session.events(self.board.open(transcript)):
                self._watch(session, event, self._word_to_say(session))

    def _word_to_say(self, session: LiveSession) -> str:
        """Return the word to say now and its number; "" before the first word and after the last one.

        Note the sample at which each word appears.
        """
        say, sound = self._options.say, session.sound
        if not say or not sound:
            return ""
        if sound.samples >= (len(self._prompts) + 1) * SAY_S * SAMPLE_RATE_HZ:
            self._prompts.append(sound.samples)
        number = len(self._prompts)
        return f"{say[number - 1]} ({number} of {len(say)})" if 0 < number <= len(say) else ""

    def _notes(self, session: LiveSession) -> list[str]:
        losses = session.sound.capture.losses if session.sound else []
        return [f"{str(loss)[0].upper()}{str(loss)[1:]}." for loss in losses]

    def _save(self, session: LiveSession, model: ModelArtifact, firmware: Firmware, wall_s: float) -> None:
        """Make the session a segment of a plan, as if its sound had been played."""
        assert session.sound
        folder, length = self.folder.path, session.sound.samples
        sound = read_part(folder / SOUND, 0, length).astype(np.int16)
        words = tuple(self._spoken(sound))
        digest = digest_of(folder / SOUND)
        segment = Segment(1, _CONDITION.name, length, 0, words, SOUND, background_sha256=digest)
        notes = () if words else (_UNTOLD,)
        plan = PlaybackPlan(Path(), 0, 0.0, 1, (_CONDITION,), (segment,), (), notes)
        write_plan(plan, self._paths.plan)
        self.plan = plan = replace(plan, folder=folder)
        self._is_saved = True
        facts = SegmentFacts(
            **scene_facts(render(plan, segment)),
            build_id=firmware.build_id,
            wall_s=round(wall_s, 3),
            route="acoustic" if self.board.acoustic else "pcm",
            sound_starts_s=session.sound_starts_s,
        )
        write_facts(self._paths, model.id, 1, facts)
        self.folder.write(
            plan=describe_plan(plan, self._paths.plan), conditions=[_CONDITION], notes=list(notes)
        )
        Host(model, plan, self._paths, self.store).listen(segment, facts)

    def _spoken(self, sound: NDArray[np.int16]) -> Iterator[PlannedWord]:
        """Cut the words that were said out of the sound, as recordings of their own."""
        longest = round(SAY_S * SAMPLE_RATE_HZ)
        stops = [*self._prompts[1:], len(sound)]
        told = zip(self._options.say, self._prompts, stops, strict=False)
        for number, (word, start, stop) in enumerate(told, start=1):
            take = sound[start : min(stop, start + longest)]
            if len(take) < SAMPLE_RATE_HZ:  # the session ended before the word
                return
            is_found = True
            try:
                onset, end = spoken_part(take)
            except AcousticFailed as problem:
                at_s = start / SAMPLE_RATE_HZ
                progress.warn(f"“{word}” at {at_s:.1f} s: {problem.what}; all of its time counts for it")
                onset, end, is_found = 0, len(take), False
            name = f"{self._options.speaker or 'live'}_{number}.wav"
            path = self.folder.path / "recordings" / word / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_wav(path, take)
            source = path.relative_to(self.folder.path).as_posix()
            speaker = self._options.speaker
            digest = digest_of(path)
            yield PlannedWord(word, source, digest, speaker, start, start + onset, start + end, is_found)


def begin_live(request: RunRequest, output: Path, options: LiveOptions, watch: Watch) -> LiveRun:
    """Begin a live session of one model below `output`.

    Raises:
        UsageError: not exactly one model is selected, or the session ends before the last word to say.
        AcousticFailed: there is no such microphone.
        UserFacingError: see `RunRequest.setup`.
    """
    ids = request.selection.ids()
    if len(ids) != 1:
        raise UsageError(
            f"{len(ids)} variants are selected, and one listens at a time",
            where=request.selection.pattern,
            remedy="Name one; `earshot variants` lists them.",
        )
    _check_words(options, request.selection.labels_of_all())
    request = replace(request, field=FieldRequest())  # the saved sound can be played again
    setup: Setup = request.setup()
    folder = folders.begin(
        FIELD,
        output,
        setup.board.describe(),
        request.about("field"),
        plan={},
        conditions=[],
        excluded=[],
        notes=[],
        threshold=None,
        window_s=setup.bench.thresholds.detection_window_s,
    )
    return LiveRun(options, watch, setup, folder)


def _check_words(options: LiveOptions, labels: Sequence[str]) -> None:
    """Check that there is time for the words to say, and warn of those that no board should detect."""
    if not options.say:
        if options.saves:
            progress.warn("without --say no word is known, so every detection counts as a false accept")
        return
    needed_s = (len(options.say) + 1) * SAY_S
    if options.most_s and options.most_s < needed_s:
        raise UsageError(
            f"to say {plural(len(options.say), 'word')} takes {needed_s:g} s, more than --seconds "
            f"{options.most_s:g}",
            remedy=f"Give --seconds {needed_s:g} or more, or omit it.",
        )
    others = [word for word in dict.fromkeys(options.say) if not is_keyword(label_of(word, labels))]
    if others:
        keywords = ", ".join(filter(is_keyword, labels))
        progress.warn(
            f"no keyword of the model ({keywords}), so nothing should be detected: {', '.join(others)}"
        )
