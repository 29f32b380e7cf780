"""Playback of a plan's segments to a board, one listening each; a complete segment is never played again.

On a board with a modeled clock a segment's transcript is a function of image, board and sound: an artifact of
the store. On any other it lies in the run's folder, and is complete once its facts lie beside it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from harness.bench_file import Bench
from harness.boards.board import Board
from harness.errors import AcousticFailed, UsageError
from harness.files import write_atomic
from harness.firmware.firmware import Firmware
from harness.measure import listener as listener_module
from harness.measure.listener import Listener
from harness.measure.retry import Retries, keep_failed
from harness.records.record import AcousticRow
from harness.runs.field.paths import FieldPaths
from harness.sound.levels import speech_dbfs
from harness.sound.playback_plan import PlaybackPlan, Segment
from harness.sound.scene import Scene, render, to_stimulus
from harness.sound.stimulus import Stimulus
from models import progress
from models.decoding import decode_json
from models.store import Store

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact

_LOG, _FACTS = "segment.log", "facts.json"


@dataclass(frozen=True)
class SegmentFacts:
    """Facts of a segment beside its transcript."""

    sound_sha256: str  # of its int16 samples
    build_id: str  # of the image that listened
    clipped_samples: int  # of the sound, like the next two; see `harness.sound.scene.Scene`
    speech_dbfs: float | None
    snr_db: float | None
    wall_s: float  # host time for upload and listening
    route: str = "pcm"  # "pcm" or "acoustic"
    sound_starts_s: float = 0.0  # start of the sound on the board's clock
    acoustic: AcousticRow | None = None  # of the route "acoustic"


def read_facts(paths: FieldPaths, variant: str, segment: int) -> SegmentFacts | None:
    """Read the facts of a segment; None if it is not complete.

    Raises:
        ConfigError: the file is damaged.
    """
    path = paths.facts(variant, segment)
    return decode_json(path.read_bytes(), SegmentFacts, path) if path.exists() else None


def write_facts(paths: FieldPaths, variant: str, segment: int, facts: SegmentFacts) -> None:
    """Write the facts of a segment, which is complete then."""
    write_atomic(json.dumps(asdict(facts), indent=1), paths.facts(variant, segment))


def scene_facts(scene: Scene) -> dict[str, Any]:
    """Return the facts of a segment's sound; its hash has 64 hex digits."""
    return {
        "sound_sha256": hashlib.sha256(scene.samples.astype("<i2").tobytes()).hexdigest(),
        "clipped_samples": scene.clipped_samples,
        "speech_dbfs": scene.speech_dbfs,
        "snr_db": scene.snr_db,
    }


@dataclass
class Player:
    """A player of a plan to a board with one image."""

    board: Board
    firmware: Firmware
    model: ModelArtifact  # in that image
    plan: PlaybackPlan
    bench: Bench  # speaker, for a board that hears through the air
    paths: FieldPaths  # receives transcripts and facts
    store: Store  # keeps those of a board with a modeled clock
    retries: Retries  # of uploads and port search
    _uploaded: bool = field(default=False, init=False)

    def play(self, segment: Segment) -> None:
        """Play a segment, unless this run or the store has its result.

        Raises:
            EarshotError: see `Listener.listen`; the transcript of a failed attempt is kept.
        """
        if self.has_played(segment):
            return
        log = self.paths.transcript(self.model.id, segment.number)
        log.parent.mkdir(parents=True, exist_ok=True)
        keep_failed(log)  # of a process that was killed, or of another image
        scene = render(self.plan, segment)
        title = f"play segment {segment.number} of {len(self.plan.segments)}"
        if self.board.describe().clock == "measured":
            with progress.task(title):
                facts = self._play_now(segment, scene, log)
        else:
            facts = self._play_or_restore(segment, scene, log, title)
        write_facts(self.paths, self.model.id, segment.number, facts)

    def has_played(self, segment: Segment) -> bool:
        """Return whether this image has listened to all of a segment in this run."""
        known = read_facts(self.paths, self.model.id, segment.number)
        return known is not None and known.build_id == self.firmware.build_id

    def _play_or_restore(self, segment: Segment, scene: Scene, log: Path, title: str) -> SegmentFacts:
        """Play the segment, or restore the result of the same image, board and sound from the store."""

        def make(scratch: Path) -> None:
            self._uploaded = False  # start the emulator anew, so that the result depends on this segment only
            try:
                facts = self._play_now(segment, scene, scratch / _LOG)
            except BaseException:
                if (scratch / _LOG).exists():
                    shutil.copyfile(scratch / _LOG, log)
                    keep_failed(log)
                raise
            (scratch / _FACTS).write_text(json.dumps(asdict(facts), indent=1))

        of_sound = scene_facts(scene)
        inputs = {
            "image": self.firmware.image,
            "board": self.board.describe(),
            "sound": of_sound["sound_sha256"],
        }
        folder = self.store.build("field-segment", inputs, make, (listener_module,), title)
        shutil.copyfile(folder / _LOG, log)
        stored = msgspec.json.decode((folder / _FACTS).read_bytes(), type=SegmentFacts)
        # The stored result may come from another plan that has the same samples: use the facts of this plan.
        return replace(stored, build_id=self.firmware.build_id, **of_sound)

    def _play_now(self, segment: Segment, scene: Scene, log: Path) -> SegmentFacts:
        stimulus = to_stimulus(scene, segment, self.model.labels)
        gain_db = self._gain_db if self.board.acoustic else None
        listener = Listener(self.board, stimulus, self.bench, gain_db)
        began = time.monotonic()

        def attempt() -> dict[str, Any]:
            if not self._uploaded:
                self.board.upload(self.firmware)
            self._uploaded = False  # until the board has listened to the end
            facts = listener.listen(self.board.open(log))
            self._uploaded = True
            return facts

        facts = self.retries.run(f"segment {segment.number}", attempt, [log])
        if facts["route"] == "room":
            raise no_speaker(self.bench)
        facts |= {"build_id": self.firmware.build_id, "wall_s": round(time.monotonic() - began, 3)}
        return msgspec.convert(facts | scene_facts(scene), SegmentFacts)

    @cached_property
    def _gain_db(self) -> float:
        """Return the gain in dB that brings the plan's first words to the speaker's level.

        It applies to every segment, so that differences in level between conditions remain.
        """
        spoken = next((segment for segment in self.plan.segments if segment.words), self.plan.segments[0])
        sound: Stimulus = to_stimulus(render(self.plan, spoken), spoken, self.model.labels)
        assert self.bench.speaker is not None  # see `check_route`
        return self.bench.speaker.level_dbfs - speech_dbfs(sound)


def check_route(board: Board, bench: Bench, plan: PlaybackPlan) -> None:
    """Check that this plan can be played to this board.

    Raises:
        UsageError: it has a simulated room, and the board stands in a real one.
        AcousticFailed: the bench has no speaker.
    """
    if not board.acoustic:
        return
    if bench.speaker is None:
        raise no_speaker(bench)
    for condition in plan.conditions:
        if condition.distance_m is not None:
            raise UsageError(
                "a simulated room cannot be played in a real room: the words would go through both",
                where=f"condition {condition.name!r} of the plan",
                remedy="Omit --distance and --rt60 and move the board; [speaker] in the bench file records "
                "the distance. Simulated rooms are for the emulated board.",
            )


def no_speaker(bench: Bench) -> AcousticFailed:
    """Return the failure of a bench without a speaker."""
    return AcousticFailed(
        "the bench has no speaker, and the board hears only the room",
        where=str(bench.path or "no bench file"),
        remedy="Add [speaker] to the bench file, or use --board emulated.",
    )
