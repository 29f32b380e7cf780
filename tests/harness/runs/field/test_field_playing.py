"""Playback of segments to a board: each once, each complete or not at all, and always the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from board_text import board_text
from simulated_room import BoardInRoom, Room

from harness.bench_file import Bench, SpeakerEntry
from harness.boards.emulated import EmulatedBoard
from harness.errors import AcousticFailed, BoardNotFound, ProtocolError, UsageError
from harness.measure.listening_log import read_listening
from harness.measure.retry import Retries
from harness.runs.field.paths import FieldPaths
from harness.runs.field.playing import Player, check_route, read_facts
from harness.sound.conditions import Condition
from harness.sound.levels import rms_dbfs
from harness.sound.planning import make_plan
from harness.sound.playback_plan import PlanOptions
from harness.sound.scene import render
from models.store import Store

BENCH = Bench(speaker=SpeakerEntry(device="pulse", level_dbfs=-24.0, silence_s=0.3))


@pytest.fixture
def paths(tmp_path) -> FieldPaths:
    return FieldPaths(tmp_path / "run")


def test_segment_is_played_once_from_its_first_to_its_last_sample(plan, model, player_of, paths):
    with EmulatedBoard() as board:
        player_of(board, plan, paths).play(plan.segments[0])
        before = paths.transcript(model.id, 1).read_bytes()
        player_of(board, plan, paths).play(plan.segments[0])
    assert paths.transcript(model.id, 1).read_bytes() == before, "with the host's times"
    log = read_listening(paths.transcript(model.id, 1), len(model.labels))
    assert log.complete and log.records_lost == log.samples_lost == 0
    assert log.slices[-1] >= (plan.segments[0].samples - 480) // 320 + 1
    facts = read_facts(paths, model.id, 1)
    assert (facts.route, facts.sound_starts_s) == ("pcm", 0.0)
    assert facts.speech_dbfs == render(plan, plan.segments[0]).speech_dbfs


def test_order_of_the_segments_does_not_change_their_transcripts(plan, model, player_of, tmp_path):
    """Each segment begins on a fresh machine, and there is no store in between."""
    texts = {}
    for name, order in {"forwards": plan.segments, "backwards": plan.segments[::-1]}.items():
        paths = FieldPaths(tmp_path / name)
        with EmulatedBoard() as board:
            player = player_of(board, plan, paths)
            for segment in order:
                player.play(segment)
        texts[name] = [board_text(paths.transcript(model.id, each.number)) for each in plan.segments]
    assert texts["forwards"] == texts["backwards"]
    assert b"$inf," in texts["forwards"][0] and texts["forwards"][0] != texts["forwards"][1]


def test_transcript_truncated_by_a_kill_is_kept_and_its_segment_played_again(plan, model, player_of, paths):
    with EmulatedBoard() as board:
        log = paths.transcript(model.id, 1)
        log.parent.mkdir(parents=True)
        log.write_bytes(b"1.0\t$inf,0,44")
        player_of(board, plan, paths).play(plan.segments[0])
    assert read_listening(log, len(model.labels)).complete
    assert log.with_name("segment-0001.failed-1.log").read_bytes() == b"1.0\t$inf,0,44"


def test_another_run_of_the_same_plan_takes_it_from_the_store(plan, model, player_of, tmp_path):
    store = Store(tmp_path / "store")
    with EmulatedBoard() as board:
        first, second = FieldPaths(tmp_path / "first"), FieldPaths(tmp_path / "second")
        player_of(board, plan, first, store).play(plan.segments[0])
        player_of(board, plan, second, store).play(plan.segments[0])
    logs = [paths.transcript(model.id, 1).read_bytes() for paths in (first, second)]
    assert logs[0] == logs[1]


def test_segment_of_another_image_is_played_again(plan, model, firmware, player_of, paths):
    with EmulatedBoard() as board:
        player_of(board, plan, paths).play(plan.segments[0])
        facts = paths.facts(model.id, 1)
        facts.write_text(facts.read_text().replace(firmware.build_id, "00000000"))
        player_of(board, plan, paths).play(plan.segments[0])
    assert read_facts(paths, model.id, 1).build_id == firmware.build_id


class BoardThatIsGone(EmulatedBoard):
    """A board whose port is not there when it is opened."""

    def open(self, transcript):
        raise BoardNotFound("the port is gone")


def test_board_that_stays_away_is_given_up(plan, model, player_of, paths):
    with BoardThatIsGone() as board, pytest.raises(BoardNotFound, match="the port is gone"):
        player_of(board, plan, paths).play(plan.segments[1])
    assert read_facts(paths, model.id, 2) is None


class BoardThatDies(EmulatedBoard):
    """Its machine ends in the middle of the sound."""

    def listen(self, sound) -> None:
        super().listen(sound[: len(sound) // 2])
        self._machine.close()


def test_transcript_of_a_board_that_dies_is_kept_and_the_segment_incomplete(plan, model, player_of, paths):
    with BoardThatDies() as board, pytest.raises(ProtocolError):
        player_of(board, plan, paths).play(plan.segments[1])
    assert read_facts(paths, model.id, 2) is None
    (kept,) = paths.transcript(model.id, 2).parent.glob("segment-0002.failed-*.log")
    assert b"$inf," in kept.read_bytes()


@pytest.fixture(scope="module")
def played_through_the_air(plan, store, firmware, model, tmp_path_factory):
    """Both segments through a simulated room."""
    room, where = Room(), tmp_path_factory.mktemp("air")
    with BoardInRoom(store, room) as board:
        paths, scratch = FieldPaths(where), Store(where / "store")
        player = Player(board, firmware, model, plan, BENCH, paths, scratch, Retries())
        played = []
        for segment in plan.segments:
            room.played.clear()
            player.play(segment)
            played.append(np.concatenate(room.played))
    return paths, played


def test_through_the_air_every_segment_has_a_chirp_of_its_own(played_through_the_air, plan, model):
    paths, _ = played_through_the_air
    for segment in plan.segments:
        facts = read_facts(paths, model.id, segment.number)
        assert facts.route == "acoustic"
        assert facts.sound_starts_s > 3
        assert facts.acoustic.chirp.snr_db > 20


def test_keyword_free_segment_is_played_with_the_gain_of_the_words(played_through_the_air, plan, model):
    """Brought to the speaker's level by itself, a background of -60 dBFS would be as loud as speech."""
    paths, played = played_through_the_air
    gains = [read_facts(paths, model.id, number).acoustic.speaker.gain_db for number in (1, 2)]
    assert gains[0] == pytest.approx(gains[1])
    free = plan.segments[1]
    assert rms_dbfs(played[1][-free.samples :]) == pytest.approx(
        rms_dbfs(render(plan, free).samples) + gains[0], abs=0.3
    )


def test_simulated_room_is_refused_on_a_board_in_a_real_room(my_words, store):
    in_room = make_plan(my_words, PlanOptions(conditions=(Condition("2 m", distance_m=2.0, rt60_s=0.4),)))
    with pytest.raises(UsageError, match=r"'2 m' of the plan.*move the board") as refused:
        check_route(BoardInRoom(store, Room()), BENCH, in_room)
    assert "simulated room" in str(refused.value)
    check_route(EmulatedBoard(store), Bench(), in_room)


def test_bench_without_a_speaker_is_refused(plan, store):
    with pytest.raises(AcousticFailed, match="the bench has no speaker"):
        check_route(BoardInRoom(store, Room()), replace(BENCH, speaker=None), plan)
