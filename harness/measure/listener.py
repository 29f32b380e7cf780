"""Routes of a sound to a board: sample by sample, through the air, or the room as it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any

from harness.bench_file import Bench, SpeakerEntry
from harness.boards.board import Board
from harness.link.deadline import Deadline
from harness.link.dut import DeviceUnderTest
from harness.link.events import Event, Inference
from harness.records.record import AcousticRow, SpeakerRow
from harness.sound.acoustic import Qualification
from harness.sound.levels import at_level, speech_dbfs
from harness.sound.stimulus import Stimulus
from models import progress

ROOM_S, ROOM_LIMIT_S = 10.0, 60.0
"""Shortest and longest listening of a board without a speaker; it ends with enough inferences."""

INVOCATIONS = 300
"""Least number of timed invocations of each stage."""

_ENDING_S = 15.0  # for a canceled sound: 0.7 s of lookahead, 5 s of a device that is gone


class Listener:
    """A stimulus and its route to a board; may be used for several attempts.

    Args:
        bench: speaker and thresholds, for a board that hears through the air.
        gain_db: at the speaker, for a part of a longer sound; None brings this stimulus to the speaker's
            level.

    Raises:
        UsageError: the stimulus would clip at the speaker's level.
    """

    def __init__(self, board: Board, stimulus: Stimulus, bench: Bench, gain_db: float | None = None) -> None:
        self._board, self._bench = board, bench
        self._stimulus, self._gain_db = stimulus, 0.0
        if board.acoustic and bench.speaker:
            level_dbfs = bench.speaker.level_dbfs
            if gain_db is not None:
                level_dbfs = speech_dbfs(stimulus) + gain_db
            self._stimulus, self._gain_db = at_level(stimulus, level_dbfs)

    def listen(self, link: DeviceUnderTest) -> dict[str, Any]:
        """Let the board listen; its report is in the link's transcript.

        Returns:
            The facts of a session: its route, and for a sound through the air its start and the chirp.

        Raises:
            AcousticFailed: the board does not hear the speaker as it should.
            EarshotError: see `DeviceUnderTest.listen`.
        """
        if not self._board.acoustic:
            for _ in self._counted(link.listen(lambda: self._board.listen(self._stimulus.samples))):
                pass
            return {"route": "pcm"}
        if self._bench.speaker is None:
            return self._listen_to_the_room(link)
        return self._listen_to_the_speaker(link, self._bench.speaker)

    def _listen_to_the_speaker(self, link: DeviceUnderTest, speaker: SpeakerEntry) -> dict[str, Any]:
        qualification = Qualification(self._stimulus.samples, speaker, self._bench.thresholds)
        feed = _Feed(lambda: self._board.listen(qualification.blocks()))
        try:
            for event in self._counted(link.listen(feed, echo_samples=qualification.echo_samples)):
                qualification.take(event)
        finally:
            qualification.cancel()  # after a failure of the link, nobody hears the rest of the sound
            feed.wait(_ENDING_S)
        heard, sound_starts_s = qualification.result()
        louder_db = speaker.level_dbfs - qualification.chirp_dbfs
        acoustic = AcousticRow(
            chirp=replace(heard, echo_samples_lost=qualification.echo_samples_lost),
            speaker=SpeakerRow(
                device=speaker.device,
                level_dbfs=speaker.level_dbfs,
                gain_db=self._gain_db,
                distance_m=speaker.distance_m,
                room=speaker.room,
                noise=speaker.noise,
            ),
            words_at_board_dbfs=heard.level_dbfs + louder_db,
            words_snr_db=heard.snr_db + louder_db,
            sound_starts_s=sound_starts_s,
        )
        return {"route": "acoustic", "sound_starts_s": sound_starts_s, "acoustic": asdict(acoustic)}

    def _counted(self, events: Iterator[Event]) -> Iterator[Event]:
        """Report the seconds that the board has heard, by the times of its inferences."""
        duration_s, heard_s = self._stimulus.duration_s, 0.0
        advance = progress.count(duration_s, "s of audio")
        for event in events:
            if isinstance(event, Inference):
                now_s = min(event.device_ms / 1000, duration_s)
                advance(now_s - heard_s)
                heard_s = now_s
            yield event

    def _listen_to_the_room(self, link: DeviceUnderTest) -> dict[str, Any]:
        """Let the board listen without a sound until it has made `INVOCATIONS` inferences; 10 s to 60 s."""
        enough = threading.Event()

        def keep_listening() -> None:
            shortest = Deadline(ROOM_S)
            enough.wait(ROOM_LIMIT_S)
            time.sleep(shortest.remaining)

        feed = _Feed(keep_listening)
        try:
            inferences = 0
            for event in link.listen(feed):
                inferences += isinstance(event, Inference)
                if inferences == INVOCATIONS:
                    enough.set()
        finally:
            enough.set()
        return {"route": "room"}


class _Feed:
    """A sound whose end can be waited for."""

    def __init__(self, play: Callable[[], None]) -> None:
        self._play = play
        self._started, self._over = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self._started.set()
        try:
            self._play()
        finally:
            self._over.set()

    def wait(self, timeout_s: float) -> None:
        """Wait for the end of the sound, if it has begun."""
        if self._started.is_set():
            self._over.wait(timeout_s)
