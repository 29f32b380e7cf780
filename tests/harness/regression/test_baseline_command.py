"""`earshot baseline`: which night is accepted, what is written, what is said."""

from __future__ import annotations

import pytest
from gated_records import FLASH, INFERENCE, write_night

from harness import cli
from harness.regression.baseline import read_baseline


@pytest.fixture
def nights(tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_HOME", str(tmp_path / "home"))
    return tmp_path / "nights"


@pytest.fixture
def baseline(nights, tmp_path, capsys):
    """Calls the command; what it wrote is in `read`, what it said in `out` and `err`."""

    class Call:
        path = tmp_path / "baselines" / "emulated.toml"

        def __call__(self, verb, *options):
            given = ["--board", "emulated", "--baselines", str(self.path.parent), *map(str, options)]
            if verb == "accept":
                given += ["--history", str(nights)]
                given += [] if "--reason" in options else ["--reason", "as it is"]
            self.code = cli.main(["baseline", verb, *given])
            self.out, self.err = capsys.readouterr()
            return self.code

        @property
        def read(self):
            return read_baseline(self.path)

    return Call()


def test_the_last_night_of_the_board_is_accepted_with_its_reason(nights, baseline):
    for number in (0, 1):
        write_night(nights, number, inference_us=11_000 + number)
    write_night(nights, 2, board="desk")
    assert baseline("accept", "--reason", "a check that was missing") == 0
    epoch = baseline.read.epoch
    assert epoch.exact[str(INFERENCE)] == 11_001
    assert (epoch.accepted[0].night, epoch.accepted[0].reason) == ("11-night", "a check that was missing")


def test_a_change_is_printed_as_the_lines_of_the_file_that_differ(nights, baseline):
    write_night(nights, 0)
    baseline("accept")
    write_night(nights, 1, inference_us=11_100)
    assert baseline("accept") == 0
    changed = [
        line for line in baseline.out.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    assert changed[:2] == [f'-"{INFERENCE}" = 11000.0', f'+"{INFERENCE}" = 11100.0']
    assert not any(str(FLASH) in line for line in changed)
    assert f"commit {baseline.path}" in baseline.err


def test_only_the_series_that_are_named_are_accepted(nights, baseline):
    write_night(nights, 0)
    baseline("accept")
    write_night(nights, 1, inference_us=11_100, flash_bytes=36_004)
    assert baseline("accept", "--series", FLASH) == 0
    assert baseline.read.epoch.exact[str(FLASH)] == 36_004
    assert baseline.read.epoch.exact[str(INFERENCE)] == 11_000


@pytest.mark.parametrize("name", ["00", "00-night", "folder", "record"])
def test_a_night_is_named_by_its_id_or_where_it_is(nights, baseline, name):
    folder = write_night(nights, 0, inference_us=10_000)
    write_night(nights, 1)
    names = {"folder": folder, "record": folder / "run.json"}
    assert baseline("accept", "--night", names.get(name, name)) == 0
    assert baseline.read.epoch.exact[str(INFERENCE)] == 10_000


def test_a_night_of_another_folder_is_accepted_too(nights, baseline, tmp_path):
    write_night(nights, 0)
    elsewhere = write_night(tmp_path / "elsewhere", 1, inference_us=10_000)
    assert baseline("accept", "--night", elsewhere) == 0
    assert baseline.read.epoch.exact[str(INFERENCE)] == 10_000


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--night", "77"], "there is no night '77' of emulated"),
        (["--series", "flash"], "'flash' is not a series"),
        (["--reason", "  "], "a baseline needs a reason"),
    ],
)
def test_what_cannot_be_accepted_is_told_and_nothing_is_written(nights, baseline, options, told):
    write_night(nights, 0)
    assert baseline("accept", *options) == 2
    assert told in baseline.err
    assert not baseline.path.exists()


def test_an_id_that_two_nights_begin_with_is_told_with_both(nights, baseline):
    write_night(nights, 0)
    write_night(
        nights,
        1,
        run={
            "id": "00-other",
            "started": "2026-11-21T01:00:00Z",
            "ended": "2026-11-21T02:00:00Z",
            "kind": "nightly",
        },
    )
    assert baseline("accept", "--night", "00") == 2
    assert "00-night, 00-other" in baseline.err


def test_a_night_of_a_dirty_tree_is_refused(nights, baseline):
    write_night(nights, 0, dirty=True)
    assert baseline("accept") == 2
    assert "uncommitted changes" in baseline.err


def test_a_record_of_another_board_is_refused(nights, baseline):
    folder = write_night(nights, 0, board="desk")
    assert baseline("accept", "--night", folder) == 2
    assert "this night is of desk, not of emulated" in baseline.err


def test_without_nights_the_command_that_makes_one_is_named(nights, baseline):
    assert baseline("accept") == 2
    assert "there is no night of emulated" in baseline.err and "earshot nightly" in baseline.err


def test_a_night_like_the_accepted_one_leaves_nothing_to_accept(nights, baseline):
    for number in (0, 1):
        write_night(nights, number)
        baseline("accept")
    assert baseline.code == 2
    assert "nothing to accept" in baseline.err


def test_what_was_accepted_is_shown_with_who_accepted_it_why(nights, baseline):
    write_night(nights, 0)
    baseline("accept", "--reason", "the first")
    assert baseline("show") == 0
    assert f"{INFERENCE}  11,000 µs" in baseline.out
    assert "all of commit 0000000000: the first" in baseline.out


def test_a_board_without_a_baseline_is_told_with_the_command_that_makes_one(baseline):
    assert baseline("show") == 2
    assert '`earshot baseline accept --board emulated --reason "…"`' in baseline.err
