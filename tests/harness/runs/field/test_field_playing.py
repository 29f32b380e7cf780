"""A plan's segments on a board: each once, each whole or not at all, and always the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from board_text import board_text
from simulated_room import BoardInRoom, Room

from harness.bench_file import Bench, SpeakerEntry
from harness.boards.emulated import EmulatedBoard
from harness.errors import AcousticFailed, BoardNotFound, ProtocolError, UsageError
from harness.measure.field_reading import read_segment
from harness.runs.field.attempts import Attempts
from harness.runs.field.playing import check_route, read_facts
from harness.sound.conditions import Condition
from harness.sound.levels import rms_dbfs
from harness.sound.planning import make_plan
from harness.sound.playback_plan import PlanOptions
from harness.sound.scene import render
from models.store import Store

BENCH = Bench(speaker=SpeakerEntry(device="pulse", level_dbfs=-24.0, silence_s=0.3))


def test_a_segment_is_heard_from_its_first_to_its_last_sample(plan, model, folder_of, player_of):
    with EmulatedBoard() as board:
        folder = folder_of(plan, board)
        assert player_of(board, plan, folder).play(plan.segments[0])
    log = read_segment(folder.transcript(model.id, 1))
    assert log.complete and log.records_lost == log.samples_lost == 0
    assert log.slices[-1] >= (plan.segments[0].samples - 480) // 320 + 1
    facts = read_facts(folder, model.id, 1)
    assert (facts.route, facts.sound_starts_s) == ("pcm", 0.0)
    assert facts.speech_dbfs == render(plan, plan.segments[0]).speech_dbfs


def test_what_is_whole_is_not_played_again(plan, model, folder_of, player_of):
    with EmulatedBoard() as board:
        folder = folder_of(plan, board)
        assert player_of(board, plan, folder).play(plan.segments[0])
        before = folder.transcript(model.id, 1).read_bytes()
        assert not player_of(board, plan, folder).play(plan.segments[0])
    assert folder.transcript(model.id, 1).read_bytes() == before


def test_the_same_plan_twice_gives_the_same_bytes_without_any_store_between(
    plan, model, folder_of, player_of
):
    texts = []
    for run in ("first", "second"):
        with EmulatedBoard() as board:
            folder = folder_of(plan, board, run)
            player = player_of(board, plan, folder)
            for segment in plan.segments:
                player.play(segment)
        texts.append([board_text(folder.transcript(model.id, each.number)) for each in plan.segments])
    assert texts[0] == texts[1]
    assert b"$inf," in texts[0][0] and texts[0][0] != texts[0][1]


def test_the_order_of_the_segments_does_not_matter(plan, model, folder_of, player_of):
    """Nothing of a segment is left in the next one: each begins on a fresh machine."""
    texts = {}
    for run, order in {"forwards": plan.segments, "backwards": plan.segments[::-1]}.items():
        with EmulatedBoard() as board:
            folder = folder_of(plan, board, run)
            player = player_of(board, plan, folder)
            for segment in order:
                player.play(segment)
        texts[run] = [board_text(folder.transcript(model.id, each.number)) for each in plan.segments]
    assert texts["forwards"] == texts["backwards"]


def test_a_log_that_was_cut_off_by_a_kill_is_kept_and_its_segment_is_heard_anew(
    plan, model, folder_of, player_of
):
    with EmulatedBoard() as board:
        folder = folder_of(plan, board)
        log = folder.transcript(model.id, 1)
        log.parent.mkdir(parents=True)
        log.write_bytes(b"1.0\t$inf,0,44")
        assert player_of(board, plan, folder).play(plan.segments[0])
    assert read_segment(log).complete
    assert log.with_name("segment-0001.broken-1.log").read_bytes() == b"1.0\t$inf,0,44"


def test_another_run_of_the_same_plan_takes_it_from_the_store(plan, model, folder_of, player_of, tmp_path):
    store = Store(tmp_path / "store")
    with EmulatedBoard() as board:
        first, second = folder_of(plan, board, "first"), folder_of(plan, board, "second")
        assert player_of(board, plan, first, store).play(plan.segments[0])
        assert not player_of(board, plan, second, store).play(plan.segments[0])
    logs = [folder.transcript(model.id, 1).read_bytes() for folder in (first, second)]
    assert logs[0] == logs[1]


def test_what_another_image_heard_does_not_count(plan, model, firmware, folder_of, player_of):
    with EmulatedBoard() as board:
        folder = folder_of(plan, board)
        player_of(board, plan, folder).play(plan.segments[0])
        facts = folder.facts(model.id, 1)
        facts.write_text(facts.read_text().replace(firmware.build_id, "00000000"))
        assert player_of(board, plan, folder).play(plan.segments[0])
    assert read_facts(folder, model.id, 1).build_id == firmware.build_id


class BoardThatIsSometimesGone(EmulatedBoard):
    """Its port is not there the first few times that it is opened."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    def open(self, transcript):
        if self.failures:
            self.failures -= 1
            raise BoardNotFound("the port is gone")
        return super().open(transcript)


