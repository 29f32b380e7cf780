"""A plan's segments played to a board, one listening each; what is whole is never played again.

On a board whose time is modeled a segment's transcript is a function of image, board and sound: an artifact
of the store. On any other it lies in the run's folder, and is whole as soon as its facts lie beside it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.bench_file import Bench
from harness.boards.board import Board
from harness.errors import AcousticFailed, UsageError
from harness.files import write_atomic
from harness.firmware.firmware import Firmware
from harness.measure import listener as listener_module
from harness.measure.listener import Listener
from harness.runs.field.attempts import Attempts
from harness.runs.field.folder import FieldFolder
from harness.sound.levels import speech_dbfs
from harness.sound.playback_plan import PlaybackPlan, Segment
from harness.sound.scene import Scene, render, to_stimulus
from harness.sound.stimulus import Stimulus
from models.store import Store

_LOG, _FACTS = "segment.log", "facts.json"


@dataclass(frozen=True)
class SegmentFacts:
    """What is known of a segment beside its log.

    Attributes:
        sound_sha256: of its int16 samples.
        build_id: of the image that heard it.
        clipped_samples, speech_dbfs, snr_db: of the sound, see `harness.sound.scene.Scene`.
        wall_s: the host's time for upload and listening.
        route: "pcm" or "acoustic".
        sound_starts_s: when the sound began, on the board's clock.
        acoustic: of that route, see `harness.records.record.VariantRow.acoustic`.
    """

    sound_sha256: str
    build_id: str
    clipped_samples: int
    speech_dbfs: float | None
    snr_db: float | None
    wall_s: float
    route: str = "pcm"
    sound_starts_s: float = 0.0
    acoustic: dict[str, Any] = field(default_factory=dict)


def read_facts(folder: FieldFolder, variant: str, segment: int) -> SegmentFacts | None:
    """What is known of a segment; None if it has not been heard to its end."""
    path = folder.facts(variant, segment)
    return SegmentFacts(**json.loads(path.read_text())) if path.exists() else None


def sound_sha256(scene: Scene) -> str:
    """The identity of a sound, as 64 hex digits."""
    return hashlib.sha256(scene.samples.astype("<i2").tobytes()).hexdigest()


class Player:
    """Plays a plan to a board with one image.

    Args:
        board: hears it.
        firmware: the image.
        variant: its model's id.
        labels: of its model.
        plan: what is played.
        bench: the speaker, for a board that hears through the air.
        folder: takes logs and facts.
        store: keeps those of a board whose time is modeled.
        attempts: of what can fail for the host's USB.
    """

    def __init__(
        self,
        board: Board,
        firmware: Firmware,
        variant: str,
        labels: tuple[str, ...],
        plan: PlaybackPlan,
        bench: Bench,
        folder: FieldFolder,
        store: Store,
        attempts: Attempts,
    ) -> None:
        self._board, self._firmware, self._variant, self._labels = board, firmware, variant, labels
        self._plan, self._bench, self._folder, self._store = plan, bench, folder, store
        self._attempts = attempts
        self._uploaded = self._listened = False

    def play(self, segment: Segment) -> bool:
        """Lets the board hear a segment, unless it has heard it.

        Returns:
            Whether it was played now: it may have been before, in this run or in another one.

        Raises:
            EarshotError: see `Listener.listen`; the log of an attempt that failed is kept beside the others.
        """
        known = read_facts(self._folder, self._variant, segment.number)
        if known and known.build_id == self._firmware.build_id:
            return False
        log = self._folder.transcript(self._variant, segment.number)
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists():  # of a process that was killed, or of another image
            log.replace(_free_name(log, "broken"))
        self._listened = False
        scene = render(self._plan, segment)
        if self._board.describe().clock == "measured":
            facts = self._heard(segment, scene, log)
        else:
            facts = self._from_store(segment, scene, log)
        write_atomic(json.dumps(asdict(facts), indent=1), self._folder.facts(self._variant, segment.number))
        return self._listened

    def _from_store(self, segment: Segment, scene: Scene, log: Path) -> SegmentFacts:
        """What the store has of the segment, or is given now."""

        def make(scratch: Path) -> None:
            self._uploaded = False  # a fresh machine for each segment: nothing of the last one is left in it
            try:
                facts = self._heard(segment, scene, scratch / _LOG)
            except BaseException:
                if (scratch / _LOG).exists():
                    shutil.copyfile(scratch / _LOG, _free_name(log, "broken"))
                raise
            (scratch / _FACTS).write_text(json.dumps(asdict(facts), indent=1))

        inputs = {
            "image": self._firmware.image,
            "board": self._board.describe(),
            "sound": sound_sha256(scene),
        }
        found = self._store.build("field-segment", inputs, make, (listener_module,))
        shutil.copyfile(found / _LOG, log)
        kept = SegmentFacts(**json.loads((found / _FACTS).read_text()))
        # Of the scene as this plan has it: another one's may have come to the same samples.
        return replace(
            kept,
            clipped_samples=scene.clipped_samples,
            speech_dbfs=scene.speech_dbfs,
            snr_db=scene.snr_db,
            build_id=self._firmware.build_id,
        )

    def _heard(self, segment: Segment, scene: Scene, log: Path) -> SegmentFacts:
        """Lets the board hear a segment now."""
        stimulus = to_stimulus(scene, segment, self._labels)
        gain_db = self._gain_db if self._board.acoustic else None
        listener = Listener(self._board, stimulus, self._bench, gain_db)
        began = time.monotonic()
        self._listened = True

        def attempt() -> dict[str, Any]:
            if log.exists():  # of an attempt that failed
                log.replace(_free_name(log, "broken"))
            if not self._uploaded:
                self._board.upload(self._firmware)
            self._uploaded = False  # until it has listened to the end
            facts = listener.listen(self._board.open(log))
            self._uploaded = True
            return facts

        facts = self._attempts.of(f"segment {segment.number}", attempt)
        if facts["route"] == "room":
            raise no_speaker(self._bench)
        return SegmentFacts(
            sound_sha256=sound_sha256(scene),
            build_id=self._firmware.build_id,
            clipped_samples=scene.clipped_samples,
            speech_dbfs=scene.speech_dbfs,
            snr_db=scene.snr_db,
            wall_s=round(time.monotonic() - began, 3),
            **facts,
        )

    @cached_property
    def _gain_db(self) -> float:
        """At the speaker, for every segment alike: that of the plan's first words, at the speaker's level.

        What a condition makes louder or softer than another stays so, and so does what is keyword-free.
        """
        spoken = next((segment for segment in self._plan.segments if segment.words), self._plan.segments[0])
        sound: Stimulus = to_stimulus(render(self._plan, spoken), spoken, self._labels)
        assert self._bench.speaker is not None  # `check_route` has asked
        return self._bench.speaker.level_dbfs - speech_dbfs(sound)


def check_route(board: Board, bench: Bench, plan: PlaybackPlan) -> None:
    """Whether this plan can be played to this board.

    Raises:
        UsageError: it has a simulated room, and the board stands in a real one.
        AcousticFailed: no speaker stands in front of it.
    """
    if not board.acoustic:
        return
    if bench.speaker is None:
        raise no_speaker(bench)
    for condition in plan.conditions:
        if condition.distance_m is not None:
            raise UsageError(
                "a simulated room cannot be played in a real one: the words would go through both",
                where=f"condition {condition.name!r} of the plan",
                remedy="Leave --distance and --rt60 out and move the board; the bench file's [speaker] says "
                "where it stands. Simulated rooms are for the emulated board.",
            )


def no_speaker(bench: Bench) -> AcousticFailed:
    """There is nothing that words could be played by."""
    return AcousticFailed(
        "no speaker stands on the bench, and the board hears nothing but the room",
        where=str(bench.path or "no bench file"),
        remedy="Add [speaker] to the bench file, or take --board emulated.",
    )


def _free_name(log: Path, what: str) -> Path:
    number = 1
    while (name := log.with_name(f"{log.stem}.{what}-{number}.log")).exists():
        number += 1
    return name