def test_a_board_that_comes_back_is_asked_again_and_that_is_told(plan, model, folder_of, player_of):
    with BoardThatIsSometimesGone(failures=2) as board:
        folder = folder_of(plan, board)
        attempts = Attempts(lambda line: None)
        assert player_of(board, plan, folder, attempts=attempts).play(plan.segments[1])
    assert len(attempts.told) == 2
    assert "segment 2: tried again, 1 of 2, after enumerate: the port is gone" in attempts.told[0]


def test_a_board_that_stays_away_is_given_up(plan, model, folder_of, player_of):
    with BoardThatIsSometimesGone(failures=3) as board:
        folder = folder_of(plan, board)
        with pytest.raises(BoardNotFound, match="the port is gone"):
            player_of(board, plan, folder).play(plan.segments[1])
    assert read_facts(folder, model.id, 2) is None


class BoardThatDies(EmulatedBoard):
    """Its machine ends in the middle of the sound."""

    def listen(self, sound) -> None:
        super().listen(sound[: len(sound) // 2])
        self._machine.close()


def test_of_a_board_that_dies_the_log_is_kept_and_the_segment_is_not_whole(plan, model, folder_of, player_of):
    with BoardThatDies() as board:
        folder = folder_of(plan, board)
        with pytest.raises(ProtocolError):
            player_of(board, plan, folder).play(plan.segments[1])
    assert read_facts(folder, model.id, 2) is None
    (kept,) = folder.transcript(model.id, 2).parent.glob("segment-0002.broken-*.log")
    assert b"$inf," in kept.read_bytes()


@pytest.fixture(scope="module")
def heard_through_the_air(plan, store, firmware, model, tmp_path_factory):
    """Both segments through a simulated room: the player, the room, the folder."""
    from harness.runs.field.folder import begin
    from harness.runs.field.playing import Player

    room, where = Room(), tmp_path_factory.mktemp("air")
    with BoardInRoom(store, room) as board:
        folder = begin(where, board.describe(), plan, 200, 1.0, "")
        scratch = Store(where / "store")
        attempts = Attempts(lambda line: None)
        player = Player(board, firmware, model.id, model.labels, plan, BENCH, folder, scratch, attempts)
        played = []
        for segment in plan.segments:
            room.played.clear()
            player.play(segment)
            played.append(np.concatenate(room.played))
        folder.let_go()
    return folder, played


def test_through_the_air_every_segment_has_a_chirp_of_its_own(heard_through_the_air, plan, model):
    folder, _ = heard_through_the_air
    for segment in plan.segments:
        facts = read_facts(folder, model.id, segment.number)
        assert facts.route == "acoustic"
        assert facts.sound_starts_s > 3
        assert facts.acoustic["chirp"]["snr_db"] > 20


def test_what_is_keyword_free_is_played_with_the_gain_of_the_words(heard_through_the_air, plan, model):
    """Brought to the speaker's level by itself, a background of -60 dBFS would be as loud as speech."""
    folder, played = heard_through_the_air
    gains = [read_facts(folder, model.id, number).acoustic["speaker"]["gain_db"] for number in (1, 2)]
    assert gains[0] == pytest.approx(gains[1])
    free = plan.segments[1]
    assert rms_dbfs(played[1][-free.samples :]) == pytest.approx(
        rms_dbfs(render(plan, free).samples) + gains[0], abs=0.3
    )


def test_a_simulated_room_is_refused_where_the_board_stands_in_a_real_one(my_words, store):
    in_room = make_plan(my_words, PlanOptions(conditions=(Condition("2 m", distance_m=2.0, rt60_s=0.4),)))
    with pytest.raises(UsageError, match=r"'2 m' of the plan.*move the board") as refused:
        check_route(BoardInRoom(store, Room()), BENCH, in_room)
    assert "simulated room" in str(refused.value)
    check_route(EmulatedBoard(store), Bench(), in_room)


def test_without_a_speaker_nothing_can_be_played_through_the_air(plan, store):
    with pytest.raises(AcousticFailed, match="no speaker stands on the bench"):
        check_route(BoardInRoom(store, Room()), replace(BENCH, speaker=None), plan)
